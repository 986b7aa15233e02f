import { TaskCanceledError, TaskInterruptedError, TaskTimeoutError, withoutStack } from '../contract/errors.js'
import { EVENT_BIT } from '../contract/events.js'
import type { RetryPolicy } from '../contract/settings.js'
import type { TaskProgress } from '../contract/task-record.js'
import type { PoolParts } from '../pool/pool-parts.js'
import { CANCELED, FAILED, RUNNING, type Settled, SUCCEEDED } from '../scheduler/lifecycle.js'
import { type AsyncContext, copyOf } from '../task/async-context.js'
import { Cancellation, type PoolTask, type TaskDetails } from '../task/task.js'
import { AttemptContext, type AttemptOwner } from '../task/task-context.js'
import { Deadline } from '../waiting/deadlines.js'
import { Distribution } from './distribution.js'
import { gaveUp } from './outcome.js'
import { backoff, isWorthRetrying } from './retry.js'
import type { Worker } from './worker.js'
import { Workers, type WorkersOwner } from './workers.js'

/** What the attempts need of the dispatcher. */
export interface AttemptsOwner {
  /** Why the pool stops; undefined while it does not. */
  readonly stopReason: unknown
  /** A function is about to be called. */
  called(): void
  settle(task: PoolTask, to: Settled, payload: unknown): void
  /** A task that failed waits for its next attempt. */
  delay(task: PoolTask, error: unknown, delayMs: number): void
}

/** From the call of a task's function to its end: time limits, requests to end, progress, and what came of it. */
export class Attempts implements WorkersOwner, AttemptOwner {
  readonly workers: Workers
  readonly waitMs = new Distribution()
  readonly runMs = new Distribution()
  /** Calls of task functions. */
  started = 0
  /** Running tasks that were asked to end long ago. */
  stuck = 0
  readonly #parts: PoolParts
  readonly #turn: PoolParts['turn']
  readonly #listeners: PoolParts['listeners']
  readonly #retryAfter: PoolParts['scheduler']['retryAfter']
  readonly #selfWait: PoolParts['selfWait']
  readonly #timeoutMs: number
  readonly #owner: AttemptsOwner
  /** The worker whose function is being called. */
  #calling: Worker | null = null
  /** Tasks that said in this turn how far they are. */
  #progressed: PoolTask[] = []

  constructor(parts: PoolParts, owner: AttemptsOwner) {
    this.#parts = parts
    this.#turn = parts.turn
    this.#listeners = parts.listeners
    this.#retryAfter = parts.scheduler.retryAfter
    this.#selfWait = parts.selfWait
    this.#timeoutMs = parts.settings.taskTimeoutMs
    this.#owner = owner
    this.workers = new Workers(this, parts.turn)
  }

  get stopReason(): unknown {
    return this.#owner.stopReason
  }

  // ── beginning ────────────────────────────────────────────────────────────────────────────────────────────────────

  begin(worker: Worker, task: PoolTask): void {
    const turn = this.#turn
    if (task.startedMs < 0) {
      task.startedMs = turn.stamp
      this.waitMs.record(task.startedMs - task.queuedMs)
    } else task.repeated()
    this.started++
    worker.startedAt = turn.now
    const context = new AttemptContext(task, this, task.attempt)
    worker.context = context
    this.#owner.called()
    if (task.details !== null) this.#leaveQueue(task.details)
    const timeoutMs = this.#timeoutOf(task)
    if (timeoutMs !== Number.POSITIVE_INFINITY) this.#limit(worker, timeoutMs)
    task.notify()
    if ((this.#listeners.mask & EVENT_BIT.started) !== 0) this.#listeners.emit('started', task)
    const aborted = AttemptContext.abortOf(context)
    if (aborted !== undefined) return this.threw(worker, aborted.reason)
    this.#calling = worker
    worker.call(task, context, this.#scopeOf(task, context))
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

  #leaveQueue({ deadline }: TaskDetails): void {
    if (deadline !== undefined) this.#parts.deadlines.clear(deadline)
  }

  #timeoutOf({ details }: PoolTask): number {
    return details?.settings?.timeoutMs ?? this.#timeoutMs
  }

  #limit(worker: Worker, timeoutMs: number): void {
    worker.deadline ??= new Deadline(() => this.#expired(worker))
    this.#parts.deadlines.set(worker.deadline, timeoutMs, true)
  }

  /** The time limit has passed; or, once the task was asked to end, it counts as stuck. */
  #expired(worker: Worker): void {
    const task = worker.task as PoolTask
    const context = worker.context as AttemptContext
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
    this.#parts.listeners.emit('stuck', task)
  }

  #watchStuck(worker: Worker): void {
    worker.deadline ??= new Deadline(() => this.#expired(worker))
    this.#parts.deadlines.set(worker.deadline, this.#parts.settings.stuckAfterMs, false)
  }

  // ── asking it to end ─────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Asks the function of a running task to end. The worker stays taken until it has.
   *
   * @returns whether this is the first time that somebody asked; a timeout does not count
   */
  requestEnd(task: PoolTask, { reason: by, cause }: Cancellation): boolean {
    const details = task.detailed()
    if (details.cancelRequestedMs >= 0) return false
    const worker = task.worker as Worker
    const context = worker.context as AttemptContext
    details.cancelRequestedMs = this.#parts.turn.stamp
    details.changes++
    if (AttemptContext.abortOf(context) === undefined) this.#watchStuck(worker)
    const reason = cause === undefined ? withoutStack(() => new TaskCanceledError(task.id, by)) : cause
    task.notify()
    AttemptContext.abort(context, { by, reason, given: cause !== undefined })
    return true
  }

  // ── progress ─────────────────────────────────────────────────────────────────────────────────────────────────────

  progress(task: PoolTask, ratio: number, message: string | undefined): void {
    const details = task.detailed()
    const progress: TaskProgress = message === undefined ? { ratio } : { ratio, message }
    details.progress = Object.freeze(progress)
    if (details.progressed) return
    details.progressed = true
    this.#progressed.push(task)
    this.#parts.turn.begin()
  }

  /** The turn ends: what progress there was becomes a change of the record and an event. */
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
      this.#parts.listeners.emit('progress', task)
    }
  }

  // ── ending ───────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Returning means done, also after it was asked to end. */
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

  /** Throwing means not done: canceled if it was asked to end and ended for that; else another attempt, or failed. */
  #fail(worker: Worker, thrown: unknown): void {
    const { task } = worker
    if (task === null) return // it was interrupted: the pool has told so already
    const aborted = AttemptContext.abortOf(worker.context as AttemptContext)
    let error = thrown
    if (aborted !== undefined && gaveUp(thrown, aborted)) {
      const { by, reason, given } = aborted
      if (by !== 'timeout') return this.#owner.settle(task, CANCELED, given ? new Cancellation(by, reason) : reason)
      error = reason
    }
    const delayMs = this.#retryDelay(task, error)
    if (worker.task !== task) return // a hook of the user's stopped the pool by force
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
    const { attempt } = task
    if (!isWorthRetrying(policy, error, attempt, report)) return undefined
    return backoff(policy, error, attempt, () => this.#parts.clock.random(), report)
  }

  /** Ends an attempt: nothing of it is left but its worker, which is free. */
  leave(task: PoolTask): void {
    const worker = task.worker as Worker
    if (worker.context === null) return this.#withdraw(worker, task)
    if (worker === this.#calling) this.#turn.refresh() // it ends within its call: the time of its start is no measure
    const ranMs = this.#turn.now - worker.startedAt
    this.#retryAfter.observe(ranMs)
    this.runMs.record(ranMs)
    if (worker.deadline !== undefined) this.#lift(worker, worker.deadline)
    this.workers.free(worker)
  }

  /** Takes back a task that has a worker and was not called yet. */
  #withdraw(worker: Worker, task: PoolTask): void {
    if (task.startedMs < 0) task.changed() // it had a worker: a change that no stamp tells
    this.#parts.scheduler.rate?.giveBack()
    this.workers.withdraw(worker)
  }

  /** Gives up on all functions that still run: their tasks have failed, and nothing starts any more. */
  interrupt(told: (task: PoolTask) => void): void {
    for (const task of this.workers.tasks()) {
      told(task)
      this.#owner.settle(
        task,
        FAILED,
        withoutStack(() => new TaskInterruptedError(task.id))
      )
    }
  }

  /** The limits of an attempt end with it. */
  #lift(worker: Worker, deadline: Deadline): void {
    this.#parts.deadlines.clear(deadline)
    if (!worker.stuck) return
    worker.stuck = false
    this.stuck--
  }
}
