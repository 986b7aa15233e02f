import { Intake, type Places } from './intake.js'
import { type Entry, type KeyBounds, type Lane, NO_BOUND } from './lane.js'
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

export interface SchedulerOptions {
  readonly concurrency: number
  readonly queueCapacity: number
  readonly waiterCapacity: number
  /** Bounds of each key, or `own`: each has its own ({@link Intake.openKey}); null: no bounds. */
  readonly perKey: KeyBounds | 'own' | null
  readonly rate: RateWindow | null
  /** Bound of the sum of the weights; without it, weights do not count. */
  readonly weightCapacity?: number
}

/**
 * Decides which task runs next and, by its {@link Intake}, which task is accepted. A deterministic state machine without
 * promises, timers, clock, events or errors; time is an argument.
 *
 * There are `concurrency + queueCapacity` places: the workers and the capacity of the queue. Every accepted task holds
 * one from the step that accepts it to the step that settles it, also while it waits for a retry.
 */
export class Scheduler<E extends Entry<E>, W extends Waiter<W>> implements Places<E> {
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

  readonly intake: Intake<E, W>
  readonly waiters: WaiterList<W>
  /** The tasks that must not start yet, and when they may: retries, and tasks that were queued with a delay. */
  readonly delayed = new Map<E, number>()
  readonly prospects: Prospects<E, W>
  /** Whether a rate limits the starts, of all tasks or of those of a key: the time matters. */
  timed: boolean
  readonly weights: Weights<E> | null
  readonly #shares: Shares<E> | null
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
    const ownBounds = options.perKey === 'own'
    const bounds = ownBounds || options.perKey === null ? NO_BOUND : options.perKey
    this.#shares = options.perKey === null ? null : new Shares(bounds)
    this.keysTimed = bounds.rateLimit !== undefined
    this.timed = this.keysTimed || options.rate !== null
    this.intake = new Intake(this, this.waiters, this.#shares, ownBounds)
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

  // ── places ───────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Accepts a task, which then has to get a worker ({@link run}) or a place without one ({@link keep}, {@link hold}). */
  accept(entry: E, priority: number, key: string | undefined, weight: number): void {
    if (this.weights !== null) this.weights.take(entry, weight)
    const share = key === undefined || this.#shares === null ? null : this.#shares.open(key)
    entry.lane = this.#lanes.find(priority, key, share)
    this.accepted++
  }

  /** Gives a free worker to a task that was just accepted. */
  run(entry: E): void {
    entry.order = ++this.#orders
    this.#run(entry)
  }

  /** Queues a task that was just accepted. */
  keep(entry: E): void {
    this.#countHeld(entry)
    this.#enqueue(entry)
  }

  /** Lets a task that was just accepted wait until `until`; Infinity: not before {@link requeueFirst}. */
  hold(entry: E, until: number): void {
    entry.order = ++this.#orders
    this.#countHeld(entry)
    this.#defer(entry, until)
  }

  /** A key has a rate of its own. */
  timeKeys(): void {
    this.keysTimed = true
    this.timed = true
  }

  /** Whether the pool's bounds let one more task start. */
  mayStart(now: number): boolean {
    return this.open && this.running < this.concurrency && (this.#rate === null || this.#rate.allows(now))
  }

  // ── running ──────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Gives a worker to the next task that may start and returns the task; null if none may. */
  next(now: number): E | null {
    if (this.keysTimed) this.#watchKeys(now)
    if (this.queued === 0 || !this.mayStart(now)) return null
    const entry = this.#lanes.take(now)
    if (entry === null) return null
    this.#uncountHeld(entry)
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
    this.#countHeld(entry)
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
      this.#uncountHeld(entry)
    }
    if (share !== null) this.#shares?.release(share)
    if (this.weights !== null) this.weights.giveBack(entry)
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

  /** One more task has a place without a worker. */
  #countHeld({ lane }: E): void {
    const { share } = lane as Lane<E>
    this.held++
    if (share !== null) share.held++
  }

  #uncountHeld({ lane }: E): void {
    const { share } = lane as Lane<E>
    this.held--
    if (share !== null) share.held--
  }

  #defer(entry: E, until: number): void {
    move(entry, DELAYED)
    this.delayed.set(entry, until)
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
}
