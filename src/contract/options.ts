import type { Clock } from '../ports/clock.js'
import type { PoolEventName } from './events.js'
import type { RetryOptions } from './retry-options.js'
import type { OpenStore, TaskMirror } from './store.js'
import type { Handlers, Task } from './task-contract.js'

/** Options of a {@link WorkerPool}. The two bounds, `concurrency` and `queueCapacity`, are required. */
export interface WorkerPoolOptions<H = Handlers> {
  /** Tasks that run at the same time. An integer ≥ 1. */
  readonly concurrency: number

  /**
   * Accepted tasks that may wait for a worker. An integer ≥ 0, or `Infinity`. With 0 a task takes a free worker at once
   * or is refused.
   */
  readonly queueCapacity: number

  /**
   * Name of the pool in its string form and its stats. At most 256 characters.
   *
   * @defaultValue none
   */
  readonly name?: string | undefined

  /**
   * Functions that tasks are queued for by name, with typed input and result: `queueTask('resize', { width: 200 })`. In
   * place of a function there may be a {@link HandlerOptions | definition}: `{ run, rerun: true }`.
   *
   * @defaultValue none
   */
  readonly handlers?: H | undefined

  /**
   * Callers of `queueTaskWhenFree` that may wait for room at the same time. An integer ≥ 0, or `Infinity`.
   *
   * @defaultValue `queueCapacity`, at least 1
   */
  readonly waiterCapacity?: number | undefined

  /**
   * Bound of the sum of the weights of accepted tasks that have not settled: megabytes that they hold, say. A number ≥ 1, or
   * `Infinity`. A task that does not fit is refused like one without a place; a waiter waits until its whole weight fits.
   *
   * @defaultValue `Infinity`: weights do not count
   */
  readonly weightCapacity?: number | undefined

  /**
   * Limit for one attempt, from its start to its end, in milliseconds. When it passes, the task's signal aborts with a
   * {@link TaskTimeoutError}. The worker stays occupied until the function has ended.
   *
   * @defaultValue no limit
   */
  readonly taskTimeoutMs?: number | undefined

  /**
   * Limit for the wait from acceptance, or the end of `delayMs`, to the first start, in milliseconds. When it passes, the task is canceled
   * (`queue_timeout`) and its function is never called.
   *
   * @defaultValue no limit
   */
  readonly queueTimeoutMs?: number | undefined

  /**
   * Retry policy for failed attempts.
   *
   * @defaultValue no retry
   */
  readonly retry?: RetryOptions | undefined

  /**
   * Limit for the number of attempts of the whole pool that start in a sliding window of time.
   *
   * @defaultValue no limit
   */
  readonly rateLimit?: RateLimitOptions | undefined

  /**
   * Bounds that apply to each key, or a function that returns those of a key. It is called when a task of the key is
   * submitted and the key has no tasks and no waiting callers (past starts count for a new `rateLimit`); what it throws, and the error for a wrong answer, is thrown
   * to the caller of that submission, which is not counted.
   *
   * @defaultValue no limit
   */
  readonly perKey?: PerKeyOptions | ((key: string) => PerKeyOptions) | undefined

  /** Number of settled tasks that can still be looked up, and for how long. */
  readonly retention?: RetentionOptions | undefined

  /**
   * Grace of `stop()`: time during which accepted tasks still start and run, in milliseconds.
   *
   * @defaultValue 20,000: with `forceMs` it fits the 30 seconds that platforms allow
   */
  readonly graceMs?: number | undefined

  /**
   * Time that `stop()` waits after the grace for aborted tasks to end, in milliseconds.
   *
   * @defaultValue 5,000
   */
  readonly forceMs?: number | undefined

  /**
   * Time after its timeout or cancel at which a task that still runs counts as stuck, in milliseconds.
   *
   * @defaultValue 30,000
   */
  readonly stuckAfterMs?: number | undefined

  /**
   * Whether a task runs in the `AsyncLocalStorage` context of the call that queued it, and with it the listeners of its
   * events, its hooks and the listeners on its signals.
   *
   * @defaultValue true
   */
  readonly captureContext?: boolean | undefined

  /**
   * Whether a task's unlimited wait for its own pool rejects with a {@link PoolDeadlockError}. Meant for development:
   * it needs an `AsyncLocalStorage`, which slows down every promise of the process on some Node lines.
   *
   * @defaultValue false
   */
  readonly detectSelfWait?: boolean | undefined

  /**
   * Where the tasks of handlers are written, so that they survive the end of the process. A store serves one pool; the
   * pool closes it when it stops.
   *
   * @defaultValue none: a task lives as long as the process
   */
  readonly store?: OpenStore | undefined

  /**
   * Where the status of tasks is copied to, for readers in other processes: what is in the store or, without one, each
   * visible change. The pool closes it when it stops.
   *
   * @defaultValue none
   */
  readonly mirror?: TaskMirror | undefined

  /**
   * How often the process may end while a stored task of a handler with `rerun: true` runs, before the task fails with a
   * {@link TaskPoisonedError}. An integer ≥ 1, or `Infinity`.
   *
   * @defaultValue 3
   */
  readonly maxCrashes?: number | undefined

  /**
   * Limit for the input of a stored task, in bytes of its JSON text. An integer ≥ 0, or `Infinity`.
   *
   * @defaultValue 1,048,576 (1 MiB)
   */
  readonly maxInputBytes?: number | undefined

  /**
   * Limit for the result of a stored task, in bytes of its JSON text. An integer ≥ 0, or `Infinity`. `result()` resolves
   * with a larger one all the same; the record and the store have `resultOmitted` in its place.
   *
   * @defaultValue 1,048,576 (1 MiB)
   */
  readonly maxResultBytes?: number | undefined

  /**
   * Called with errors that have no other observer: of tasks whose result nothing observes, of listeners, of hooks.
   *
   * @defaultValue `console.error` with one line, then the error with its stack and cause
   */
  readonly onUnobservedError?: ((error: unknown, source: UnobservedSource) => void) | undefined

  /**
   * Source of time, timers and random values. Replace it in tests only.
   *
   * @defaultValue the system clock
   */
  readonly clock?: Clock | undefined
}

/** Origin of an unobserved error. */
export interface UnobservedSource {
  /** The task that failed, or to which the failing hook or the event belongs. */
  readonly task?: Task
  /** The event whose listener failed. */
  readonly event?: PoolEventName
}

/** At most `starts` attempts start in any window of `intervalMs`. */
export interface RateLimitOptions {
  /** Attempts per window. An integer ≥ 1. */
  readonly starts: number
  /** Length of the window in milliseconds. Finite, > 0. */
  readonly intervalMs: number
}

/** Bounds that apply to each key. */
export interface PerKeyOptions {
  /**
   * Tasks of one key that run at the same time. An integer ≥ 1, or `Infinity`.
   *
   * @defaultValue only the pool's limit
   */
  readonly concurrency?: number | undefined
  /**
   * Tasks of one key that may wait for a worker. An integer ≥ 0, or `Infinity`.
   *
   * @defaultValue only the pool's limit
   */
  readonly queueCapacity?: number | undefined
  /**
   * Starts of the tasks of one key in any window. A key over its rate is skipped and holds back no other key; its queued
   * tasks keep their order and their places. The pool's `rateLimit` applies besides. The starts of a key count until they
   * leave its window, also while it has no tasks; a restart forgets them.
   *
   * @defaultValue no limit
   */
  readonly rateLimit?: RateLimitOptions | undefined
}

/**
 * Limits for keeping settled tasks. A task is dropped as soon as either limit is reached; `stats().retention` reports how
 * long tickets really last.
 */
export interface RetentionOptions {
  /**
   * Number of settled tasks with a ticket that are kept: their id was read, before or after the end, or given by the
   * caller. An integer ≥ 0, or `Infinity`. Tasks whose id nobody reads take none of it: of them the last 100, but no more
   * than `count`, are kept for `tasks()`.
   *
   * @defaultValue 1,000
   */
  readonly count?: number | undefined
  /**
   * Time that a settled task is kept, in milliseconds. `Infinity`: no limit of time.
   *
   * @defaultValue 600,000
   */
  readonly ms?: number | undefined
}
