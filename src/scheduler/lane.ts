import type { HeapItem } from './heap.js'
import type { Stage } from './lifecycle.js'
import { LinkedList, type Links } from './linked-list.js'

/**
 * The data of the queue. An entry refers to its lane, a lane to its level and to the share of its key, and these refer
 * back to lanes, so that a cancel from the middle needs no search:
 *
 * ```
 * Entry ──► Lane ──► Level    one per priority: its lanes take turns
 *             └────► Share    one per key: what the key runs and holds
 * ```
 */

/**
 * What the scheduler knows of a task: its stage, and its links in the list that holds it (a lane, or the delayed tasks;
 * once it has settled the links are free for other use). The task of the pool has these fields itself, so that a queued
 * task is one object.
 */
export interface Entry<E extends Entry<E>> extends Links<E> {
  stage: Stage
  /** Its number in the order of queueing. */
  order: number
  lane: Lane<E> | null
}

/** The entries of one priority and one key (or of no key), in order. */
export class Lane<E extends Entry<E>> {
  readonly priority: number
  readonly key: string | undefined
  /** What its key runs and holds; null without a key, and in a pool without bounds per key. */
  readonly share: Share<E> | null
  readonly entries = new LinkedList<E>()
  level: Level<E> | null = null
  /** Its neighbours in the round of its level; null when it is not in the round. */
  left: Lane<E> | null = null
  right: Lane<E> | null = null

  constructor(priority: number, key: string | undefined, share: Share<E> | null) {
    this.priority = priority
    this.key = key
    this.share = share
  }
}

/** The lanes of one priority. */
export class Level<E extends Entry<E>> implements HeapItem {
  readonly priority: number
  keyless: Lane<E> | null = null
  readonly keyed = new Map<string, Lane<E>>()
  /** The lane whose turn it is; null when no lane may give an entry. */
  turn: Lane<E> | null = null
  /** Lanes in the round. */
  lanes = 0
  /** Entries in all lanes, parked lanes included. */
  queued = 0
  index = -1

  constructor(priority: number) {
    this.priority = priority
  }
}

/** What one key runs and holds now. */
export class Share<E extends Entry<E>> {
  readonly key: string
  /** How many tasks of the key may run. */
  readonly concurrency: number
  running = 0
  /** Queued or delayed. */
  held = 0
  /** Lanes that left the round because the key runs as many tasks as it may. */
  parked: Lane<E>[] = []

  constructor(key: string, concurrency: number) {
    this.key = key
    this.concurrency = concurrency
  }
}
