import type { RateLimitOptions } from './options.js'
import type { TaskState } from './task-record.js'

/** Options of `start()`. */
export interface StartOptions {
  /** Stops the pool when it aborts; its reason becomes the reason of the stop. */
  readonly signal?: AbortSignal | undefined
}

/** Options of `stop()`. */
export interface StopOptions {
  /** Replaces the pool's `graceMs`. */
  readonly graceMs?: number | undefined
  /**
   * What becomes of tasks that are queued or delayed: they go on for the grace (`run`), or are canceled at once (`cancel`)
   * while running ones have the grace; then nothing starts any more, no retry either. The report lists them as `unstarted`.
   *
   * @defaultValue `'run'`
   */
  readonly queued?: 'run' | 'cancel' | undefined
  /** Replaces the pool's `forceMs`. */
  readonly forceMs?: number | undefined
  /** Reason of the stop: part of the report, and `cause` of the error that running tasks are aborted with. */
  readonly reason?: unknown
}

/** Limits of one wait. They end only this wait, not the work. */
export interface DrainOptions {
  /** Ends the wait when it aborts: the wait rejects with its reason. */
  readonly signal?: AbortSignal | undefined
  /**
   * Limit for the wait, in milliseconds.
   *
   * @defaultValue no limit
   */
  readonly timeoutMs?: number | undefined
}

/** Options of `pause()`. */
export interface PauseOptions {
  /**
   * Time after which the pause ends by itself, in milliseconds. While there is work, its timer keeps the process alive.
   *
   * @defaultValue no limit
   */
  readonly forMs?: number | undefined
}

/** New bounds of a pool. A bound that is left out stays as it is. */
export interface ResizeOptions {
  /** Tasks that run at the same time. An integer ≥ 1. */
  readonly concurrency?: number | undefined
  /** Accepted tasks that may wait for a worker. An integer ≥ 0, or `Infinity`. */
  readonly queueCapacity?: number | undefined
  /** Attempts of the whole pool that start in a sliding window of time; `null`: without limit. */
  readonly rateLimit?: RateLimitOptions | null | undefined
}

/** Filter and reason of `cancelAll()`. */
export interface CancelAllOptions {
  /** Only tasks of this key. */
  readonly key?: string | undefined
  /** Only tasks of this name: of this handler, or with this label. */
  readonly name?: string | undefined
  /** Only tasks that are queued (or delayed), or only tasks that run. */
  readonly state?: 'queued' | 'running' | undefined
  /** Becomes `signal.reason` of running tasks as it is, and the `cause` of the {@link TaskCanceledError}. */
  readonly reason?: unknown
}

/** Filter of `tasks()`. */
export interface TasksQuery {
  /** Only tasks in this state. */
  readonly state?: TaskState | undefined
  /** Only tasks of this key. */
  readonly key?: string | undefined
  /**
   * Maximum number of tasks. An integer from 1 to 1,000.
   *
   * @defaultValue 100
   */
  readonly limit?: number | undefined
}
