import { AsyncResource } from 'node:async_hooks'
import type { Listeners } from '../contract/events.js'
import type { RateLimitOptions } from '../contract/options.js'
import type { StopReport } from '../contract/reports.js'
import type { PoolSettings } from '../contract/settings.js'
import { systemClock } from '../ports/system-clock.js'
import { Attempts } from '../running/attempts.js'
import { CANCELED, LEFT, RUNNING, type Settled, SUCCEEDED } from '../scheduler/lifecycle.js'
import { RateWindow } from '../scheduler/rate-window.js'
import type { Scheduler } from '../scheduler/scheduler.js'
import type { Cancellation } from '../task/cancellation.js'
import type { Stored } from '../task/stored.js'
import type { PoolTask, Ticket } from '../task/task.js'
import { NO_ATTEMPT } from '../task/task-context.js'
import type { TaskDetails } from '../task/task-details.js'
import type { WallTimes } from '../task/wall-times.js'
import type { Handler } from '../task/work.js'
import { Tickets } from '../tickets/tickets.js'
import { Deadline } from '../waiting/deadlines.js'
import type { Signals } from '../waiting/signals.js'
import type { Turn } from '../waiting/turn.js'
import { Waits } from '../waiting/waits.js'
import { Acceptance } from './acceptance.js'
import { Admission } from './admission.js'
import { CancelAll } from './cancel-all.js'
import { Delays } from './delays.js'
import { Durability } from './durability.js'
import { Ends } from './ends.js'
import { Pauses } from './pauses.js'
import { type Dispatch, type PoolParts, partsOf } from './pool-parts.js'
import { ageOf, Recovery } from './recovery.js'
import { Refusals } from './refusals.js'
import { Shutdown, type StopRequest } from './shutdown.js'
import type { AdmissionWaiter } from './waiter.js'
import { Waiters } from './waiters.js'

/**
 * Carries out what the scheduler decides. Every change of a task passes through here, in one order: state and counters,
 * the freed place, promises, events; then the waits for an empty pool.
 */
export class Dispatcher implements Dispatch {
  // Private, and read by accessors: a test runner that prints a task prints what it refers to.
  readonly #parts: PoolParts
  readonly #attempts: Attempts
  readonly #admission: Admission
  readonly #cancelAll: CancelAll
  readonly #delays: Delays
  readonly #pauses: Pauses
  readonly #drains: Waits
  readonly #tickets: Tickets
  readonly #scope = new AsyncResource('coatcheck.pool')
  readonly #closed: Promise<StopReport>
  #resolveClosed!: (report: StopReport) => void
  readonly #scheduler: Scheduler<PoolTask, AdmissionWaiter>
  readonly #turn: Turn
  readonly #listeners: Listeners
  readonly #waiters: Waiters
  readonly #rateOpens: Deadline
  #shutdown: Shutdown | undefined
  readonly #ends: Ends
  readonly #durability: Durability | null
  #endStart: (() => void) | undefined
  readonly #recovery: Recovery | undefined

  constructor(settings: PoolSettings) {
    const clock = settings.clock ?? systemClock
    this.#parts = partsOf(settings, { clock, ageMs: ageOf(settings, clock), onTurnEnd: () => this.#turnEnds() })
    const { scheduler, turn, listeners } = this.#parts
    this.#scheduler = scheduler
    this.#turn = turn
    this.#listeners = listeners
    this.#rateOpens = new Deadline(() => this.startDue())
    this.#closed = new Promise((resolve) => {
      this.#resolveClosed = resolve
    })
    const parts = this.#parts
    const { store } = settings
    const drains = new Waits(parts)
    const tickets = new Tickets(parts)
    const attempts = new Attempts(parts, this)
    const refusals = new Refusals(parts)
    const durability = store === undefined ? null : new Durability(store, parts, tickets, attempts, this)
    const pauses = new Pauses(parts, this)
    const cancelAll = new CancelAll(parts, attempts.workers, this)
    const delays = new Delays(parts, { attempts, cancelAll, durability }, this)
    const acceptance = new Acceptance(parts, { tickets, attempts, delays, pauses, durability }, this)
    const waiters = new Waiters(parts, { tickets, refusals, acceptance, durability }, this)
    this.#admission = new Admission(parts, { tickets, refusals, acceptance, durability, waiters }, this)
    this.#ends = new Ends(parts, { drains, pauses }, this, () => this.#shutdown?.finish())
    if (durability !== null) this.#recovery = new Recovery(parts, durability, tickets, acceptance, this)
    this.#drains = drains
    this.#tickets = tickets
    this.#attempts = attempts
    this.#durability = durability
    this.#pauses = pauses
    this.#cancelAll = cancelAll
    this.#delays = delays
    this.#waiters = waiters
  }

  get parts(): PoolParts {
    return this.#parts
  }

  get attempts(): Attempts {
    return this.#attempts
  }

  get admission(): Admission {
    return this.#admission
  }

  /** Null in a pool without a store. */
  get durability(): Durability | null {
    return this.#durability
  }

  get tickets(): Tickets {
    return this.#tickets
  }

  get drains(): Waits {
    return this.#drains
  }

  get closed(): Promise<StopReport> {
    return this.#closed
  }

  get pauses(): Pauses {
    return this.#pauses
  }

  get cancelAll(): CancelAll {
    return this.#cancelAll
  }

  get delays(): Delays {
    return this.#delays
  }

  // ── starting ─────────────────────────────────────────────────────────────────────────────────────────────────────

  get schedulerNow(): number {
    return this.#scheduler.timed ? this.#parts.clock.now() : 0
  }

  startDue(now = this.schedulerNow): void {
    for (let task = this.#scheduler.next(now); task !== null; task = this.#scheduler.next(now))
      this.#attempts.start(task)
    this.#waiters.serve(now)
    this.watchRate(now)
  }

  passOn(next: PoolTask | null, now: number): void {
    if (next !== null) this.#attempts.start(next)
    if (this.#scheduler.timed)
      this.startDue(now) // by now it may allow more than one start
    else if (this.#scheduler.waiters.size > 0) this.#waiters.serve(now)
  }

  /** All tasks that the rates allow to start by now have been started. */
  watchRate(now: number): void {
    if (!this.#scheduler.timed) return
    const at = this.#scheduler.prospects.rateOpensAt(now)
    if (!this.#rateOpens.isSet || this.#rateOpens.at !== at) this.#parts.deadlines.setAt(this.#rateOpens, at, true)
  }

  /** Changes the rate; null: there is none any more. */
  limitRate(limit: RateLimitOptions | null): void {
    const { rate } = this.#scheduler
    if (limit === null) this.#scheduler.rate = null
    else if (rate !== null) rate.resize(limit.starts, limit.intervalMs)
    else this.#scheduler.rate = new RateWindow(limit.starts, limit.intervalMs, this.#attempts.workers.due)
    if (!this.#scheduler.timed) this.#parts.deadlines.clear(this.#rateOpens)
  }

  /** Only when a function is called is it known when a rate allows the next start. */
  called(task: PoolTask): void {
    if (!this.#scheduler.timed) return
    const now = this.schedulerNow
    this.#scheduler.called(task, now)
    this.startDue(now)
  }

  delay(task: PoolTask, error: unknown, delayMs: number): void {
    this.#delays.retry(task, error, delayMs)
    this.#shutdown?.delayed(task)
  }

  snooze(task: PoolTask, delayMs: number): void {
    this.#delays.snooze(task, delayMs)
    this.#shutdown?.delayed(task)
  }

  requeue(task: PoolTask): void {
    this.#delays.requeue(task)
  }

  // ── settling ─────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Ends a task, exactly once. */
  settle(task: PoolTask, to: Settled, payload: unknown): void {
    if (task.details !== null && task.details.stored !== null)
      return this.#durability?.end(task, task.details.stored, to, payload)
    this.#ends.begin()
    if (task.stage === RUNNING) this.#attempts.leave(task)
    if (task.details !== null) this.#release(task, task.details)
    const now = this.schedulerNow
    const next = this.#scheduler.settle(task, to, now)
    task.end(payload, this.#turn.stamp)
    this.#tickets.retain(task)
    if (to === CANCELED) this.#shutdown?.canceled(task, (payload as Cancellation).reason)
    this.passOn(next, now)
    this.#ends.report(task, to)
  }

  endUnseen(task: PoolTask, to: Settled, payload: unknown): void {
    const now = this.#withdraw(task)
    const next = this.#scheduler.settle(task, to, now)
    task.end(payload, this.#turn.stamp)
    if (to === CANCELED) this.#shutdown?.canceled(task, (payload as Cancellation).reason)
    this.passOn(next, now)
  }

  leaveUnseen(task: PoolTask): void {
    const now = this.#withdraw(task)
    const next = this.#scheduler.leaveBehind(task, now)
    task.leave(this.stopReason)
    this.#shutdown?.leftBehind(task)
    this.passOn(next, now)
  }

  #withdraw(task: PoolTask): number {
    this.#scheduler.untold++
    if (task.stage === RUNNING) this.#attempts.leave(task)
    this.#release(task, task.detailed())
    return this.schedulerNow
  }

  showEnd(task: PoolTask, stored: Stored): void {
    const stage = task.stage as Settled | typeof LEFT
    this.#ends.begin()
    stored.shown = null
    this.#scheduler.untold--
    if (stage !== LEFT) this.#tickets.retainLater(task)
    this.#ends.report(task, stage)
  }

  together(effects: () => void): void {
    this.#ends.begin()
    effects()
    this.#ends.finish()
  }

  /** What few tasks hold until their end. */
  #release(task: PoolTask, { deadline, settings }: TaskDetails): void {
    if (deadline !== undefined) this.#parts.deadlines.clear(deadline)
    if (settings?.signal !== undefined) this.#parts.signals.unsubscribe(settings.signal, task)
  }

  cancel(task: PoolTask, cancellation: Cancellation): boolean {
    if (task.stage >= SUCCEEDED) return false
    if (task.worker !== null && task.worker.context !== NO_ATTEMPT) return this.#requestEnd(task, cancellation)
    this.settle(task, CANCELED, cancellation)
    return true
  }

  #requestEnd(task: PoolTask, cancellation: Cancellation): boolean {
    const isFirst = this.#attempts.requestEnd(task, cancellation)
    const stored = task.details?.stored
    if (isFirst && stored != null) this.#durability?.cancelAsked(task, stored, cancellation)
    return isFirst
  }

  /** The end of the turn: what was deferred until now. */
  #turnEnds(): void {
    const shutdown = this.#shutdown // one that a listener or hook begins below has its own turn
    this.#attempts.flushProgress()
    this.#parts.unobserved.flush()
    shutdown?.resume()
    this.#cancelAll.resume()
    this.#attempts.workers.resume()
    if (this.#durability !== null) this.#durability.journal.flush()
  }

  // ── the lifecycle of the pool ────────────────────────────────────────────────────────────────────────────────────

  /** Takes up what the store has. */
  recover(handlers: ReadonlyMap<string, Handler>): void {
    this.#recovery?.recover(handlers)
  }

  start(signal: AbortSignal | undefined): void {
    this.#recovery?.judge()
    this.#listeners.findSubscribers()
    this.#scheduler.start()
    if (signal !== undefined) this.#stopWith(signal)
    this.startDue()
  }

  #stopWith(signal: AbortSignal): void {
    const { graceMs, forceMs } = this.#parts.settings
    const stop = { onAbort: (reason: unknown) => this.stop({ graceMs, forceMs, queued: 'run', reason }) }
    if (signal.aborted) return stop.onAbort(signal.reason)
    this.#parts.signals.subscribe(signal, stop)
    this.#endStart = () => this.#parts.signals.unsubscribe(signal, stop)
  }

  stop(request: StopRequest): void {
    if (this.#shutdown !== undefined) return this.#shutdown.shorten(request)
    this.#pauses.clear()
    this.#recovery?.judge()
    const parts = { waiters: this.#waiters, attempts: this.#attempts, durability: this.#durability }
    this.#shutdown = new Shutdown(this.#parts, parts, this, request.reason)
    this.#shutdown.begin(request)
  }

  get stopReason(): unknown {
    return this.#shutdown?.error
  }

  finished(report: StopReport): void {
    const { deadlines, listeners } = this.#parts
    deadlines.clear(this.#rateOpens)
    deadlines.end()
    this.#endStart?.()
    this.#resolveClosed(report)
    listeners.emit(this.#scope, 'stopped', report)
  }

  holding(task: PoolTask, stored: Stored): void {
    this.#durability?.hold(task, stored)
  }

  // ── for tasks ────────────────────────────────────────────────────────────────────────────────────────────────────

  get signals(): Signals {
    return this.#parts.signals
  }

  get times(): WallTimes {
    return this.#parts.times
  }

  get scope(): AsyncResource {
    return this.#scope
  }

  get retentionMs(): number {
    return this.#parts.settings.retention.ms
  }

  issueTicket(task: PoolTask): Ticket {
    return this.#tickets.issue(task)
  }

  reprioritize(task: PoolTask, priority: number): boolean {
    this.#cancelAll.moves(task)
    if (!this.#scheduler.reprioritize(task, priority)) return false
    task.changed()
    const stored = task.details?.stored
    if (stored != null) this.#durability?.journal.changed(task, stored)
    task.notify()
    return true
  }

  forget(task: PoolTask): boolean {
    if (!this.#tickets.forget(task)) return false
    const stored = task.details?.stored
    if (stored != null) this.#durability?.journal.remove(task, stored)
    return true
  }

  progressed(task: PoolTask): void {
    this.#attempts.progressed(task)
  }

  position(task: PoolTask): number {
    return this.#scheduler.position(task)
  }
}
