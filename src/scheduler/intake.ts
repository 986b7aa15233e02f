import { type Entry, type KeyBounds, NO_BOUND, type Share } from './lane.js'
import { type PoolStage, STOPPING } from './lifecycle.js'
import type { Shares } from './shares.js'
import type { Waiter, WaiterList } from './waiter-list.js'
import type { Weights } from './weights.js'

/** Accepted and given a free worker in the same step. */
export const TO_WORKER = 0
/** Accepted into the queue. */
export const TO_QUEUE = 1
/** Refused: there is no place, or a waiter comes first. */
export const FULL = 2
/** Refused: the key's share is full. */
export const KEY_FULL = 3
/** Refused: the pool is stopping or has stopped. */
export const CLOSED = 4

export type Verdict = typeof TO_WORKER | typeof TO_QUEUE | typeof FULL | typeof KEY_FULL | typeof CLOSED

/** The places of the scheduler: how many are taken, and how one is taken. */
export interface Places<E extends Entry<E>> {
  readonly stage: PoolStage
  readonly concurrency: number
  readonly queueCapacity: number
  readonly running: number
  readonly held: number
  readonly weights: Weights<E> | null
  mayStart(now: number): boolean
  /** A key with a rate has appeared. */
  timeKeys(): void
  accept(entry: E, priority: number, key: string | undefined, weight: number): void
  run(entry: E): void
  keep(entry: E): void
  hold(entry: E, until: number): void
}

/** The bounds of one key and its present tasks. */
export interface KeyShare {
  readonly concurrency: number
  readonly queueCapacity: number
  readonly running: number
  readonly held: number
}

const NOTHING = { running: 0, held: 0 } as const

/** Decides which task is accepted and which waiter gets a freed place. */
export class Intake<E extends Entry<E>, W extends Waiter<W>> {
  readonly #places: Places<E>
  readonly #waiters: WaiterList<W>
  readonly #shares: Shares<E> | null
  readonly #ownBounds: boolean

  /** @param ownBounds - whether each key has bounds of its own ({@link openKey}) */
  constructor(places: Places<E>, waiters: WaiterList<W>, shares: Shares<E> | null, ownBounds: boolean) {
    this.#places = places
    this.#waiters = waiters
    this.#shares = shares
    this.#ownBounds = ownBounds
  }

  // ── new tasks ────────────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Decides on a new task and gives it a place if it is accepted, in one step.
   *
   * Where the time matters, the caller must first start every queued task that may start now, so that a new task never
   * passes them.
   */
  admit(entry: E, priority: number, key: string | undefined, now: number, weight = 1): Verdict {
    const verdict = this.#judge(key, this.#places.mayStart(now), weight, now)
    if (verdict === CLOSED || verdict === KEY_FULL) return verdict
    if (this.#waiters.size > 0) return FULL
    return this.#take(entry, priority, key, verdict, weight)
  }

  /** The same for a task that must not start before `until`: it gets a place in the queue, never a worker. */
  admitDelayed(entry: E, priority: number, key: string | undefined, until: number, weight = 1): Verdict {
    const verdict = this.#judge(key, false, weight, until)
    if (verdict === CLOSED || verdict === KEY_FULL) return verdict
    if (this.#waiters.size > 0) return FULL
    return this.#hold(entry, priority, key, until, verdict, weight)
  }

  /** Accepts a task that was accepted by a former pool, beyond all bounds: into the queue. */
  restore(entry: E, priority: number, key: string | undefined, weight = 1): void {
    this.#places.accept(entry, priority, key, weight)
    this.#places.keep(entry)
  }

  /** The same, with a delay. `until` is when it ends; Infinity: not before the task is put at the front of its lane. */
  restoreDelayed(entry: E, priority: number, key: string | undefined, until: number, weight = 1): void {
    this.#places.accept(entry, priority, key, weight)
    this.#places.hold(entry, until)
  }

  // ── waiters ──────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Adds a waiter. Returns false if the waiter list is full. */
  wait(waiter: W): boolean {
    if (this.#waiters.full) return false
    this.#waiters.push(waiter)
    const share = this.#ownShare(waiter.key)
    if (share !== undefined) share.waiting++
    return true
  }

  /** Removes a waiter that got no place. */
  leave(waiter: W): void {
    this.#waiters.remove(waiter)
    this.served(waiter)
  }

  /** Removes and returns the first waiter if there is a place, also if its key is full; else null. */
  nextWaiter(now: number): W | null {
    const { head } = this.#waiters
    if (head === null) return null
    const workerFree = !head.delayed && this.#places.mayStart(now)
    if (this.#isFull(workerFree, head.weight)) return null
    if (this.#judge(head.key, workerFree, head.weight, now) === FULL) return null
    this.#waiters.remove(head)
    return head
  }

  /** Decides on the task of a waiter that {@link nextWaiter} returned. */
  grant(entry: E, waiter: W, now: number): Verdict {
    const { priority, key, weight } = waiter
    return this.#take(entry, priority, key, this.#judge(key, this.#places.mayStart(now), weight, now), weight)
  }

  /** The same for a task that must not start before `until`. */
  grantDelayed(entry: E, waiter: W, until: number): Verdict {
    const { priority, key, weight } = waiter
    return this.#hold(entry, priority, key, until, this.#judge(key, false, weight, until), weight)
  }

  /** A waiter that got a place, or a refusal, does not wait for its key any more. */
  served({ key }: W): void {
    const share = this.#ownShare(key)
    if (share === undefined) return
    share.waiting--
    this.#shares?.release(share)
  }

  // ── bounds of keys ───────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Gives a key bounds of its own, before a task of it is judged: until it has no tasks and no waiters any more. Followed
   * by {@link closeKey}, whatever the verdict.
   *
   * @param boundsOf - asked if the key is idle
   */
  openKey(key: string, boundsOf: (key: string) => KeyBounds): void {
    const shares = this.#shares as Shares<E>
    if (shares.get(key)?.isIdle !== false) {
      const bounds = boundsOf(key)
      if (bounds.rateLimit !== undefined) this.#places.timeKeys()
      shares.openWith(key, bounds) // without effect if the function has queued a task of the key
    }
    shares.open(key).waiting++
  }

  closeKey(key: string): void {
    const shares = this.#shares as Shares<E>
    const share = shares.open(key)
    share.waiting--
    shares.release(share)
  }

  /** The bounds and tasks of a key, for the fields of a refusal. */
  shareOf(key: string): KeyShare {
    const { concurrency, queueCapacity } = this.#shares?.boundsOf(key) ?? NO_BOUND
    const { running, held } = this.#shares?.get(key) ?? NOTHING
    return { concurrency: Math.min(concurrency, this.#places.concurrency), queueCapacity, running, held }
  }

  /** The share of a key with bounds of its own. */
  #ownShare(key: string | undefined): Share<E> | undefined {
    return key === undefined || !this.#ownBounds ? undefined : this.#shares?.get(key)
  }

  // ── verdicts ─────────────────────────────────────────────────────────────────────────────────────────────────────

  /** `workerFree`: the task could take a worker at once, but for its key. */
  #judge(key: string | undefined, workerFree: boolean, weight: number, now: number): Verdict {
    if (this.#places.stage >= STOPPING) return CLOSED
    if (key !== undefined && this.#shares !== null) {
      const toWorker = workerFree && !this.#shares.atLimit(key, now)
      return this.#shares.hasRoom(key, toWorker) ? this.#judgeByRoom(toWorker, weight) : KEY_FULL
    }
    return this.#judgeByRoom(workerFree, weight)
  }

  #judgeByRoom(workerFree: boolean, weight: number): Verdict {
    if (this.#isFull(workerFree, weight)) return FULL
    return workerFree ? TO_WORKER : TO_QUEUE
  }

  /** Whether there is no place for one more task. `workerFree`: the task could take a worker at once. */
  #isFull(workerFree: boolean, weight: number): boolean {
    const { running, held, concurrency, queueCapacity, weights } = this.#places
    if (weights !== null && !weights.hasRoom(weight)) return true
    if (running + held >= concurrency + queueCapacity) return true
    return !workerFree && held >= queueCapacity
  }

  #take(entry: E, priority: number, key: string | undefined, verdict: Verdict, weight: number): Verdict {
    if (verdict > TO_QUEUE) return verdict
    this.#places.accept(entry, priority, key, weight)
    if (verdict === TO_WORKER) this.#places.run(entry)
    else this.#places.keep(entry)
    return verdict
  }

  /** The task is accepted, and waits for its time. */
  #hold(entry: E, priority: number, key: string | undefined, until: number, verdict: Verdict, weight: number): Verdict {
    if (verdict !== TO_QUEUE) return verdict
    this.#places.accept(entry, priority, key, weight)
    this.#places.hold(entry, until)
    return verdict
  }
}
