import { Heap, type HeapItem } from './heap.js'
import type { Stage } from './lifecycle.js'
import { LinkedList, type Links } from './linked-list.js'
import { RateWindow } from './rate-window.js'

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

/** Bounds of the tasks of a key. */
export interface KeyBounds {
  readonly concurrency: number
  readonly queueCapacity: number
  readonly rateLimit?: { readonly starts: number; readonly intervalMs: number } | undefined
}

/** For a key without bounds. */
export const NO_BOUND: KeyBounds = {
  concurrency: Number.POSITIVE_INFINITY,
  queueCapacity: Number.POSITIVE_INFINITY
}

/** The running and waiting tasks of one key. */
export class Share<E extends Entry<E>> implements HeapItem {
  readonly key: string
  /** Tasks of the key that may run at the same time. */
  concurrency: number
  /** Tasks of the key that may be queued or delayed. */
  queueCapacity: number
  /** The starts of the key; null without a rate of its own. */
  rate: RateWindow | null
  running = 0
  /** Number of queued and delayed tasks. */
  held = 0
  /** Number of callers that wait for room for the key, or for a verdict, where each key has bounds of its own. */
  waiting = 0
  /** Lanes that left their round because the key is at its concurrency or over its rate. */
  parked: Lane<E>[] = []
  /** Whether they left it because of the rate. */
  overRate = false
  index = -1
  /** The time that the heap of the key is ordered by. */
  dueAt = Number.POSITIVE_INFINITY

  constructor(key: string, { concurrency, queueCapacity, rateLimit }: KeyBounds) {
    this.key = key
    this.concurrency = concurrency
    this.queueCapacity = queueCapacity
    this.rate = rateLimit === undefined ? null : new RateWindow(rateLimit.starts, rateLimit.intervalMs)
  }

  /** Whether the key has no tasks and no waiters. */
  get isIdle(): boolean {
    return this.running === 0 && this.held === 0 && this.waiting === 0
  }

  /** Changes the bounds of an idle key. The starts in the present window count. */
  rebind({ concurrency, queueCapacity, rateLimit }: KeyBounds): void {
    this.concurrency = concurrency
    this.queueCapacity = queueCapacity
    if (rateLimit === undefined) this.rate = null
    else if (this.rate === null) this.rate = new RateWindow(rateLimit.starts, rateLimit.intervalMs)
    else this.rate.resize(rateLimit.starts, rateLimit.intervalMs)
  }
}

/** Keys by a time of each, the earliest first. Setting and clearing a time are O(log k). */
export class KeyTimes<E extends Entry<E>> {
  readonly #heap = new Heap<Share<E>>((a, b) => a.dueAt < b.dueAt)

  /** The earliest time; Infinity if there is none. */
  get firstAt(): number {
    return this.#heap.first?.dueAt ?? Number.POSITIVE_INFINITY
  }

  set(share: Share<E>, at: number): void {
    this.clear(share)
    if (at === Number.POSITIVE_INFINITY) return
    share.dueAt = at
    this.#heap.add(share)
  }

  clear(share: Share<E>): void {
    if (this.#heap.has(share)) this.#heap.remove(share)
  }

  /** Removes and returns a key whose time has come. */
  takeDue(now: number): Share<E> | undefined {
    const { first } = this.#heap
    if (first === undefined || first.dueAt > now) return undefined
    this.#heap.remove(first)
    return first
  }
}
