/** Where a pool stands; one way, from left to right. */
export type PoolState = 'created' | 'running' | 'stopping' | 'stopped'

/** A number of tasks, and the ids of some. */
export interface TaskCount {
  /** All of them. */
  readonly count: number
  /** Tickets of the first: 1,000 in a report of a stop, 100 in an error. */
  readonly ids: readonly string[]
}

/** How a stop went. The counts are of tasks that settled since `stop()` was called. */
export interface StopReport {
  /** The first reason given to `stop`. */
  readonly reason: unknown
  /** From the first call of `stop` to the end, in milliseconds. */
  readonly durationMs: number
  /** Tasks whose function returned. */
  readonly succeeded: number
  /** Tasks whose function threw, and those that were interrupted. */
  readonly failed: number
  /** Tasks that were canceled, by the stop or otherwise. */
  readonly canceled: number
  /** Canceled by the stop before they were ever called: safe to repeat elsewhere. */
  readonly unstarted: TaskCount
  /** Canceled by the stop after they had begun. */
  readonly aborted: TaskCount
  /** Still running at the force deadline: failed, their effects unknown. */
  readonly interrupted: TaskCount
}

/** How long something took, in milliseconds: about 6 % precise; 0 without data. */
export interface DurationStats {
  /** The arithmetic mean, exact. */
  readonly mean: number
  /** The median. */
  readonly p50: number
  /** 95 of 100 took at most this long. */
  readonly p95: number
  /** 99 of 100 took at most this long. */
  readonly p99: number
  /** The longest, exact. */
  readonly max: number
}

/**
 * The pool's books. They balance whenever they can be read: `submitted = accepted + refused + waiting`, and
 * `accepted = queued + delayed + running + succeeded + failed + canceled`.
 */
export interface PoolStats {
  /** What the pool is called. */
  readonly name: string | undefined
  /** Where it stands. */
  readonly state: PoolState
  /** Whether starts are held back by `pause()`. */
  readonly paused: boolean
  /** Tasks that may run at the same time. */
  readonly concurrency: number
  /** Tasks that may wait. */
  readonly queueCapacity: number
  /** Tasks that have a worker. */
  readonly running: number
  /** Tasks that wait for a worker. */
  readonly queued: number
  /** Tasks that wait for the time of their retry; they keep their place. */
  readonly delayed: number
  /** Callers that wait for room. */
  readonly waiting: number
  /** Running tasks that were asked to end `stuckAfterMs` ago. */
  readonly stuck: number
  /** Settled tasks that can still be looked up. */
  readonly retained: number
  /** The most tasks that ever ran at once. */
  readonly peakRunning: number
  /** The most tasks that were ever queued at once. */
  readonly peakQueued: number
  /**
   * How long the task that has been queued longest has waited, in milliseconds; 0 when none is queued. Of each lane the
   * next one counts; a retry stands at the back of its lane and counts when its turn comes.
   */
  readonly oldestQueuedMs: number
  /** What was ever counted. */
  readonly totals: PoolTotals
  /** From being accepted to the first start. */
  readonly waitMs: DurationStats
  /** From the start to the end of an attempt. */
  readonly runMs: DurationStats
}

/** Counts since the pool was made; none ever falls. */
export interface PoolTotals {
  /** Tasks ever handed over: each is accepted, refused, or its caller still waits for room. */
  readonly submitted: number
  /** Tasks that were refused, at once or after a wait. */
  readonly refused: number
  /** Tasks that were accepted. */
  readonly accepted: number
  /** Calls of task functions, retries included. */
  readonly started: number
  /** Retries that were scheduled. */
  readonly retried: number
  /** Tasks whose function returned. */
  readonly succeeded: number
  /** Tasks whose function threw with no further attempt, or that were interrupted. */
  readonly failed: number
  /** Tasks that were canceled. */
  readonly canceled: number
}
