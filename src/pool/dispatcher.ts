import { EVENT_BIT, Listeners } from '../contract/events.js'
import type { StopReport } from '../contract/reports.js'
import type { PoolSettings } from '../contract/settings.js'
import { systemClock } from '../ports/system-clock.js'
import { Attempts, type AttemptsOwner } from '../running/attempts.js'
import { SelfWait } from '../running/self-wait.js'
import { Unobserved } from '../running/unobserved.js'
import { CANCELED, FAILED, RUNNING, type Settled, SUCCEEDED } from '../scheduler/lifecycle.js'
import { RateWindow } from '../scheduler/rate-window.js'
import { Scheduler } from '../scheduler/scheduler.js'
import { type Cancellation, PoolTask, type TaskDetails, type TaskOwner } from '../task/task.js'
import { AttemptContext } from '../task/task-context.js'
import type { Ticket } from '../tickets/ticket-table.js'
import { Tickets } from '../tickets/tickets.js'
import { Deadline, Deadlines } from '../waiting/deadlines.js'
import { Signals } from '../waiting/signals.js'
import { Turn } from '../waiting/turn.js'
import { type Wait, Waits } from '../waiting/waits.js'
import { Admission, type AdmissionOwner } from './admission.js'
import type { PoolParts } from './pool-parts.js'
import { Shutdown, type ShutdownOwner, type StopRequest } from './shutdown.js'
import type { AdmissionWaiter } from './waiter.js'

/**
 * Carries out what the scheduler decides. Everything that happens to a task happens here, in one order:
 * state and counters, the freed place, promises, events; then those who wait for an empty pool.
 */
export class Dispatcher implements TaskOwner, AttemptsOwner, AdmissionOwner, ShutdownOwner {
  readonly parts: PoolParts
  readonly attempts: Attempts
  readonly admission: Admission
  readonly drains: Waits
  readonly tickets: Tickets
  readonly retentionMs: number
  readonly signals: Signals
  /** Retries that were scheduled. */
  retried = 0
  readonly closed: Promise<StopReport>
  #resolveClosed!: (report: StopReport) => void
  readonly #scheduler: Scheduler<PoolTask, AdmissionWaiter>
  readonly #turn: Turn
  readonly #listeners: Listeners
  readonly #wallEpoch: number
  readonly #rateOpens: Deadline
  #shutdown: Shutdown | undefined
  /** Settlements that are under way, one inside the other: a listener to one may cause the next. */
  #settling = 0
  /** Whether nothing was left in one of them, and who waited for that. */
  #crossed = false
  readonly #released: Wait[] = []
  #endStart: (() => void) | undefined

  constructor(settings: PoolSettings) {
    const clock = settings.clock ?? systemClock
    const unobserved = new Unobserved(settings.onUnobservedError)
    const { rateLimit } = settings
    this.parts = {
      settings,
      clock,
      turn: new Turn(clock, () => this.#turnEnds()),
      scheduler: new Scheduler({
        ...settings,
        rate: rateLimit === undefined ? null : new RateWindow(rateLimit.starts, rateLimit.intervalMs)
      }),
      deadlines: new Deadlines(clock),
      signals: new Signals((error) => unobserved.report(error, {})),
      listeners: new Listeners((error, event, task) =>
        unobserved.report(error, task instanceof PoolTask ? { event, task } : { event })
      ),
      unobserved,
      selfWait: settings.detectSelfWait ? new SelfWait() : null
    }
    this.signals = this.parts.signals
    this.#scheduler = this.parts.scheduler
    this.#turn = this.parts.turn
    this.#listeners = this.parts.listeners
    this.attempts = new Attempts(this.parts, this)
    this.admission = new Admission(this.parts, this)
    this.drains = new Waits(this.parts)
    this.tickets = new Tickets(this.parts)
    this.retentionMs = settings.retention.ms
    this.#wallEpoch = clock.date()
    this.#rateOpens = new Deadline(() => this.startDue())
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve
    })
  }

  // ── going through ────────────────────────────────────────────────────────────────────────────────────────────────

  /** The time for the scheduler, read where it matters only. */
  get schedulerNow(): number {
    return this.#scheduler.rate === null ? 0 : this.parts.clock.now()
  }

  /** Starts whatever may start now, then gives what room there is to those who wait for it. */
  startDue(now = this.schedulerNow): void {
    for (;;) {
      const task = this.#scheduler.next(now)
      if (task === null) break
      this.startTask(task)
    }
    this.admission.waiters.serve(now)
    this.watchRate(now)
  }

  startTask(task: PoolTask): void {
    if (task.startedMs >= 0) task.changed() // the stamps tell the first start only
    this.attempts.workers.assign(task) // who follows the task is told of its call, which comes at once
  }

  /** A place was freed: to the next task in the queue, then to the head of the line. */
  #handOn(next: PoolTask | null, now: number): void {
    if (next !== null) this.startTask(next)
    if (this.#scheduler.rate !== null)
      this.startDue(now) // by now it may allow more than one start
    else if (this.#scheduler.waiters.size > 0) this.admission.waiters.serve(now)
  }

  /** Wakes up when the rate lets the next task start, given that all have started that it lets start by now. */
  watchRate(now: number): void {
    if (this.#scheduler.rate === null) return
    const at = this.#scheduler.rateOpensAt(now)
    if (!this.#rateOpens.isSet || this.#rateOpens.at !== at) this.parts.deadlines.setAt(this.#rateOpens, at, true)
  }

  /** A task's function is about to be called: only now is it known when the rate opens again. */
  called(): void {
    if (this.#scheduler.rate === null) return
    const now = this.schedulerNow
    this.#scheduler.rate.called(now)
    this.startDue(now)
  }

  delay(task: PoolTask, error: unknown, delayMs: number): void {
    const { deadlines, listeners } = this.parts
    const details = task.detailed()
    this.attempts.leave(task)
    const now = this.schedulerNow
    const next = this.#scheduler.delay(task, now)
    task.worker = null
    details.progress = undefined
    details.progressed = false
    details.changes++
    details.deadline = new Deadline(() => this.#requeue(task))
    deadlines.set(details.deadline, delayMs, true)
    this.retried++
    this.#handOn(next, now)
    task.notify()
    if ((listeners.mask & EVENT_BIT.retrying) !== 0) listeners.emit('retrying', task, { error, delayMs })
  }

  #requeue(task: PoolTask): void {
    this.#scheduler.requeue(task)
    this.startDue()
  }

  // ── going out ────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Ends a task, exactly once. */
  settle(task: PoolTask, to: Settled, payload: unknown): void {
    this.#settling++
    if (task.stage === RUNNING) this.attempts.leave(task)
    if (task.details !== null) this.#letGo(task, task.details)
    const now = this.schedulerNow
    const next = this.#scheduler.settle(task, to, now)
    task.end(payload, this.#turn.stamp)
    this.tickets.retain(task)
    if (to === CANCELED) this.#shutdown?.canceled(task, (payload as Cancellation).reason)
    this.#handOn(next, now)
    if (this.#scheduler.live === 0) this.#crossZero()
    if (to === FAILED) this.#noteFailure(task)
    task.answer()
    task.notify()
    if ((this.#listeners.mask & END_EVENTS) !== 0) this.#emitEnd(task, to)
    if (--this.#settling === 0 && this.#crossed) this.#emptied()
  }

  /** What few tasks hold until their end. */
  #letGo(task: PoolTask, { deadline, settings }: TaskDetails): void {
    if (deadline !== undefined) this.parts.deadlines.clear(deadline)
    if (settings?.signal !== undefined) this.signals.unsubscribe(settings.signal, task)
  }

  /** A failure that nobody looks at yet. */
  #noteFailure(task: PoolTask): void {
    const heard = (this.#listeners.mask & (EVENT_BIT.failed | EVENT_BIT.settled)) !== 0
    if (task.asked === null && !heard && !task.isWatched) this.parts.unobserved.failed(task)
  }

  #emitEnd(task: PoolTask, to: Settled): void {
    this.#listeners.emit(to === SUCCEEDED ? 'succeeded' : to === FAILED ? 'failed' : 'canceled', task)
    this.#listeners.emit('settled', task)
  }

  /** Nothing is left: who waits for that now is let go, whatever comes before it is told. */
  #crossZero(): void {
    this.#crossed = true
    for (const wait of this.drains.take()) this.#released.push(wait)
  }

  /** All that has settled was told: also those whose end was caused by a listener to an end. */
  #emptied(): void {
    this.#crossed = false
    this.drains.release(this.#released.splice(0))
    if (this.#scheduler.live > 0) return
    this.parts.listeners.emit('idle')
    if (this.#scheduler.live === 0) this.#shutdown?.finish()
  }

  cancel(task: PoolTask, cancellation: Cancellation): boolean {
    if (task.isSettled) return false
    if (task.worker?.context) return this.attempts.requestEnd(task, cancellation)
    this.settle(task, CANCELED, cancellation)
    return true
  }

  /** The end of the turn: what was put off until now. */
  #turnEnds(): void {
    const shutdown = this.#shutdown // one that begins in a listener or hook below has its own turn
    this.attempts.flushProgress()
    this.parts.unobserved.flush()
    shutdown?.resume()
    this.attempts.workers.resume()
  }

  // ── the pool's own life ──────────────────────────────────────────────────────────────────────────────────────────

  start(signal: AbortSignal | undefined): void {
    this.#scheduler.start()
    if (signal !== undefined) this.#stopWith(signal)
    this.startDue()
  }

  #stopWith(signal: AbortSignal): void {
    const { graceMs, forceMs } = this.parts.settings
    const stop = { onAbort: (reason: unknown) => this.stop({ graceMs, forceMs, reason }) }
    if (signal.aborted) return stop.onAbort(signal.reason)
    this.signals.subscribe(signal, stop)
    this.#endStart = () => this.signals.unsubscribe(signal, stop)
  }

  stop(request: StopRequest): void {
    if (this.#shutdown !== undefined) return this.#shutdown.shorten(request)
    this.#shutdown = new Shutdown(this.parts, this, request.reason)
    this.#shutdown.begin(request)
  }

  get stopReason(): unknown {
    return this.#shutdown?.error
  }

  refuseWaiters(): void {
    this.admission.waiters.dismissAll()
  }

  tellRunning(reason: unknown): void {
    for (const { context } of [...this.attempts.workers.busy()])
      if (context !== null) AttemptContext.stop(context, reason)
  }

  abortRunning(cancellation: Cancellation): void {
    for (const task of this.attempts.workers.tasks()) this.cancel(task, cancellation)
  }

  interruptRunning(told: (task: PoolTask) => void): void {
    this.attempts.interrupt(told)
  }

  finished(report: StopReport): void {
    const { deadlines, listeners } = this.parts
    deadlines.clear(this.#rateOpens)
    deadlines.end()
    this.#endStart?.()
    this.#resolveClosed(report)
    listeners.emit('stopped', report)
  }

  // ── looking things up ────────────────────────────────────────────────────────────────────────────────────────────

  issueTicket(task: PoolTask): Ticket {
    return this.tickets.issue(task)
  }

  position(task: PoolTask): number {
    return this.#scheduler.position(task)
  }

  iso(ms: number): string {
    return new Date(Math.min(this.#wallEpoch + ms, LAST_DATE_MS)).toISOString()
  }
}

/** The events of an end. */
const END_EVENTS = EVENT_BIT.succeeded | EVENT_BIT.failed | EVENT_BIT.canceled | EVENT_BIT.settled

/** The last moment that a date can hold. */
const LAST_DATE_MS = 8.64e15
