import type { Clock } from '../ports/clock.js'
import type { PoolEventName } from './events.js'
import type { Handlers, Task } from './task-contract.js'
import type { JsonValue, TaskState } from './task-record.js'

/** How a {@link WorkerPool} is bounded. The first two are required: a bound nobody chose is not a bound. */
export interface WorkerPoolOptions<H = Handlers> {
  /** Tasks that run at the same time. An integer from 1. */
  readonly concurrency: number

  /**
   * Accepted tasks that may wait for a worker. An integer from 0; 0 means straight to a free worker or refused.
   * `Infinity` must be written out.
   */
  readonly queueCapacity: number

  /**
   * What the pool is called in its text form and its stats. At most 256 characters.
   *
   * @defaultValue none
   */
  readonly name?: string | undefined

  /**
   * Named functions whose input is data, typed end to end: `queueTask('resize', { width: 200 })`.
   *
   * @defaultValue none
   */
  readonly handlers?: H | undefined

  /**
   * Callers that may wait for room in `queueTaskWhenFree` at the same time. An integer from 0, or `Infinity`.
   *
   * @defaultValue `queueCapacity`, at least 1
   */
  readonly waiterCapacity?: number | undefined

  /**
   * Longest time from start to end of one attempt, in milliseconds. The clock starts when the attempt starts. When it
   * runs out, the task's signal aborts; the worker stays taken until the function has ended.
   *
   * @defaultValue no limit
   */
  readonly taskTimeoutMs?: number | undefined

  /**
   * Longest wait from being accepted to the first start, in milliseconds. Then the task is canceled (`queue_timeout`)
   * and its function never called.
   *
   * @defaultValue no limit
   */
  readonly queueTimeoutMs?: number | undefined

  /**
   * What to do about an attempt that failed.
   *
   * @defaultValue no retry
   */
  readonly retry?: RetryOptions | undefined

  /**
   * How many attempts may start in any window of time, over the whole pool.
   *
   * @defaultValue no limit
   */
  readonly rateLimit?: RateLimitOptions | undefined

  /**
   * Bounds of each single key.
   *
   * @defaultValue no limit
   */
  readonly perKey?: PerKeyOptions | undefined

  /** How many settled tasks can still be looked up, and for how long. */
  readonly retention?: RetentionOptions | undefined

  /**
   * How long `stop()` lets accepted tasks go on, in milliseconds.
   *
   * @defaultValue 0
   */
  readonly graceMs?: number | undefined

  /**
   * How long `stop()` waits for aborted tasks to end, after the grace, in milliseconds.
   *
   * @defaultValue 5,000
   */
  readonly forceMs?: number | undefined

  /**
   * How long after its timeout or cancel a task that still runs counts as stuck, in milliseconds.
   *
   * @defaultValue 30,000
   */
  readonly stuckAfterMs?: number | undefined

  /**
   * Whether a task runs in the `AsyncLocalStorage` context of the call that queued it.
   *
   * @defaultValue true
   */
  readonly captureContext?: boolean | undefined

  /**
   * Whether a task that waits without limit for its own pool is told so by a {@link PoolDeadlockError}. An aid while
   * developing: it needs an `AsyncLocalStorage`, which slows every promise of the process on some Node lines.
   *
   * @defaultValue false
   */
  readonly detectSelfWait?: boolean | undefined

  /**
   * Where failures go that nobody can see: of tasks nobody asks about, of listeners, of hooks.
   *
   * @defaultValue one line of `console.error`
   */
  readonly onUnobservedError?: ((error: unknown, source: UnobservedSource) => void) | undefined

  /**
   * Time, the timer and chance, for tests.
   *
   * @defaultValue the system's
   */
  readonly clock?: Clock | undefined
}

/** What an unobserved error belongs to. */
export interface UnobservedSource {
  /** The task that failed, or whose hook or event it was. */
  readonly task?: Task
  /** The event whose listener failed. */
  readonly event?: PoolEventName
}

/** What to do about an attempt that failed. */
export interface RetryOptions {
  /** Calls in all, the first included. An integer from 1. */
  readonly attempts: number
  /**
   * How long to wait before the next attempt, in milliseconds. A number doubles with each attempt up to 30 seconds,
   * with full jitter (a random part of it); what a function returns is used as it is.
   */
  readonly backoffMs: number | ((error: unknown, attempt: number) => number)
  /**
   * Whether this error, of this attempt (from 1), is worth another.
   *
   * @defaultValue always
   */
  readonly when?: ((error: unknown, attempt: number) => boolean) | undefined
}

/** At most `starts` attempts begin in any window of `intervalMs`. */
export interface RateLimitOptions {
  /** An integer from 1. */
  readonly starts: number
  /** In milliseconds, finite, above 0. */
  readonly intervalMs: number
}

/** Bounds of each single key. */
export interface PerKeyOptions {
  /**
   * Tasks of one key that run at the same time. An integer from 1, or `Infinity`.
   *
   * @defaultValue no limit but the pool's
   */
  readonly concurrency?: number | undefined
  /**
   * Tasks of one key that may wait. An integer from 0, or `Infinity`.
   *
   * @defaultValue no limit but the pool's
   */
  readonly queueCapacity?: number | undefined
}

/** How many settled tasks are kept, and for how long: whichever ends first. */
export interface RetentionOptions {
  /**
   * An integer from 0, or `Infinity`.
   *
   * @defaultValue 1,000
   */
  readonly count?: number | undefined
  /**
   * In milliseconds; `Infinity` is for ever.
   *
   * @defaultValue 600,000
   */
  readonly ms?: number | undefined
}

/** What may be said about one task. */
export interface TaskOptions {
  /**
   * A ticket of your own: 1 to 128 characters of `[A-Za-z0-9._:-]`, not `.` or `..`.
   *
   * @defaultValue 28 characters with 136 random bits
   */
  readonly id?: string | undefined
  /** A label for a function's task, at most 256 characters. A handler's task has its handler's name. */
  readonly name?: string | undefined
  /** Whose task it is: a client, a tenant, a resource. At most 256 characters. Keys take turns within a priority. */
  readonly key?: string | undefined
  /**
   * Higher first. A safe integer.
   *
   * @defaultValue 0
   */
  readonly priority?: number | undefined
  /** Instead of the pool's `taskTimeoutMs`. */
  readonly timeoutMs?: number | undefined
  /** Instead of the pool's `queueTimeoutMs`. */
  readonly queueTimeoutMs?: number | undefined
  /** Cancels the task when it aborts. */
  readonly signal?: AbortSignal | undefined
  /** Instead of the pool's `retry`. */
  readonly retry?: RetryOptions | undefined
  /**
   * JSON data that goes with the task, at most 64 levels deep; copied. A value whose type is an interface needs a spread
   * (`{ ...value }`), as everywhere where TypeScript wants JSON.
   */
  readonly metadata?: JsonValue | undefined
  /**
   * What to do when the id is taken: refuse with a {@link DuplicateTaskError}, or give the existing task.
   *
   * @defaultValue `'refuse'`
   */
  readonly onDuplicate?: 'refuse' | 'join' | undefined
}

/** What may be said about one task that may wait for room. */
export interface WaitOptions extends TaskOptions {
  /**
   * Longest wait for room, in milliseconds; 0 is one try.
   *
   * @defaultValue no limit
   */
  readonly waitMs?: number | undefined
  /** Ends the wait for room when it aborts; has no effect on the task once it is accepted. */
  readonly waitSignal?: AbortSignal | undefined
}

/** How to start. */
export interface StartOptions {
  /** Stops the pool when it aborts, with its reason. */
  readonly signal?: AbortSignal | undefined
}

/** How to stop. */
export interface StopOptions {
  /** Instead of the pool's `graceMs`. */
  readonly graceMs?: number | undefined
  /** Instead of the pool's `forceMs`. */
  readonly forceMs?: number | undefined
  /** Stands in the report, and is the `cause` of the error that running tasks are aborted with. */
  readonly reason?: unknown
}

/** The limits of a wait. They end the wait only. */
export interface DrainOptions {
  /** Ends the wait with its reason. */
  readonly signal?: AbortSignal | undefined
  /**
   * Longest wait in milliseconds.
   *
   * @defaultValue no limit
   */
  readonly timeoutMs?: number | undefined
}

/** New bounds. */
export interface ResizeOptions {
  /** An integer from 1. */
  readonly concurrency?: number | undefined
  /** An integer from 0, or `Infinity`. */
  readonly queueCapacity?: number | undefined
}

/** Which tasks to list. */
export interface TasksQuery {
  /** Only those that stand here. */
  readonly state?: TaskState | undefined
  /** Only those of this key. */
  readonly key?: string | undefined
  /**
   * How many at most. An integer from 1 to 1,000.
   *
   * @defaultValue 100
   */
  readonly limit?: number | undefined
}
