import { TaskCanceledError, TaskInterruptedError, TaskTimeoutError, withoutStack } from '../contract/errors.js'
import { EVENT_BIT, type Listeners } from '../contract/events.js'
import type { RetryPolicy } from '../contract/policies.js'
import type { PoolSettings } from '../contract/settings.js'
import { snoozeOf } from '../contract/snooze.js'
import { read } from '../contract/task-record.js'
import type { Clock } from '../ports/clock.js'
import { CANCELED, FAILED, RUNNING, type Settled, SUCCEEDED } from '../scheduler/lifecycle.js'
import type { RetryAfter } from '../scheduler/retry-after.js'
import { type AsyncContext, copyOf } from '../task/async-context.js'
import { Cancellation } from '../task/cancellation.js'
import type { Stored } from '../task/stored.js'
import type { PoolTask } from '../task/task.js'
import { type Abort, AttemptContext, NO_ATTEMPT } from '../task/task-context.js'
import type { TaskDetails } from '../task/task-details.js'
import { Deadline, type Deadlines } from '../waiting/deadlines.js'
import type { Turn } from '../waiting/turn.js'
import { Distribution } from './distribution.js'
import { backoff, isWorthRetrying } from './retry.js'
import type { SelfWait } from './self-wait.js'
import type { Unobserved } from './unobserved.js'
import type { Calls, Worker } from './worker.js'
import { Workers } from './workers.js'

/** The parts of the pool that running a task takes. */
export interface RunningParts {
  readonly settings: Pick<PoolSettings, 'taskTimeoutMs' | 'stuckAfterMs' | 'retry'>
  readonly clock: Pick<Clock, 'random'>
  readonly turn: Turn
  readonly scheduler: RatedScheduler
  readonly deadlines: Deadlines
  readonly listeners: Listeners
  readonly unobserved: Unobserved
  readonly selfWait: SelfWait | null
}

/** The scheduler, as the attempts see it. */
interface RatedScheduler {
  /** Whether a rate limits the starts. */
  readonly timed: boolean
  readonly prospects: { readonly runTimes: RetryAfter }
  /** The function of a task that was started will not be called. */
  uncalled(task: PoolTask): void
}

/** The dispatcher, as the attempts call it: the end of a call comes from the platform, so it can only be reported upwards. */
export interface AttemptsOwner {
  /** A function is about to be called. */
  called(task: PoolTask): void
  settle(task: PoolTask, to: Settled, payload: unknown): void
  /** A task function asked to be called again later. */
  snooze(task: PoolTask, delayMs: number): void
  /** A stored task got a worker: its start is to be written. */
  holding(task: PoolTask, stored: Stored): void
  /** A failed task waits for its next attempt. */
  delay(task: PoolTask, error: unknown, delayMs: number): void
}

/** From the call of a task's function to its end: time limits, aborts, progress and the outcome. */
export class Attempts implements Calls {
  readonly workers: Workers
  readonly waitMs = new Distribution()
  readonly runMs = new Distribution()
  /** Calls of task functions. */
  started = 0
  /** Running tasks whose abort was `stuckAfterMs` ago. */
  stuck = 0
  readonly #parts: RunningParts
  readonly #turn: Turn
  readonly #listeners: Listeners
  readonly #scheduler: RatedScheduler
  readonly #selfWait: SelfWait | null
  readonly #timeoutMs: number
  /** Whether no option of the pool concerns a single attempt. */
  readonly #isPlain: boolean
  readonly #owner: AttemptsOwner
  /** The worker whose function is being called. */
  #calling: Worker | null = null
  /** Tasks that reported progress in this turn. */
  #progressed: PoolTask[] = []

  constructor(parts: RunningParts, owner: AttemptsOwner) {
    this.#parts = parts
    this.#turn = parts.turn
    this.#listeners = parts.listeners
    this.#scheduler = parts.scheduler
    this.#selfWait = parts.selfWait
    this.#timeoutMs = parts.settings.taskTimeoutMs
    this.#isPlain =
      this.#timeoutMs === Number.POSITIVE_INFINITY && parts.settings.retry === undefined && parts.selfWait === null
    this.#owner = owner
    this.workers = new Workers(this, parts.turn)
  }

  // ── beginning ────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Gives a task, which the scheduler has started, to a worker. Its function is called in a following microtask. */
  start(task: PoolTask): void {
    if (task.details !== null && task.details.stored !== null) return this.#hold(task, task.details.stored)
    if (task.startedMs >= 0) task.changed() // the stamps show the first start only
    this.workers.assign(task) // followers are notified with the call, which comes at once
  }

  /** The start of a stored task is written first. */
  #hold(task: PoolTask, stored: Stored): void {
    this.#owner.holding(task, stored)
    if (task.startedMs < 0) stored.startMs = this.#turn.stamp
    else task.changed()
    this.workers.hold(task)
  }

  /** The start has been written. */
  release(task: PoolTask): void {
    this.workers.release(task.worker as Worker)
  }

  /** Whether a task waits for its start to be written. */
  isHeld({ worker }: PoolTask): boolean {
    return worker !== null && (worker as Worker).held
  }

  begin(worker: Worker, task: PoolTask): void {
    const turn = this.#turn
    if (task.startedMs < 0) {
      task.startedMs = turn.stamp
      this.waitMs.record(task.startedMs - task.readyMs, task.startedMs)
    } else task.repeated()
    this.started++
    worker.startedAt = turn.now
    const context = new AttemptContext(task, task.attempt)
    worker.context = context
    if (
      !this.#isPlain ||
      this.#scheduler.timed ||
      task.details !== null ||
      (this.#listeners.mask & EVENT_BIT.started) !== 0
    )
      this.#beginWith(worker, task, context)
    else this.#call(worker, task, context, task.context)
  }

  /** What few attempts have: limits, followers, listeners and others. */
  #beginWith(worker: Worker, task: PoolTask, context: AttemptContext): void {
    this.#owner.called(task)
    if (task.details !== null) this.#leaveQueue(task, task.details)
    const timeoutMs = this.#timeoutOf(task)
    if (timeoutMs !== Number.POSITIVE_INFINITY) this.#limit(worker, timeoutMs)
    task.notify()
    if ((this.#listeners.mask & EVENT_BIT.started) !== 0) this.#listeners.emit(task.scope, 'started', task)
    const aborted = AttemptContext.abortOf(context)
    if (aborted !== undefined) return this.threw(worker, aborted.reason)
    this.#call(worker, task, context, this.#scopeOf(task, context))
  }

  #call(worker: Worker, task: PoolTask, context: AttemptContext, scope: AsyncContext | null): void {
    this.#calling = worker
    worker.call(task, context, scope)
    this.#calling = null
  }

  /** The `AsyncLocalStorage` context of one call. What the function enters in it is not for the next attempt. */
  #scopeOf(task: PoolTask, context: AttemptContext): AsyncContext | null {
    let scope = task.context
    if (scope !== null && this.#policyOf(task) !== undefined) scope = copyOf(scope)
    return this.#selfWait === null ? scope : this.#selfWait.enter(scope, context)
  }

  #policyOf({ details }: PoolTask): RetryPolicy | undefined {
    return details?.settings?.retry ?? this.#parts.settings.retry
  }

  #leaveQueue(task: PoolTask, { deadline, stored, retries }: TaskDetails): void {
    if (deadline !== undefined) this.#parts.deadlines.clear(deadline)
    if (stored !== null && retries === 0) task.startedMs = stored.startMs // as the store has it
  }

  #timeoutOf({ details }: PoolTask): number {
    return details?.settings?.timeoutMs ?? this.#timeoutMs
  }

  #limit(worker: Worker, timeoutMs: number): void {
    worker.deadline ??= new Deadline(() => this.#expired(worker))
    this.#parts.deadlines.set(worker.deadline, timeoutMs, true)
  }

  /** The time limit has passed; or, after the abort, the task counts as stuck. */
  #expired(worker: Worker): void {
    const task = worker.task as PoolTask
    const context = worker.context
    if (AttemptContext.abortOf(context) === undefined) {
      const timeoutMs = this.#timeoutOf(task)
      this.#watchStuck(worker)
      return AttemptContext.abort(context, {
        by: 'timeout',
        reason: withoutStack(() => new TaskTimeoutError(task.id, timeoutMs)),
        given: false
      })
    }
    worker.stuck = true
    this.stuck++
    this.#listeners.emit(task.scope, 'stuck', task)
  }

  #watchStuck(worker: Worker): void {
    worker.deadline ??= new Deadline(() => this.#expired(worker))
    this.#parts.deadlines.set(worker.deadline, this.#parts.settings.stuckAfterMs, false)
  }

  // ── aborting ─────────────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Cancels a running task: aborts its signal. The worker stays taken until the function has ended.
   *
   * @returns whether this is the first cancel of the task; the abort of a timeout does not count
   */
  requestEnd(task: PoolTask, { reason: by, cause }: Cancellation): boolean {
    const details = task.detailed()
    if (details.cancelRequestedMs >= 0) return false
    const worker = task.worker as Worker
    const context = worker.context
    details.cancelRequestedMs = this.#turn.stamp
    details.changes++
    if (AttemptContext.abortOf(context) === undefined) this.#watchStuck(worker)
    const reason = cause === undefined ? withoutStack(() => new TaskCanceledError(task.id, by)) : cause
    task.notify()
    AttemptContext.abort(context, { by, reason, given: cause !== undefined })
    return true
  }

  /** Aborts the `stopping` signal of all running functions. */
  announceStop(reason: unknown): void {
    for (const { context } of [...this.workers.busy()]) AttemptContext.stop(context, reason)
  }

  /**
   * Gives up on all functions that still run: their tasks fail, and nothing starts any more.
   *
   * @param leave - whether a task goes on in the next pool instead
   */
  interrupt(leave: (task: PoolTask) => boolean, onInterrupt: (task: PoolTask) => void): void {
    for (const task of this.workers.tasks()) {
      if (leave(task)) continue
      onInterrupt(task)
      this.#owner.settle(
        task,
        FAILED,
        withoutStack(() => new TaskInterruptedError(task.id))
      )
    }
  }

  // ── progress ─────────────────────────────────────────────────────────────────────────────────────────────────────

  /** The first progress of a task in this turn. */
  progressed(task: PoolTask): void {
    this.#progressed.push(task)
    this.#turn.begin()
  }

  /** The turn ends: the progress of each task becomes one change of its record and one event. */
  flushProgress(): void {
    if (this.#progressed.length === 0) return
    const progressed = this.#progressed
    this.#progressed = []
    for (const task of progressed) {
      const details = task.detailed()
      if (!details.progressed || task.stage !== RUNNING) continue
      details.progressed = false
      details.changes++
      task.notify()
      this.#listeners.emit(task.scope, 'progress', task)
    }
  }

  // ── ending ───────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Returning means done, also after an abort. */
  returned(worker: Worker, value: unknown): void {
    const entered = this.workers.enter()
    if (worker.task !== null) this.#owner.settle(worker.task, SUCCEEDED, value)
    if (entered) this.workers.leave()
  }

  threw(worker: Worker, error: unknown): void {
    const entered = this.workers.enter()
    this.#fail(worker, error)
    if (entered) this.workers.leave()
  }

  /** Throwing means not done: canceled if the error is the answer to an abort; else another attempt, or failed. */
  #fail(worker: Worker, thrown: unknown): void {
    const { task } = worker
    if (task === null) return // it was interrupted, and has settled
    const aborted = AttemptContext.abortOf(worker.context)
    const snoozeMs = snoozeOf(thrown)
    if (snoozeMs !== undefined && aborted === undefined) return this.#owner.snooze(task, snoozeMs)
    let error = thrown
    if (aborted !== undefined && (snoozeMs !== undefined || gaveUp(thrown, aborted))) {
      const { by, reason, given } = aborted
      if (by !== 'timeout') return this.#owner.settle(task, CANCELED, given ? new Cancellation(by, reason) : reason)
      error = reason
    }
    const delayMs = this.#retryDelay(task, error)
    if (worker.task !== task) return // a hook of the user stopped the pool by force
    if (delayMs === undefined || this.#mustEnd(task)) return this.#owner.settle(task, FAILED, error)
    this.#owner.delay(task, error, delayMs)
  }

  #mustEnd(task: PoolTask): boolean {
    return task.detailed().cancelRequestedMs >= 0
  }

  /** In how many milliseconds another attempt is due; undefined: there is none. */
  #retryDelay(task: PoolTask, error: unknown): number | undefined {
    const policy = this.#policyOf(task)
    if (policy === undefined || this.#mustEnd(task)) return undefined
    const report = (thrown: unknown): void => this.#parts.unobserved.report(thrown, { task })
    const attempt = task.tries
    return task.scope.runInAsyncScope(() => {
      if (!isWorthRetrying(policy, error, attempt, report)) return undefined
      return backoff(policy, error, attempt, () => this.#parts.clock.random(), report)
    })
  }

  /** Ends an attempt: its worker is free, and nothing else is left of it. */
  leave(task: PoolTask): void {
    const worker = task.worker as Worker
    if (worker.context === NO_ATTEMPT) return this.#withdraw(worker, task)
    if (worker === this.#calling)
      this.#turn.refresh() // it ends within its call: measure to now, not to its start
    else this.#turn.step()
    const ranMs = this.#turn.now - worker.startedAt
    this.#scheduler.prospects.runTimes.observe(ranMs)
    this.runMs.record(ranMs, this.#turn.now)
    if (worker.deadline !== undefined) this.#lift(worker, worker.deadline)
    this.workers.free(worker)
  }

  /** Takes back a task that has a worker but was not called yet. */
  #withdraw(worker: Worker, task: PoolTask): void {
    if (task.startedMs < 0) task.changed() // it had a worker: a change that does not show in the stamps
    this.#scheduler.uncalled(task)
    this.workers.withdraw(worker)
  }

  /** The limits of an attempt end with it. */
  #lift(worker: Worker, deadline: Deadline): void {
    this.#parts.deadlines.clear(deadline)
    if (!worker.stuck) return
    worker.stuck = false
    this.stuck--
  }
}

/**
 * Whether an attempt threw because of its abort: the error is the signal's reason, has it as its cause (as the errors of
 * `node:timers/promises` do), or is an `AbortError`. Any other error is the task's own.
 */
function gaveUp(error: unknown, abort: Abort): boolean {
  if (Object.is(error, abort.reason) || read(error, 'name') === 'AbortError') return true
  return Object.is(read(error, 'cause'), abort.reason)
}
