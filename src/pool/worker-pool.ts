import { inspect } from 'node:util'
import { callable } from '../contract/checks.js'
import { DrainTimeoutError, PoolDeadlockError, PoolStoppedError } from '../contract/errors.js'
import type { PoolEventName, PoolListener } from '../contract/events.js'
import type {
  DrainOptions,
  ResizeOptions,
  StartOptions,
  StopOptions,
  TaskOptions,
  TasksQuery,
  WaitOptions,
  WorkerPoolOptions
} from '../contract/options.js'
import type { PoolState, PoolStats, StopReport } from '../contract/reports.js'
import {
  checkDrainOptions,
  checkPoolOptions,
  checkResizeOptions,
  checkStartOptions,
  checkStopOptions,
  checkTaskOptions,
  checkTasksQuery,
  checkWaitOptions,
  type PoolSettings
} from '../contract/settings.js'
import type {
  After,
  CancelOutcome,
  Handlers,
  HandlersOf,
  ResultOf,
  Task,
  TaskContext
} from '../contract/task-contract.js'
import { CREATED, STOPPED, STOPPING } from '../scheduler/lifecycle.js'
import { Cancellation } from '../task/cancellation.js'
import { Handler, type Work } from '../task/work.js'
import { throwIfAborted } from '../waiting/signals.js'
import type { Admission } from './admission.js'
import { Dispatcher } from './dispatcher.js'
import { PoolView } from './pool-view.js'
import { whyNothingMoves } from './refusals.js'

/**
 * Runs tasks in the background, a bounded number at a time, with a bounded number waiting. What is accepted is accepted
 * for good; what there is no room for is refused at once, by an error that says when to come back.
 *
 * Accepted work that has not settled never exceeds `concurrency + queueCapacity`. A worker is held until its task
 * function has really ended, also after a cancel or a timeout, so `concurrency` is never exceeded either.
 *
 * @example
 * ```ts
 * import { WorkerPool } from 'coatcheck'
 *
 * const pool = new WorkerPool({ concurrency: 10, queueCapacity: 100 })
 * pool.start()
 * const task = pool.queueTask(async ({ signal }) => fetch('http://localhost:8080/report', { signal }))
 * console.log(task.id, task.state)
 * await pool.stop({ graceMs: 25_000 })
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

  /**
   * Checks every option and starts nothing: there is no timer before there is work.
   *
   * @typeParam H - the handlers, inferred from the option of that name
   * @throws TypeError | RangeError when an option is unknown, missing or wrong; nothing is coerced
   */
  constructor(options: WorkerPoolOptions<H | (H & Handlers)>) {
    this.#settings = checkPoolOptions(options)
    for (const [name, call] of this.#settings.handlers) this.#handlers.set(name, new Handler(name, call))
    this.#dispatcher = new Dispatcher(this.#settings)
    this.#admission = this.#dispatcher.admission
    this.#view = new PoolView(this.#dispatcher)
  }

  // ── its life ─────────────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Starts to run tasks, first those that were queued before. While the pool runs it has no effect.
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
   * Ends the pool and loses nothing on the way. Before it returns, intake is closed, those who wait for room are refused
   * and `ctx.stopping` has aborted. Accepted tasks go on for `graceMs` (if the pool was started); then what is queued is
   * canceled and running tasks are aborted; what still runs `forceMs` later has failed with `ERR_TASK_INTERRUPTED`.
   *
   * May be called again: a later call can only bring the deadlines nearer.
   *
   * @returns the one report of this pool; never rejects
   * @throws TypeError | RangeError when an option is wrong; then nothing is stopped
   */
  stop(options?: StopOptions): Promise<StopReport> {
    this.#dispatcher.stop(checkStopOptions(options, this.#settings))
    return this.closed
  }

  /** The report of the stop, once there is one. The same promise for ever. */
  get closed(): Promise<StopReport> {
    return this.#dispatcher.closed
  }

  /** `stop()`, so that `await using pool = …` leaves nothing behind. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  /** Holds back starts; tasks are accepted as before. `stop` ends the pause. */
  pause(): void {
    this.#scheduler.pause()
  }

  /** Starts go on. */
  resume(): void {
    this.#scheduler.resume()
    this.#dispatcher.startDue()
  }

  /**
   * Changes the bounds at once. Nothing that was accepted is ended or dropped: after a smaller bound nothing starts, or
   * is accepted, until enough has ended. After a larger one, work starts and waiters are let in at once.
   *
   * @throws TypeError | RangeError when a bound is wrong; then nothing is changed
   */
  resize(options: ResizeOptions): void {
    const { concurrency, queueCapacity } = checkResizeOptions(options, this.#scheduler)
    this.#scheduler.concurrency = concurrency
    this.#scheduler.queueCapacity = queueCapacity
    this.#dispatcher.startDue()
  }

  // ── tasks ────────────────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Hands over a function, or the name of a handler and its input, and gets the verdict at once. The function is never
   * called before this returns.
   *
   * @returns the accepted task; its `id` is the ticket
   * @throws QueueFullError when there is no room, or somebody waits for it already
   * @throws KeyQueueFullError when the key's share is full
   * @throws PoolStoppedError when the pool is stopping or has stopped
   * @throws DuplicateTaskError when a live or retained task has the id
   * @throws TypeError | RangeError when an argument is wrong, and the signal's reason when it has aborted already: both
   * before anything is decided, and counted nowhere
   */
  queueTask<R>(run: (ctx: TaskContext) => R, options?: TaskOptions): Task<Awaited<R>>
  queueTask<K extends Extract<keyof H, string>>(name: K, ...rest: After<H[K], TaskOptions>): Task<ResultOf<H[K]>>
  queueTask(first: unknown, second?: unknown, third?: unknown): Task<never> {
    if (typeof first === 'string') {
      const handler = this.#handlerOf(first)
      return this.#admission.submit(handler, second, third === undefined ? undefined : checkTaskOptions(third, first))
    }
    const run = callable<Work>('task', first)
    return this.#admission.submit(
      run,
      undefined,
      second === undefined ? undefined : checkTaskOptions(second, undefined)
    )
  }

  /**
   * The same, but waits for room where there is none: first come, first served, at most `waitMs`, or until `waitSignal`
   * or the task's `signal` aborts. A freed place goes to the head of the line, never to a newcomer. A key whose share is
   * full is not waited for.
   *
   * @returns a promise of the accepted task; it never throws, it rejects
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
      return this.#admission.submitWhenFree(handler, second, checkWaitOptions(third, first))
    }
    const run = callable<Work>('task', first)
    return this.#admission.submitWhenFree(run, undefined, checkWaitOptions(second, undefined))
  }

  /** The task of a ticket: live, or settled and still retained. */
  task(id: string): Task | undefined {
    return this.#dispatcher.tickets.find(id)
  }

  /** Tasks, newest first; those that settled as long as they are retained. */
  tasks(query?: TasksQuery): Task[] {
    const { state, key, limit } = checkTasksQuery(query)
    return this.#view.tasks(state, key, limit)
  }

  /**
   * Asks for the end of a task: a queued one settles now, a running one has its signal aborted.
   *
   * @param reason - becomes `signal.reason` as it is; the first one is kept
   */
  cancel(id: string, reason?: unknown): CancelOutcome {
    const task = this.#dispatcher.tickets.find(id)
    if (task === undefined) return 'unknown'
    if (task.isSettled) return 'finished'
    this.#dispatcher.cancel(task, Cancellation.byUser(reason))
    return task.isSettled ? 'canceled' : 'requested'
  }

  /**
   * Waits until nothing is queued, waiting for a retry or running: at once when that holds. The pool stays open; who
   * waits when the last task settles is let go, even if another is added in the same tick.
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

  // ── looking ──────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Where the pool stands. */
  get state(): PoolState {
    return this.#view.state
  }

  /** The pool's books: plain data, a copy, every key always there. O(1) but for the oldest queued task, O(lanes). */
  stats(): PoolStats {
    return this.#view.stats()
  }

  /** Calls a listener at each such event, in the step that causes it. What it throws harms nobody. */
  on<N extends PoolEventName>(event: N, listener: PoolListener<N>): this {
    this.#dispatcher.parts.listeners.on(event, listener)
    return this
  }

  /** Calls a listener at the next such event only. */
  once<N extends PoolEventName>(event: N, listener: PoolListener<N>): this {
    this.#dispatcher.parts.listeners.once(event, listener)
    return this
  }

  /** Calls this listener no more. */
  off<N extends PoolEventName>(event: N, listener: PoolListener<N>): this {
    this.#dispatcher.parts.listeners.off(event, listener)
    return this
  }

  /** The pool in one line. */
  toString(): string {
    return this.#view.line()
  }

  /** @internal */
  [inspect.custom](): string {
    return this.toString()
  }

  get #scheduler(): Dispatcher['parts']['scheduler'] {
    return this.#dispatcher.parts.scheduler
  }

  /** @throws TypeError when there is no handler of that name */
  #handlerOf(name: string): Handler {
    const handler = this.#handlers.get(name)
    if (handler !== undefined) return handler
    const names = [...this.#handlers.keys()].map((known) => `\`${known}\``)
    throw new TypeError(
      `Expected the task to be a function or the name of a handler (${names.length > 0 ? names.join(', ') : 'there is none'}), ` +
        `got ${JSON.stringify(name.slice(0, 60))} (string)`
    )
  }
}
