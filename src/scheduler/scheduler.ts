import type { Entry, KeyBounds, Lane, Share } from './lane.js'
import { Lanes } from './lanes.js'
import {
  CREATED,
  DELAYED,
  FAILED,
  LEFT,
  move,
  type PoolStage,
  QUEUED,
  RUNNING,
  type Settled,
  STARTED,
  STOPPED,
  STOPPING,
  SUCCEEDED
} from './lifecycle.js'
import { Prospects } from './prospects.js'
import type { RateWindow } from './rate-window.js'
import { Shares } from './shares.js'
import { type Waiter, WaiterList } from './waiter-list.js'
import { Weights } from './weights.js'

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

export interface SchedulerOptions {
  readonly concurrency: number
  readonly queueCapacity: number
  readonly waiterCapacity: number
  /** Bounds of each key, or `own`: each has its own ({@link Scheduler.openKey}); null: no bounds. */
  readonly perKey: KeyBounds | 'own' | null
  readonly rate: RateWindow | null
  /** Bound of the sum of the weights; without it, weights do not count. */
  readonly weightCapacity?: number
}

/** The bounds of one key and its present tasks. */
export interface KeyShare {
  readonly concurrency: number
  readonly queueCapacity: number
  readonly running: number
  readonly held: number
}

/** For a key without bounds. */
export const NO_BOUND = { concurrency: Number.POSITIVE_INFINITY, queueCapacity: Number.POSITIVE_INFINITY } as const
const NOTHING = { running: 0, held: 0 } as const

/**
 * Decides which task is accepted, which runs next and which waiter gets a freed place. A deterministic state machine
 * without promises, timers, clock, events or errors; time is an argument.
 *
 * There are `concurrency + queueCapacity` places: the workers and the capacity of the queue. Every accepted task holds
 * one from the step that accepts it to the step that settles it, also while it waits for a retry.
 */
export class Scheduler<E extends Entry<E>, W extends Waiter<W>> {
  concurrency: number
  queueCapacity: number
  stage: PoolStage = CREATED
  paused = false
  /** When the pause ends, if there is one. */
  pausedUntil = Number.POSITIVE_INFINITY

  running = 0
  queued = 0
  /** Number of accepted tasks without a worker: queued or delayed. */
  held = 0
  accepted = 0
  refused = 0
  succeeded = 0
  failed = 0
  canceled = 0
  /** Tasks that a stop left in their store. */
  left = 0
  /** Tasks whose end is decided and not shown yet, because it is being written. */
  untold = 0
  peakRunning = 0
  peakQueued = 0

  readonly waiters: WaiterList<W>
  /** The tasks that must not start yet, and when they may: retries, and tasks that were queued with a delay. */
  readonly delayed = new Map<E, number>()
  readonly prospects: Prospects<E, W>
  /** Whether a rate limits the starts, of all tasks or of those of a key: the time matters. */
  timed: boolean
  readonly weights: Weights<E> | null
  readonly #shares: Shares<E> | null
  readonly #ownBounds: boolean
  #rate: RateWindow | null
  /** Whether a key has or had a rate. */
  keysTimed: boolean
  readonly #lanes = new Lanes<E>()
  /** Whether tasks may start: false before `start`, while paused, and after the grace of a stop. */
  open = false
  #orders = 0

  constructor(options: SchedulerOptions) {
    this.concurrency = options.concurrency
    this.queueCapacity = options.queueCapacity
    this.waiters = new WaiterList(options.waiterCapacity)
    this.#rate = options.rate
    const { weightCapacity = Number.POSITIVE_INFINITY } = options
    this.weights = weightCapacity === Number.POSITIVE_INFINITY ? null : new Weights(weightCapacity)
    this.#ownBounds = options.perKey === 'own'
    const bounds: KeyBounds = options.perKey === 'own' ? NO_BOUND : (options.perKey ?? NO_BOUND)
    this.#shares = options.perKey && new Shares(bounds)
    this.keysTimed = bounds.rateLimit !== undefined
    this.timed = this.keysTimed || options.rate !== null
    this.prospects = new Prospects(this, this.#lanes, this.#shares)
  }

  /** The rate of all starts. */
  get rate(): RateWindow | null {
    return this.#rate
  }

  set rate(rate: RateWindow | null) {
    this.#rate = rate
    this.timed = this.keysTimed || rate !== null
  }

  /** Number of accepted tasks whose end has not been shown. */
  get live(): number {
    return this.running + this.held + this.untold
  }

  /** Number of submitted tasks: each is accepted, refused, or its caller still waits for room. */
  get submitted(): number {
    return this.accepted + this.refused + this.waiters.size
  }

  // ── admission ────────────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Decides on a new task and gives it a place if it is accepted, in one step.
   *
   * Where the time matters, the caller must first start every queued task that may start now ({@link next}), so that a new
   * task never passes them.
   */
  admit(entry: E, priority: number, key: string | undefined, now: number, weight = 1): Verdict {
    const verdict = this.#judge(key, this.#mayStart(now), weight, now)
    if (verdict === CLOSED || verdict === KEY_FULL) return verdict
    if (this.waiters.size > 0) return FULL
    return this.#take(entry, priority, key, verdict, weight)
  }

  /** The same for a task that must not start before `until`: it gets a place in the queue, never a worker. */
  admitDelayed(entry: E, priority: number, key: string | undefined, until: number, weight = 1): Verdict {
    const verdict = this.#judge(key, false, weight, until)
    if (verdict === CLOSED || verdict === KEY_FULL) return verdict
    if (this.waiters.size > 0) return FULL
    return this.#hold(entry, priority, key, until, verdict, weight)
  }

  /** Adds a waiter. Returns false if the waiter list is full. */
  wait(waiter: W): boolean {
    if (this.waiters.full) return false
    this.waiters.push(waiter)
    const share = this.#ownShare(waiter.key)
    if (share !== undefined) share.waiting++
    return true
  }

  /** A waiter that got a place, or a refusal, does not wait for its key any more. */
  served({ key }: W): void {
    const share = this.#ownShare(key)
    if (share === undefined) return
    share.waiting--
    this.#shares?.release(share)
  }

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
      if (bounds.rateLimit !== undefined) {
        this.keysTimed = true
        this.timed = true
      }
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

  /** The share of a key with bounds of its own. */
  #ownShare(key: string | undefined): Share<E> | undefined {
    return key === undefined || !this.#ownBounds ? undefined : this.#shares?.get(key)
  }

  /** Removes a waiter that got no place. */
  leave(waiter: W): void {
    this.waiters.remove(waiter)
    this.served(waiter)
  }

  /** Removes and returns the first waiter if there is a place, also if its key is full; else null. */
  nextWaiter(now: number): W | null {
    const { head } = this.waiters
    if (head === null) return null
    const workerFree = !head.delayed && this.#mayStart(now)
    if (this.#isFull(workerFree, head.weight)) return null
    if (this.#judge(head.key, workerFree, head.weight, now) === FULL) return null
    this.waiters.remove(head)
    return head
  }

  /** Decides on the task of a waiter that {@link nextWaiter} returned. */
  grant(entry: E, waiter: W, now: number): Verdict {
    const { priority, key, weight } = waiter
    return this.#take(entry, priority, key, this.#judge(key, this.#mayStart(now), weight, now), weight)
  }

  /** The same for a task that must not start before `until`. */
  grantDelayed(entry: E, waiter: W, until: number): Verdict {
    const { priority, key, weight } = waiter
    return this.#hold(entry, priority, key, until, this.#judge(key, false, weight, until), weight)
  }

  /** `workerFree`: the task could take a worker at once, but for its key. */
  #judge(key: string | undefined, workerFree: boolean, weight: number, now: number): Verdict {
    if (this.stage >= STOPPING) return CLOSED
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
    const { held } = this
    if (this.weights !== null && !this.weights.hasRoom(weight)) return true
    if (this.running + held >= this.concurrency + this.queueCapacity) return true
    return !workerFree && held >= this.queueCapacity
  }

  #take(entry: E, priority: number, key: string | undefined, verdict: Verdict, weight: number): Verdict {
    if (verdict > TO_QUEUE) return verdict
    const share = this.#assign(entry, priority, key, weight)
    if (verdict === TO_WORKER) {
      entry.order = ++this.#orders
      this.#run(entry)
    } else {
      this.#keep(share)
      this.#enqueue(entry)
    }
    return verdict
  }

  /** The task is accepted, and waits for its time. */
  #hold(entry: E, priority: number, key: string | undefined, until: number, verdict: Verdict, weight: number): Verdict {
    if (verdict !== TO_QUEUE) return verdict
    this.#keep(this.#assign(entry, priority, key, weight))
    entry.order = ++this.#orders
    this.#defer(entry, until)
    return verdict
  }

  #assign(entry: E, priority: number, key: string | undefined, weight: number): Share<E> | null {
    if (this.weights !== null) this.weights.take(entry, weight)
    const share = key === undefined || this.#shares === null ? null : this.#shares.open(key)
    entry.lane = this.#lanes.find(priority, key, share)
    this.accepted++
    return share
  }

  /** One more task has a place without a worker. */
  #keep(share: Share<E> | null): void {
    this.held++
    if (share !== null) share.held++
  }

  #unkeep(share: Share<E> | null): void {
    this.held--
    if (share !== null) share.held--
  }

  #defer(entry: E, until: number): void {
    move(entry, DELAYED)
    this.delayed.set(entry, until)
  }

  /** Accepts a task that was accepted by a former pool, beyond all bounds: into the queue. */
  restore(entry: E, priority: number, key: string | undefined, weight = 1): void {
    this.#keep(this.#assign(entry, priority, key, weight))
    this.#enqueue(entry)
  }

  /** The same, with a delay. `until` is when it ends; Infinity: not before {@link requeueFirst}. */
  restoreDelayed(entry: E, priority: number, key: string | undefined, until: number, weight = 1): void {
    this.#keep(this.#assign(entry, priority, key, weight))
    this.#defer(entry, until)
  }

  // ── running ──────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Gives a worker to the next task that may start and returns the task; null if none may. */
  next(now: number): E | null {
    if (this.keysTimed) this.#watchKeys(now)
    if (this.queued === 0 || !this.#mayStart(now)) return null
    const entry = this.#lanes.take(now)
    if (entry === null) return null
    this.#unkeep((entry.lane as Lane<E>).share)
    this.queued--
    this.#run(entry)
    return entry
  }

  #watchKeys(now: number): void {
    this.#lanes.unparkDue(now)
    this.#shares?.dropIdle(now)
  }

  /** The function of a task with a worker is called: only now is it known when a rate allows the next start. */
  called(entry: E, now: number): void {
    this.#rate?.called(now)
    const { share } = entry.lane as Lane<E>
    if (share === null || share.rate === null) return
    share.rate.called(now)
    this.#lanes.called(share, share.rate)
  }

  /** The function of a task with a worker will not be called. */
  uncalled(entry: E): void {
    this.#rate?.giveBack()
    const { share } = entry.lane as Lane<E>
    if (share === null || share.rate === null) return
    share.rate.giveBack()
    this.#lanes.unpark(share)
  }

  /**
   * Frees the worker of a task but keeps its place, until {@link requeue}. Returns the same as {@link next}.
   *
   * @param until - when that is due
   */
  delay(entry: E, until: number, now: number): E | null {
    this.#freeWorker(entry)
    this.#keep((entry.lane as Lane<E>).share)
    this.#defer(entry, until)
    return this.next(now)
  }

  /** Puts a delayed task at the back of its lane. */
  requeue(entry: E): void {
    this.delayed.delete(entry)
    this.#enqueue(entry)
  }

  /**
   * Moves a queued or delayed task to the back of the lane of another priority.
   *
   * @returns whether it is queued or delayed
   */
  reprioritize(entry: E, priority: number): boolean {
    if (entry.stage !== QUEUED && entry.stage !== DELAYED) return false
    const lane = entry.lane as Lane<E>
    if (lane.priority === priority) return true
    if (entry.stage === QUEUED) this.#lanes.remove(entry)
    entry.lane = this.#lanes.find(priority, lane.key, lane.share)
    if (entry.stage === DELAYED) return true
    entry.order = ++this.#orders
    this.#lanes.push(entry)
    return true
  }

  /** Puts a delayed task at the front of its lane. */
  requeueFirst(entry: E): void {
    this.delayed.delete(entry)
    move(entry, QUEUED)
    this.#lanes.pushFirst(entry)
    this.#countQueued()
  }

  // ── settling ─────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Settles a task in any stage and frees its place. Returns the same as {@link next}. */
  settle(entry: E, to: Settled, now: number): E | null {
    this.#vacate(entry, to)
    if (to === SUCCEEDED) this.succeeded++
    else if (to === FAILED) this.failed++
    else this.canceled++
    return this.next(now)
  }

  /** Frees the place of a task in any stage, which the next pool takes up. Returns the same as {@link next}. */
  leaveBehind(entry: E, now: number): E | null {
    this.#vacate(entry, LEFT)
    this.left++
    return this.next(now)
  }

  /** A task that was left could not be written: it fails after all. */
  failLeft(entry: E): void {
    move(entry, FAILED)
    this.left--
    this.failed++
  }

  #vacate(entry: E, to: Settled | typeof LEFT): void {
    const from = entry.stage
    const { share } = entry.lane as Lane<E>
    move(entry, to)
    if (from === RUNNING) this.#freeWorker(entry)
    else {
      if (from === QUEUED) {
        this.#lanes.remove(entry)
        this.queued--
      } else this.delayed.delete(entry)
      this.#unkeep(share)
    }
    if (share !== null) this.#shares?.release(share)
    if (this.weights !== null) this.weights.giveBack(entry)
  }

  #mayStart(now: number): boolean {
    return this.open && this.running < this.concurrency && (this.#rate === null || this.#rate.allows(now))
  }

  #run(entry: E): void {
    const { share } = entry.lane as Lane<E>
    move(entry, RUNNING)
    this.running++
    if (this.running > this.peakRunning) this.peakRunning = this.running
    if (this.#rate !== null) this.#rate.take()
    if (share === null) return
    share.running++
    if (share.rate !== null) share.rate.take()
  }

  #freeWorker(entry: E): void {
    const { share } = entry.lane as Lane<E>
    this.running--
    if (share === null) return
    share.running--
    this.#lanes.unpark(share)
  }

  #enqueue(entry: E): void {
    move(entry, QUEUED)
    entry.order = ++this.#orders
    this.#lanes.push(entry)
    this.#countQueued()
  }

  #countQueued(): void {
    this.queued++
    if (this.queued > this.peakQueued) this.peakQueued = this.queued
  }

  // ── lifecycle of the pool ────────────────────────────────────────────────────────────────────────────────────────

  start(): void {
    this.stage = STARTED
    this.open = !this.paused
  }

  /** Holds back starts. A pause that ends by itself, when `resume` is called at that time, is only ever made longer. */
  pause(until = Number.POSITIVE_INFINITY): void {
    if (this.stage >= STOPPING) return
    this.pausedUntil = this.paused ? Math.max(this.pausedUntil, until) : until
    this.paused = true
    this.open = false
  }

  resume(): void {
    if (this.stage >= STOPPING) return
    this.paused = false
    this.open = this.stage === STARTED
  }

  /** Closes the intake. With `grace`, starts continue; not in a pool that was never started. */
  stop(grace: boolean): void {
    this.open = grace && this.stage === STARTED
    this.stage = STOPPING
    this.paused = false
  }

  /** Ends all starts. */
  close(): void {
    this.open = false
  }

  finish(): void {
    this.stage = STOPPED
  }

  // ── queries ──────────────────────────────────────────────────────────────────────────────────────────────────────

  /** The lanes that hold at least one queued task; of one key, if it is given. */
  lanes(key?: string): Iterable<Lane<E>> {
    return key === undefined ? this.#lanes.busy() : this.#lanes.of(key)
  }

  /** The order of the task that was accepted or queued last. */
  get lastOrder(): number {
    return this.#orders
  }

  /** Any queued or delayed task; null if there is none. */
  anyHeld(): E | null {
    for (const lane of this.#lanes.busy()) return lane.entries.head
    for (const entry of this.delayed.keys()) return entry
    return null
  }

  /** Estimated number of starts up to and including that of this queued task, from 1 to `queued`. */
  position(entry: E): number {
    return this.#lanes.position(entry)
  }

  /** The bounds and tasks of a key, for the fields of a refusal. */
  shareOf(key: string): KeyShare {
    const { concurrency, queueCapacity } = this.#shares?.boundsOf(key) ?? NO_BOUND
    const { running, held } = this.#shares?.get(key) ?? NOTHING
    return { concurrency: Math.min(concurrency, this.concurrency), queueCapacity, running, held }
  }
}
