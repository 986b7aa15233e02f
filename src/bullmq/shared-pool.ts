import type { Queue } from 'bullmq'
import type { Redis } from 'ioredis'
import type { DrainOptions, StopOptions, TasksQuery } from '../contract/call-options.js'
import { checkStopOptions, checkTasksQuery } from '../contract/call-settings.js'
import { optionsOf } from '../contract/checks.js'
import { PoolStoppedError } from '../contract/errors.js'
import type { StoreNotice } from '../contract/events.js'
import { callHook, type Report } from '../contract/hooks.js'
import { printError } from '../contract/print-error.js'
import { printShort } from '../contract/print-short.js'
import type { PoolState, StopReport } from '../contract/reports.js'
import type { After, CancelOutcome, HandlersOf, ResultOf } from '../contract/task-contract.js'
import type { TaskRecord } from '../contract/task-record.js'
import { unknownHandler } from '../contract/unknown-handler.js'
import type { Clock } from '../ports/clock.js'
import { derivedTicket } from '../ports/derived-ticket.js'
import { Followers } from './following.js'
import { Notices, type SharedPoolEvents } from './notices.js'
import { checkSharedTaskOptions, type SharedSettings, type SharedTaskOptions } from './options.js'
import { Channels } from './redis/channels.js'
import { Commands } from './redis/commands.js'
import type { Connections } from './redis/connect.js'
import { isTicket, type Keys } from './redis/keys.js'
import { SharedTask } from './shared-task.js'
import { Shutdown } from './shutdown.js'
import { known, Submissions } from './submissions.js'
import { TaskList } from './task-list.js'
import { type End, errorRecord, recordOf } from './task-text.js'
import type { JobData } from './work/claims.js'
import { WorkerSide } from './work/worker-side.js'

/** State of a {@link SharedPool} in a process: it is open from the beginning. */
export type SharedPoolState = Exclude<PoolState, 'created'>

/** How many tasks all processes together have. */
export interface SharedCounts {
  /** Tasks that wait for a worker. */
  readonly queued: number
  /** Tasks that wait for a retry, or for the end of their `delayMs`. */
  readonly delayed: number
  /** Tasks that a worker has. */
  readonly running: number
  /** Tasks that succeeded and are kept. */
  readonly succeeded: number
  /** Tasks that failed or were canceled and are kept. */
  readonly failed: number
}

/** Counters and gauges of a {@link SharedPool} in this process. */
export interface SharedPoolStats {
  /** Name of the pool. */
  readonly name: string
  /** State of the pool in this process. */
  readonly state: SharedPoolState
  /** Whether tasks run here: the pool was started. */
  readonly works: boolean
  /** Tasks that may run here at the same time. */
  readonly concurrency: number
  /** Tasks that run here. */
  readonly running: number
  /** Tasks that still run here `stuckAfterMs` after their timeout or cancel. */
  readonly stuck: number
  /** Counters since the pool was opened here. */
  readonly totals: {
    /** Calls of task functions. */
    readonly started: number
    /** Tasks that ran here and succeeded. */
    readonly succeeded: number
    /** Tasks that ran here and failed. */
    readonly failed: number
    /** Tasks that ran here and were canceled. */
    readonly canceled: number
  }
}

/** Options of `stop()` of a {@link SharedPool}. Queued tasks stay in Redis. */
export type SharedStopOptions = Omit<StopOptions, 'queued'>

/** @internal */
export interface SharedPoolParts {
  readonly settings: SharedSettings
  readonly connections: Connections
  readonly keys: Keys
  readonly producer: Redis
  readonly queue: Queue<JobData>
  readonly secret: string
  readonly clock: Clock
}

/**
 * A pool whose tasks wait in Redis: every process that opens it can queue, read and cancel them, and each one that starts it
 * runs them. Made by {@link sharedPool}.
 *
 * A task that is accepted is run at least once if its handler says `rerun: true`, and at most once otherwise. What a
 * `WorkerPool` returns at once is a promise here; it rejects with a `StoreError` while Redis does not answer.
 *
 * @typeParam H - the handlers, inferred from the option of that name
 */
export class SharedPool<H extends HandlersOf<H> = Record<never, never>> {
  readonly #parts: SharedPoolParts
  readonly #commands: Commands
  readonly #channels: Channels
  readonly #followers: Followers
  readonly #notices: Notices
  readonly #submissions: Submissions
  readonly #list: TaskList
  readonly #worker: WorkerSide
  readonly #shutdown: Shutdown
  #state: SharedPoolState = 'running'
  #works = false
  #isFailing = false

  /** @internal */
  constructor(parts: SharedPoolParts) {
    const { settings, producer, queue, clock, keys, connections } = parts
    const report: Report = (error) => {
      const hook = settings.pool.onUnobservedError ?? printError
      callHook(
        () => hook(error, {}),
        (thrown) => printError(thrown, {})
      )
    }
    printShort(SharedPool.prototype)
    this.#parts = parts
    this.#commands = new Commands(producer, keys)
    this.#channels = new Channels(connections.patient())
    this.#followers = new Followers(this.#channels, clock)
    this.#notices = new Notices(report)
    this.#worker = new WorkerSide({ settings, keys, clock, notices: this.#notices, report })
    this.#list = new TaskList(producer, keys, this.#commands)
    this.#shutdown = new Shutdown({ worker: this.#worker, followers: this.#followers, queue, connections, clock })
    const meanRunMs = (): number => this.#worker.local.stats().runMs.mean
    const isAway = (): boolean => producer.status !== 'ready'
    this.#submissions = new Submissions({ queue, settings: settings.pool, clock, isAway, meanRunMs })
    producer.on('error', (error) => this.#storeIs({ failing: true, error }))
    producer.on('ready', () => this.#storeIs({ failing: false }))
  }

  /** The state of the pool in this process. It takes tasks from the beginning, whether it is started or not. */
  get state(): SharedPoolState {
    return this.#state
  }

  /** The report of the stop, once there is one. Always the same promise. */
  get closed(): Promise<StopReport> {
    return this.#shutdown.closed
  }

  /**
   * Starts to run tasks in this process. No effect while it runs.
   *
   * @throws PoolStoppedError after `stop`
   */
  start(): this {
    if (this.#state !== 'running') throw new PoolStoppedError(this.#state)
    if (!this.#works) this.#worker.start(this.#parts.connections.patient(), this.#channels)
    this.#works = true
    return this
  }

  /**
   * Stops the pool in this process. It claims nothing from now on; what runs here has the grace. Then it is aborted, and goes
   * back to the queue if its handler says `rerun: true`. What still runs at the force deadline is left to its lease, or fails
   * with `ERR_TASK_INTERRUPTED`. Queued tasks stay in Redis. May be called again: a later call can only bring the deadlines
   * nearer.
   *
   * @returns the report of the stop, the same for every call; never rejects
   * @throws TypeError | RangeError when an option is wrong; then nothing is stopped
   */
  stop(options: SharedStopOptions = {}): Promise<StopReport> {
    const o = optionsOf<SharedStopOptions>('options', options, { graceMs: true, forceMs: true, reason: true })
    const { graceMs, forceMs, reason } = checkStopOptions(o, this.#parts.settings.pool)
    const isFirst = this.#state === 'running'
    if (isFirst) this.#state = 'stopping'
    const closed = this.#shutdown.stop({ graceMs, forceMs, reason })
    if (isFirst) {
      this.#notices.emit('stopping', { reason })
      void closed.then((report) => {
        this.#state = 'stopped'
        this.#notices.emit('stopped', report)
      })
    }
    return closed
  }

  /** `stop()`, for `await using pool = …`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  /**
   * Queues a task for a handler. When the promise resolves, Redis has the task.
   *
   * @returns the accepted task; its `id` is the ticket
   * @throws QueueFullError when `queueCapacity` tasks wait, over all processes
   * @throws DuplicateTaskError when Redis has a task with the id
   * @throws PoolStoppedError when the pool is stopping or has stopped in this process
   * @throws StoreError when Redis does not answer: with `inDoubt` the task may be queued all the same
   * @throws TypeError | RangeError when an argument is wrong
   */
  async queueTask<K extends Extract<keyof H, string>>(
    name: K,
    ...[input, options]: After<H[K], SharedTaskOptions>
  ): Promise<SharedTask<ResultOf<H[K]>>> {
    const { handlers } = this.#parts.settings.pool
    if (!handlers.has(name)) throw unknownHandler('the name of a handler', name, [...handlers.keys()])
    const settings = checkSharedTaskOptions(options, name)
    if (this.#state !== 'running') throw new PoolStoppedError(this.#state)
    return new SharedTask(await this.#submissions.submit(name, input, settings), this)
  }

  /**
   * The record of the task with this ticket.
   *
   * @returns `undefined` when there is no such task
   * @throws StoreError when Redis does not answer
   */
  async findTask(id: string): Promise<TaskRecord | undefined> {
    if (!isTicket(id)) return undefined
    const fields = await known('The ticket cannot be looked up', false, () => this.#commands.read(id))
    return fields && recordOf(fields)
  }

  /**
   * The records of a task: the present one, then each newer one, up to the terminal one. Ends when the task is no longer kept.
   *
   * @param signal - ends the iteration when it aborts: the loop throws its reason
   * @throws StoreError when Redis does not answer at first; later it waits until it does. Also when the pool has stopped in
   *   this process
   */
  changes(id: string, signal: AbortSignal): AsyncGenerator<TaskRecord, void, undefined> {
    const followed = { channel: this.#parts.keys.changes(id), read: () => this.findTask(id) }
    return this.#followers.follow(followed, signal)
  }

  /**
   * Tasks that Redis has, newest first. At most 1,000 are read of those that wait for a worker, that are delayed, that run, that
   * succeeded and that ended otherwise. If more wait, those of the lowest priority are read.
   *
   * @throws StoreError when Redis does not answer
   */
  async tasks(query?: TasksQuery): Promise<readonly TaskRecord[]> {
    const { state, key, limit } = checkTasksQuery(query)
    return known('The tasks cannot be listed', false, () => this.#list.newest(state, key, limit))
  }

  /**
   * Cancels a task: a queued one settles now, the signal of a running one is aborted, wherever it runs.
   *
   * @param reason - its text becomes the message of `signal.reason`; the first one is kept
   * @throws StoreError when Redis does not answer: the cancel may have reached it all the same
   */
  async cancel(id: string, reason?: unknown): Promise<CancelOutcome> {
    if (!isTicket(id)) return 'unknown'
    const error = reason === undefined ? {} : { error: errorRecord(reason) }
    const end: End = { state: 'canceled', reason: 'user', ...error }
    const why = reason === undefined ? '' : JSON.stringify(error.error)
    const { clock, settings } = this.#parts
    const request = { now: clock.date(), end: JSON.stringify(end), why, retention: settings.pool.retention }
    return known('The task cannot be canceled', true, () => this.#commands.cancel(id, request))
  }

  /**
   * How many tasks there are, over all processes.
   *
   * @throws StoreError when Redis does not answer
   */
  async counts(): Promise<SharedCounts> {
    const counts = await known('The tasks cannot be counted', false, () => this.#commands.count())
    const [queued = 0, delayed = 0, running = 0, succeeded = 0, failed = 0] = counts
    return { queued, delayed, running, succeeded, failed }
  }

  /** The ticket that stands for a text: the same in every process of this pool, and not to be guessed without its Redis. */
  ticketFor(text: string): string {
    return derivedTicket(this.#parts.secret, text)
  }

  /**
   * Waits until nothing runs in this process.
   *
   * @throws DrainTimeoutError when `timeoutMs` has passed, and the signal's reason when it aborts
   */
  drain(options?: DrainOptions): Promise<void> {
    return this.#worker.local.drain(options)
  }

  /** Counters and gauges of this process. */
  stats(): SharedPoolStats {
    const { name, pool } = this.#parts.settings
    const { running, stuck, totals } = this.#worker.local.stats()
    const { succeeded, failed, canceled } = this.#worker.tally
    return {
      ...{ name, state: this.#state, works: this.#works, concurrency: pool.concurrency, running, stuck },
      totals: { started: totals.started, succeeded, failed, canceled }
    }
  }

  /** Adds a listener. What it throws goes to `onUnobservedError`. */
  on<N extends keyof SharedPoolEvents>(event: N, listener: (argument: SharedPoolEvents[N]) => unknown): this {
    this.#notices.on(event, listener)
    return this
  }

  /** Removes a listener. */
  off<N extends keyof SharedPoolEvents>(event: N, listener: (argument: SharedPoolEvents[N]) => unknown): this {
    this.#notices.off(event, listener)
    return this
  }

  /** The pool in one line. */
  toString(): string {
    const { name, state, running, concurrency } = this.stats()
    return `${name}: ${state}, running ${running}/${concurrency}`
  }

  #storeIs(notice: StoreNotice): void {
    if (notice.failing === this.#isFailing) return
    this.#isFailing = notice.failing
    this.#notices.emit('store', notice)
  }
}
