/** State of a pool. It changes only from left to right. */
export type PoolState = 'created' | 'running' | 'stopping' | 'stopped'

/** A number of tasks, and the ids of the first of them. */
export interface TaskCount {
  /** Number of all tasks. */
  readonly count: number
  /** Ids of the first tasks: at most 1,000 in a {@link StopReport}, at most 100 in an error. */
  readonly ids: readonly string[]
}

/** Outcome of a stop. Counts the tasks that settled after `stop()` was called. */
export interface StopReport {
  /** The first reason given to `stop`. */
  readonly reason: unknown
  /** Time from the first call of `stop` to the end, in milliseconds. */
  readonly durationMs: number
  /** Tasks whose function returned. */
  readonly succeeded: number
  /** Tasks whose function threw, and interrupted tasks. */
  readonly failed: number
  /** Tasks canceled by the stop or otherwise. */
  readonly canceled: number
  /** Tasks canceled by the stop before their function was ever called: safe to repeat elsewhere. */
  readonly unstarted: TaskCount
  /** Tasks canceled by the stop after their function had been called. */
  readonly aborted: TaskCount
  /** Tasks still running at the force deadline: they failed, and their effects are unknown. */
  readonly interrupted: TaskCount
  /**
   * Tasks that the stop left in the store: queued, waiting for a retry, or running with a handler that may be rerun. The
   * next pool with the store runs them.
   */
  readonly left: TaskCount
  /** Stored tasks whose last state could not be written before the end. */
  readonly unrecorded: number
}

/** Outcome of `cancelAll()`. */
export interface CancelAllReport {
  /** Tasks that settled at once: they were queued or delayed, or had a worker but were not called yet. */
  readonly canceled: number
  /** Running tasks whose signal was aborted by this call. */
  readonly requested: number
}

/** Statistics of durations, in milliseconds. 0 without data. */
export interface DurationStats {
  /** The arithmetic mean since the creation of the pool, exact. */
  readonly mean: number
  /** The median of the last minute or two, about 6 % precise, like the other percentiles. */
  readonly p50: number
  /** The 95th percentile of the last minute or two. */
  readonly p95: number
  /** The 99th percentile of the last minute or two. */
  readonly p99: number
  /** The maximum since the creation of the pool, exact. */
  readonly max: number
  /** Number of durations since the creation of the pool. */
  readonly count: number
  /** Sum of the durations since the creation of the pool. */
  readonly sum: number
  /** Cumulative counts since the creation of the pool, by ascending bounds that double, from 1.28 ms to about 89 minutes. */
  readonly buckets: readonly DurationBucket[]
}

/** A bucket of a histogram, as exporters of metrics need it. */
export interface DurationBucket {
  /** Upper bound, in milliseconds. */
  readonly leMs: number
  /** Number of durations below it. `DurationStats.count` is that of the bucket without a bound. */
  readonly count: number
}

/**
 * A snapshot of the pool. The counters always add up: `submitted = accepted + refused + waiting`, and
 * `accepted = queued + delayed + running + succeeded + failed + canceled`.
 */
export interface PoolStats {
  /** Name of the pool. */
  readonly name: string | undefined
  /** State of the pool. */
  readonly state: PoolState
  /** Whether `pause()` holds back starts. */
  readonly paused: boolean
  /** Tasks that may run at the same time. */
  readonly concurrency: number
  /** Accepted tasks that may wait for a worker. */
  readonly queueCapacity: number
  /** Bound of `heldWeight`; null if weights do not count. */
  readonly weightCapacity: number | null
  /** Sum of the weights of accepted tasks that have not settled; 0 if weights do not count. */
  readonly heldWeight: number
  /** Tasks that have a worker. */
  readonly running: number
  /** Tasks that wait for a worker; after a stop also those that it left in the store. */
  readonly queued: number
  /** Tasks that wait for their retry, or for the end of their `delayMs`. They keep their place. */
  readonly delayed: number
  /** Callers that wait for room. */
  readonly waiting: number
  /** Tasks that still run `stuckAfterMs` after their timeout or cancel. */
  readonly stuck: number
  /** Settled tasks that `tasks()` can still return: those with a ticket, and the last few without one. */
  readonly retained: number
  /** How long tickets really last. */
  readonly retention: RetentionStats
  /** Highest number of tasks that ran at the same time. */
  readonly peakRunning: number
  /** Highest number of tasks that were queued at the same time. */
  readonly peakQueued: number
  /**
   * Time that the oldest queued task has waited since it was accepted, or its `delayMs` ended, in milliseconds; 0 when none is queued. Only the
   * task at the head of each lane (one priority and key) is considered; a retry goes to the back of its lane.
   */
  readonly oldestQueuedMs: number
  /** Counters since the pool was created. */
  readonly totals: PoolTotals
  /** Time from acceptance, or the end of `delayMs`, to the first start. */
  readonly waitMs: DurationStats
  /** Time from start to end of an attempt. */
  readonly runMs: DurationStats
  /** Whether tasks of handlers survive the process: the pool has a store. */
  readonly durable: boolean
  /** Whether the last write to the store failed: stored tasks are refused. */
  readonly storeFailing: boolean
  /** Stored tasks whose end is decided and not on disk yet. The counters have it; the tasks do not show it yet. */
  readonly untold: number
  /** Unfinished tasks in the store whose handler this pool lacks. They stay there. */
  readonly parked: number
}

/**
 * How long the tickets of settled tasks really last. A ticket is an id that was read, or given by the caller. As long as
 * `forgottenEarly` does not grow, each ticket lasts for the whole `retention.ms`.
 */
export interface RetentionStats {
  /** Settled tasks that can be looked up by their ticket: at most `retention.count`. */
  readonly retained: number
  /** Time since the settle of the oldest of them without a `retainMs` of its own, in milliseconds; 0 when there is none. */
  readonly oldestMs: number
  /** Tickets forgotten before their time because there were more than `retention.count`, since the pool was created. */
  readonly forgottenEarly: number
}

/** Counters since the pool was created. None ever decreases. */
export interface PoolTotals {
  /** Submitted tasks: each is accepted, refused, or its caller still waits for room. */
  readonly submitted: number
  /** Tasks refused at once or after a wait. */
  readonly refused: number
  /** Accepted tasks. */
  readonly accepted: number
  /** Calls of task functions, retries included. */
  readonly started: number
  /** Retries that were scheduled. */
  readonly retried: number
  /** Calls that ended by a `snooze`: neither failures nor attempts. */
  readonly snoozed: number
  /** Tasks whose function returned. */
  readonly succeeded: number
  /** Tasks whose function threw and had no further attempt, and interrupted tasks. */
  readonly failed: number
  /** Canceled tasks. */
  readonly canceled: number
}
