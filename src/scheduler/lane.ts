import type { HeapItem } from './heap.js'
import type { Stage } from './lifecycle.js'
import { LinkedList, type Links } from './linked-list.js'

/**
 * The data structures of the queue. An entry refers to its lane, a lane to its level and to the share of its key, so
 * that removing an entry from the middle needs no search:
 *
 * ```
 * Entry ──► Lane ──► Level    one per priority: its lanes take turns
 *             └────► Share    one per key: its running and waiting tasks
 * ```
 */

/**
 * A task as the scheduler sees it: its stage, and its links in the list that holds it (a lane, or the delayed tasks).
 * After the settle the links are free for other use. The pool's task class declares these fields itself, so that a
 * queued task is a single object.
 */
export interface Entry<E extends Entry<E>> extends Links<E> {
  stage: Stage
  /** Position in the order of queueing. */
  order: number
  lane: Lane<E> | null
}

/** The entries of one priority and one key (or without a key), first in, first out. */
export class Lane<E extends Entry<E>> {
  readonly priority: number
  readonly key: string | undefined
  /** The share of its key; null without a key, or in a pool without bounds per key. */
  readonly share: Share<E> | null
  readonly entries = new LinkedList<E>()
  level: Level<E> | null = null
  /** Neighbours in the round of its level; null while the lane is not in the round. */
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
  /** The lane whose turn it is; null while the round is empty. */
  turn: Lane<E> | null = null
  /** Number of lanes in the round. */
  lanes = 0
  /** Number of entries in all lanes, including parked lanes. */
  queued = 0
  index = -1

  constructor(priority: number) {
    this.priority = priority
  }
}

/** The running and waiting tasks of one key. */
export class Share<E extends Entry<E>> {
  readonly key: string
  /** Tasks of the key that may run at the same time. */
  readonly concurrency: number
  /** Tasks of the key that may be queued or delayed. */
  readonly queueCapacity: number
  running = 0
  /** Number of queued and delayed tasks. */
  held = 0
  /** Number of callers that wait for room for the key, where each key has bounds of its own. */
  waiting = 0
  /** Lanes that left their round because the key is at its concurrency. */
  parked: Lane<E>[] = []

  constructor(key: string, concurrency: number, queueCapacity: number) {
    this.key = key
    this.concurrency = concurrency
    this.queueCapacity = queueCapacity
  }
}
