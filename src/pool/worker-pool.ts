import type {
  CancelAllOptions,
  DrainOptions,
  PauseOptions,
  ResizeOptions,
  StartOptions,
  StopOptions,
  TasksQuery
} from '../contract/call-options.js'
import {
  checkCancelAllOptions,
  checkDrainOptions,
  checkPauseOptions,
  checkResizeOptions,
  checkStartOptions,
  checkStopOptions,
  checkTasksQuery
} from '../contract/call-settings.js'
import { callable } from '../contract/checks.js'
import { DrainTimeoutError, PoolDeadlockError, PoolStoppedError } from '../contract/errors.js'
import type { PoolEventName, PoolListener } from '../contract/events.js'
import type { WorkerPoolOptions } from '../contract/options.js'
import { printShort } from '../contract/print-short.js'
import type { CancelAllReport, PoolState, PoolStats, StopReport } from '../contract/reports.js'
import { checkPoolOptions, type PoolSettings } from '../contract/settings.js'
import type {
  After,
  CancelOutcome,
  Handlers,
  HandlersOf,
  ResultOf,
  Task,
  TaskContext
} from '../contract/task-contract.js'
import type { TaskOptions, WaitOptions } from '../contract/task-options.js'
import type { TaskRecord } from '../contract/task-record.js'
import { checkTaskOptions, checkWaitOptions, type TaskSettings } from '../contract/task-settings.js'
import { unknownHandler } from '../contract/unknown-handler.js'
import { claim } from '../durable/ownership.js'
import { inputText, requirePlainRetry } from '../durable/stored-options.js'
import { CREATED, STOPPED, STOPPING, SUCCEEDED } from '../scheduler/lifecycle.js'
import { Cancellation } from '../task/cancellation.js'
import { PoolTask } from '../task/task.js'
import { AttemptContext } from '../task/task-context.js'
import { Handler, type Work } from '../task/work.js'
import { throwIfAborted } from '../waiting/signals.js'
import type { Admission } from './admission.js'
import { Dispatcher } from './dispatcher.js'
import { LookUp } from './look-up.js'
import { PoolView } from './pool-view.js'
import { whyNothingMoves } from './refusals.js'

/**
 * Runs tasks in the background, a bounded number at a time, with a bounded number waiting. An acceptance is final; a task
 * that there is no room for is refused at once, by an error that says when to try again.
 *
 * Accepted tasks that have not settled never exceed `concurrency + queueCapacity`. A worker is held until its task
 * function has really ended, also after a cancel or a timeout, so that never more than `concurrency` functions run.
 *
 * @example
 * ```ts
 * import { WorkerPool } from 'coatcheck'
 *
 * const pool = new WorkerPool({ concurrency: 10, queueCapacity: 100 })
 * pool.start()
 * const task = pool.queueTask(async ({ signal }) => fetch('http://localhost:8080/report', { signal }))
 * console.log(task.id, task.state)
 * await pool.stop()
 * ```
 *
 * @typeParam H - the handlers, inferred from the option of that name
 */
export class WorkerPool<H extends HandlersOf<H> = Record<never, never>> {
  readonly #settings: PoolSettings
  readonly #handlers = new Map<string, Handler>()
  readonly #dispatcher: Dispatcher
  readonly #admission: Admission
  readonly #view: PoolView
  readonly #lookUp: LookUp

  /**
   * Checks every option and starts nothing: there is no timer before there is work.
   *
   * @typeParam H - the handlers, inferred from the option of that name
   * @throws TypeError | RangeError when an option is unknown, missing or wrong; nothing is coerced
   */
  constructor(options: WorkerPoolOptions<H | (H & Handlers)>) {
    this.#settings = checkPoolOptions(options)
    printShort(WorkerPool.prototype)
    printShort(PoolTask.prototype)
    printShort(AttemptContext.prototype)
    for (const [name, handler] of this.#settings.handlers) this.#handlers.set(name, new Handler(name, handler, false))
    if (this.#settings.store !== undefined) claim(this.#settings.store)
    this.#dispatcher = new Dispatcher(this.#settings)
    this.#admission = this.#dispatcher.admission
    this.#view = new PoolView(this.#dispatcher)
    this.#lookUp = new LookUp(this.#dispatcher)
    this.#dispatcher.recover(this.#handlers)
  }

  // ── lifecycle ────────────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Starts to run tasks, first those that were queued before. No effect while the pool runs.
   *
   * @param options - `signal` stops the pool when it aborts, with its reason
   * @throws PoolStoppedError after `stop`: make a new pool
   */
  start(options?: StartOptions): this {
    const { signal } = checkStartOptions(options)
    const { stage } = this.#scheduler
    if (stage >= STOPPING) throw new PoolStoppedError(stage === STOPPED ? 'stopped' : 'stopping')
    if (stage === CREATED) this.#dispatcher.start(signal)
    return this
  }

  /**
   * Stops the pool. Before it returns, intake is closed, callers that wait for room are refused and `ctx.stopping` has
   * aborted. Accepted tasks go on for `graceMs` (if the pool was started); then queued tasks are canceled and running ones
   * aborted; a task that still runs `forceMs` later fails with `ERR_TASK_INTERRUPTED`.
   *
   * May be called again: a later call can only bring the deadlines nearer.
   *
   * @returns the report of the stop, the same for every call; never rejects
   * @throws TypeError | RangeError when an option is wrong; then nothing is stopped
   */
  stop(options?: StopOptions): Promise<StopReport> {
    this.#dispatcher.stop(checkStopOptions(options, this.#settings))
    return this.closed
  }

  /** The report of the stop, once there is one. Always the same promise. */
  get closed(): Promise<StopReport> {
    return this.#dispatcher.closed
  }

  /** `stop()`, for `await using pool = …`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  /**
   * Stops starting tasks; tasks are accepted as before. With `forMs` it ends by itself; called again, it can only be made
   * longer. `resume` and `stop` end it.
   *
   * @throws TypeError | RangeError when `forMs` is wrong; then nothing is changed
   */
  pause(options?: PauseOptions): void {
    this.#dispatcher.pauses.pause(checkPauseOptions(options))
  }

  /** Starts tasks again. */
  resume(): void {
    this.#dispatcher.pauses.resume()
  }

  /**
   * Changes the bounds at once. No accepted task is ended or dropped: below a smaller bound, nothing starts or is accepted
   * until enough tasks have ended. With a larger one, queued tasks start and waiters are admitted at once. For a new rate,
   * the starts in the window of the former one count.
   *
   * @throws TypeError | RangeError when a bound is wrong; then nothing is changed
   */
  resize(options: ResizeOptions): void {
    const { concurrency, queueCapacity, rateLimit } = checkResizeOptions(options, this.#scheduler)
    this.#scheduler.concurrency = concurrency
    this.#scheduler.queueCapacity = queueCapacity
    if (rateLimit !== undefined) this.#dispatcher.limitRate(rateLimit)
    this.#dispatcher.startDue()
  }

  // ── tasks ────────────────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Queues a function, or the name of a handler and its input. The verdict comes at once; the function is never called
   * before this returns.
   *
   * @returns the accepted task; its `id` is the ticket
   * @throws QueueFullError when there is no room, or callers wait for it already
   * @throws KeyQueueFullError when the key's share is full
   * @throws PoolStoppedError when the pool is stopping or has stopped
   * @throws DuplicateTaskError when a live or retained task has the id
   * @throws StoreError when the task is to be stored, and the store cannot write now
   * @throws TypeError | RangeError when an argument is wrong, and the signal's reason when it has aborted already: both
   * before admission, and not counted
   */
  queueTask<R>(run: (ctx: TaskContext) => R, options?: TaskOptions): Task<Awaited<R>>
  queueTask<K extends Extract<keyof H, string>>(name: K, ...rest: After<H[K], TaskOptions>): Task<ResultOf<H[K]>>
  queueTask(first: unknown, second?: unknown, third?: unknown): Task<never> {
    if (typeof first === 'string') {
      const handler = this.#handlerOf(first)
      const hasOptions = third !== undefined || handler.hasDefaults
      const settings = hasOptions
        ? checkTaskOptions(third === undefined ? {} : third, first, this.#settings)
        : undefined
      if (this.#settings.store !== undefined && settings?.volatile !== true)
        return this.#admission.submit(...this.#stored(handler, second, settings), settings)
      return this.#admission.submit(handler, second, settings)
    }
    const run = callable<Work>('task', first)
    const settings = second === undefined ? undefined : checkTaskOptions(second, undefined, this.#settings)
    if (this.#settings.store !== undefined) requireVolatile(settings)
    return this.#admission.submit(run, undefined, settings)
  }

  /**
   * The same, but waits for room where there is none: first come, first served, at most `waitMs`, or until `waitSignal`
   * or the task's `signal` aborts. A freed place goes to the first waiter, never to a newcomer. It does not wait for the
   * share of a key: that refusal comes at once.
   *
   * @returns a promise of the accepted task; it rejects and never throws
   * @throws WaitTimeoutError when no place became free in time (`waitMs: 0` is one try)
   * @throws WaitFullError when `waiterCapacity` callers wait already
   * @throws what `queueTask` throws, but `QueueFullError`
   */
  queueTaskWhenFree<R>(run: (ctx: TaskContext) => R, options?: WaitOptions): Promise<Task<Awaited<R>>>
  queueTaskWhenFree<K extends Extract<keyof H, string>>(
    name: K,
    ...rest: After<H[K], WaitOptions>
  ): Promise<Task<ResultOf<H[K]>>>
  async queueTaskWhenFree(first: unknown, second?: unknown, third?: unknown): Promise<Task<never>> {
    if (typeof first === 'string') {
      const handler = this.#handlerOf(first)
      const settings = checkWaitOptions(third, first, this.#settings)
      if (this.#settings.store !== undefined && !settings.task.volatile)
        return this.#admission.submitWhenFree(...this.#stored(handler, second, settings.task), settings)
      return this.#admission.submitWhenFree(handler, second, settings)
    }
    const run = callable<Work>('task', first)
    const settings = checkWaitOptions(second, undefined, this.#settings)
    if (this.#settings.store !== undefined) requireVolatile(settings.task)
    return this.#admission.submitWhenFree(run, undefined, settings)
  }

  /** The handler for a stored task, and the input as text. */
  #stored(handler: Handler, input: unknown, settings: TaskSettings | undefined): [Handler, string | undefined] {
    requirePlainRetry(settings?.retry)
    return [handler.stored as Handler, inputText(input, this.#settings.maxInputBytes)]
  }

  /** The task with this id: live, or settled and still retained; `stats().retention` reports how long tickets last. */
  task(id: string): Task | undefined {
    return this.#dispatcher.tickets.find(id)
  }

  /**
   * Live and retained tasks, newest first. Of settled tasks whose id nobody has read there are the last 100, but no more
   * than `retention.count`.
   */
  tasks(query?: TasksQuery): Task[] {
    const { state, key, limit } = checkTasksQuery(query)
    return this.#view.tasks(state, key, limit)
  }

  /**
   * Cancels a task: a queued one settles now, a running one has its signal aborted.
   *
   * @param reason - becomes `signal.reason` as it is; the first one is kept
   */
  cancel(id: string, reason?: unknown): CancelOutcome {
    const task = this.#dispatcher.tickets.find(id)
    if (task === undefined) return 'unknown'
    if (task.stage >= SUCCEEDED) return 'finished'
    this.#dispatcher.cancel(task, Cancellation.byUser(reason))
    return hasEnded(task) ? 'canceled' : 'requested'
  }

  /**
   * The record of the task with this ticket, wherever it is: in memory, in the store, also when it ended long ago, or in
   * the mirror.
   *
   * @returns `undefined` when there is no such task
   * @throws StoreError when it cannot know
   */
  findTask(id: string): Promise<TaskRecord | undefined> {
    return this.#lookUp.find(id)
  }

  /**
   * The ticket that stands for a text: the same for the same text wherever this store is, and not to be guessed without
   * the store. In a pool without one it is the same as long as the pool lives. Give it to `queueTask` as `id`.
   */
  ticketFor(text: string): string {
    return this.#lookUp.ticketFor(text)
  }

  /**
   * Cancels all live tasks that match, as `cancel` does, whatever their number: in time slices, the first before this
   * returns. Tasks that are queued afterwards, and callers that wait for room, are not affected.
   *
   * @returns how many were canceled, and how many running ones were asked to end; never rejects
   * @throws TypeError | RangeError when an option is wrong; then nothing is canceled
   */
  cancelAll(options?: CancelAllOptions): Promise<CancelAllReport> {
    return this.#dispatcher.cancelAll.begin(checkCancelAllOptions(options))
  }

  /**
   * Forgets a settled task before its retention ends: nobody can look it up any more, and its id may be used again. The
   * row of a stored task is removed with the next write; after `stop` it stays. A mirror shows the task until its time
   * is over.
   *
   * @returns whether it was retained; false, without effect, while it is live
   */
  forget(id: string): boolean {
    return this.#dispatcher.tickets.find(id)?.forget() ?? false
  }

  /**
   * Waits until nothing is queued, waiting for a retry or running: at once when that holds. The pool stays open. A wait
   * ends when the last task settles, even if another is queued in the same tick.
   *
   * @throws DrainTimeoutError when `timeoutMs` has passed; it says what it waited for
   * @throws the signal's reason when it aborts
   */
  async drain(options?: DrainOptions): Promise<void> {
    const limits = checkDrainOptions(options)
    throwIfAborted(limits.signal)
    if (this.#scheduler.live === 0) return
    const unlimited = limits.signal === undefined && limits.timeoutMs === Number.POSITIVE_INFINITY
    if (unlimited && this.#dispatcher.parts.selfWait?.current !== undefined) {
      throw new PoolDeadlockError(
        'A task of this pool waits until its own pool is empty. Wait outside of it, or give the wait a limit.'
      )
    }
    await this.#dispatcher.drains.add(limits, () => this.#drainTimeout(limits.timeoutMs))
  }

  #drainTimeout(timeoutMs: number): DrainTimeoutError {
    const waitingFor = { count: this.#scheduler.live, ids: this.#view.unfinished(100) }
    return new DrainTimeoutError(timeoutMs, waitingFor, whyNothingMoves(this.#scheduler))
  }

  // ── reading and events ───────────────────────────────────────────────────────────────────────────────────────────

  /** The state of the pool. */
  get state(): PoolState {
    return this.#view.state
  }

  /** Counters and gauges: plain data, a copy, every key always present. O(1), but O(lanes) for the oldest queued task. */
  stats(): PoolStats {
    return this.#view.stats()
  }

  /** The same as {@link stats}, for `JSON.stringify`. */
  toJSON(): PoolStats {
    return this.stats()
  }

  /** Adds a listener, called in the step that causes the event. What it throws goes to `onUnobservedError`. */
  on<N extends PoolEventName>(event: N, listener: PoolListener<N>): this {
    this.#dispatcher.parts.listeners.on(event, listener)
    return this
  }

  /** Adds a listener for the next such event only. */
  once<N extends PoolEventName>(event: N, listener: PoolListener<N>): this {
    this.#dispatcher.parts.listeners.once(event, listener)
    return this
  }

  /** Removes a listener. */
  off<N extends PoolEventName>(event: N, listener: PoolListener<N>): this {
    this.#dispatcher.parts.listeners.off(event, listener)
    return this
  }

  /** The pool in one line. */
  toString(): string {
    return this.#view.line()
  }

  get #scheduler(): Dispatcher['parts']['scheduler'] {
    return this.#dispatcher.parts.scheduler
  }

  /** @throws TypeError when there is no handler of that name */
  #handlerOf(name: string): Handler {
    const handler = this.#handlers.get(name)
    if (handler !== undefined) return handler
    throw unknownHandler('a function or the name of a handler', name, [...this.#handlers.keys()])
  }
}

/** A cancel may have just ended it. */
function hasEnded({ stage }: PoolTask): boolean {
  return stage >= SUCCEEDED
}

/** @throws TypeError for a function in a pool with a store, unless its task says that it ends with the process */
function requireVolatile(settings: TaskSettings | undefined): void {
  if (settings?.volatile === true) return
  throw new TypeError(
    'Expected the task to be the name of a handler: a store cannot keep a function. Queue it with `volatile: true` if it may end with the process'
  )
}
