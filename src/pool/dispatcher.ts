import { AsyncResource } from 'node:async_hooks'
import { type EndNotice, EVENT_BIT, Listeners } from '../contract/events.js'
import type { RateLimitOptions } from '../contract/options.js'
import type { StopReport } from '../contract/reports.js'
import type { PoolSettings } from '../contract/settings.js'
import { systemClock } from '../ports/system-clock.js'
import { Attempts } from '../running/attempts.js'
import { SelfWait } from '../running/self-wait.js'
import { Unobserved } from '../running/unobserved.js'
import { CANCELED, FAILED, LEFT, RUNNING, type Settled, SUCCEEDED } from '../scheduler/lifecycle.js'
import { RateWindow } from '../scheduler/rate-window.js'
import { Scheduler } from '../scheduler/scheduler.js'
import type { Cancellation } from '../task/cancellation.js'
import type { Stored } from '../task/stored.js'
import { PoolTask, type Ticket } from '../task/task.js'
import { NO_ATTEMPT } from '../task/task-context.js'
import type { TaskDetails } from '../task/task-details.js'
import { WallTimes } from '../task/wall-times.js'
import type { Handler } from '../task/work.js'
import { Tickets } from '../tickets/tickets.js'
import { Deadline, Deadlines } from '../waiting/deadlines.js'
import { Signals } from '../waiting/signals.js'
import { Turn } from '../waiting/turn.js'
import { type Wait, Waits } from '../waiting/waits.js'
import { Acceptance } from './acceptance.js'
import { Admission } from './admission.js'
import { CancelAll } from './cancel-all.js'
import { Delays } from './delays.js'
import { Durability } from './durability.js'
import { Pauses } from './pauses.js'
import type { Dispatch, PoolParts } from './pool-parts.js'
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
  /** Settlements under way, one inside the other: a listener of one may cause the next. */
  #settling = 0
  /** Whether nothing was left at some moment during them, and the waits that this ends. */
  #crossed = false
  readonly #released: Wait[] = []
  readonly #durability: Durability | null
  #endStart: (() => void) | undefined
  readonly #recovery: Recovery | undefined

  constructor(settings: PoolSettings) {
    this.#parts = partsOf(settings, () => this.#turnEnds())
    const { scheduler, turn, listeners } = this.#parts
    this.#scheduler = scheduler
    this.#turn = turn
    this.#listeners = listeners
    this.#rateOpens = new Deadline(() => this.startDue())
    this.#closed = new Promise((resolve) => {
      this.#resolveClosed = resolve
    })
    this.#drains = new Waits(this.#parts)
    const tickets = new Tickets(this.#parts)
    this.#tickets = tickets
    this.#attempts = new Attempts(this.#parts, this)
    const refusals = new Refusals(this.#parts)
    const { store } = settings
    const durability = store === undefined ? null : new Durability(store, this.#parts, tickets, this.#attempts, this)
    this.#durability = durability
    this.#pauses = new Pauses(this.#parts, this)
    this.#cancelAll = new CancelAll(this.#parts, this.#attempts.workers, this)
    const {
      attempts: runs,
      cancelAll,
      pauses
    } = { attempts: this.#attempts, cancelAll: this.#cancelAll, pauses: this.#pauses }
    const delays = new Delays(this.#parts, { attempts: runs, cancelAll, durability }, this)
    this.#delays = delays
    const acceptance = new Acceptance(this.#parts, { tickets, attempts: runs, delays, pauses, durability }, this)
    const waiters = new Waiters(this.#parts, { tickets, refusals, acceptance, durability }, this)
    this.#waiters = waiters
    this.#admission = new Admission(this.#parts, { tickets, refusals, acceptance, durability, waiters }, this)
    if (durability !== null) this.#recovery = new Recovery(this.#parts, durability, tickets, acceptance, this)
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
    this.#settling++
    if (task.stage === RUNNING) this.#attempts.leave(task)
    if (task.details !== null) this.#release(task, task.details)
    const now = this.schedulerNow
    const next = this.#scheduler.settle(task, to, now)
    task.end(payload, this.#turn.stamp)
    this.#tickets.retain(task)
    if (to === CANCELED) this.#shutdown?.canceled(task, (payload as Cancellation).reason)
    this.passOn(next, now)
    if (this.#scheduler.live === 0) this.#crossZero()
    this.#report(task, to)
    if (--this.#settling === 0 && this.#crossed) this.#emptied()
  }

  /** The end of a task becomes known: to its observers, then to those who follow its changes, then to listeners. */
  #report(task: PoolTask, to: Settled): void {
    if (to === FAILED) this.#noteFailure(task)
    task.answer()
    task.notify()
    if ((this.#listeners.mask & END_EVENTS) !== 0) this.#emitEnd(task, to)
    task.context = null
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
    this.together(() => {
      const { stage } = task
      stored.shown = null
      this.#scheduler.untold--
      if (stage !== LEFT) this.#tickets.retainLater(task)
      if (this.#scheduler.live === 0) this.#crossZero()
      if (stage !== LEFT) return this.#report(task, stage as Settled)
      task.answer()
      task.notify()
      task.context = null
    })
  }

  together(effects: () => void): void {
    this.#settling++
    effects()
    if (--this.#settling === 0 && this.#crossed) this.#emptied()
  }

  /** What few tasks hold until their end. */
  #release(task: PoolTask, { deadline, settings }: TaskDetails): void {
    if (deadline !== undefined) this.#parts.deadlines.clear(deadline)
    if (settings?.signal !== undefined) this.#parts.signals.unsubscribe(settings.signal, task)
  }

  /** A failure that nobody observes yet. */
  #noteFailure(task: PoolTask): void {
    const heard = this.#listeners.listensTo(EVENT_BIT.failed | EVENT_BIT.settled)
    if (task.observers === null && !heard && !task.isWatched) this.#parts.unobserved.failed(task)
  }

  #emitEnd(task: PoolTask, to: Settled): void {
    const { scope } = task
    if (to === SUCCEEDED) this.#listeners.emit(scope, 'succeeded', task)
    else {
      const event = to === FAILED ? 'failed' : 'canceled'
      if ((this.#listeners.mask & EVENT_BIT[event]) !== 0) this.#listeners.emit(scope, event, task, noticeOf(task))
    }
    this.#listeners.emit(scope, 'settled', task)
  }

  /** Nothing is left: the waits of now end, even if a task is added before they are resolved. */
  #crossZero(): void {
    this.#crossed = true
    this.#pauses.watch()
    for (const wait of this.#drains.take()) this.#released.push(wait)
  }

  /** All ends have been reported, also those that listeners of an end caused. */
  #emptied(): void {
    this.#crossed = false
    this.#drains.release(this.#released.splice(0))
    if (this.#scheduler.live > 0) return
    this.#listeners.emit(this.#scope, 'idle')
    if (this.#scheduler.live === 0) this.#shutdown?.finish()
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

/** The error of a cancel has the id, and a task whose id was read takes room among the retained: it is made when read. */
function noticeOf(task: PoolTask): EndNotice {
  return {
    get error() {
      return task.rejection()
    }
  }
}

/** The events of an end. */
const END_EVENTS = EVENT_BIT.succeeded | EVENT_BIT.failed | EVENT_BIT.canceled | EVENT_BIT.settled

function partsOf(settings: PoolSettings, onTurnEnd: () => void): PoolParts {
  const clock = settings.clock ?? systemClock
  const unobserved = new Unobserved(settings.onUnobservedError)
  const { rateLimit } = settings
  const turn = new Turn(clock, onTurnEnd, ageOf(settings, clock))
  const listeners = new Listeners(
    (error, event, task) => unobserved.report(error, task instanceof PoolTask ? { event, task } : { event }),
    settings.name
  )
  return {
    settings,
    clock,
    turn,
    times: new WallTimes(clock, turn, () => listeners.findSubscribers()),
    scheduler: new Scheduler({
      ...settings,
      perKey: typeof settings.perKey === 'function' ? 'own' : settings.perKey,
      rate: rateLimit === undefined ? null : new RateWindow(rateLimit.starts, rateLimit.intervalMs)
    }),
    deadlines: new Deadlines(clock),
    signals: new Signals((error) => unobserved.report(error, {})),
    listeners,
    unobserved,
    selfWait: settings.detectSelfWait ? new SelfWait() : null
  }
}
