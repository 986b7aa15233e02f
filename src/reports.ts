/** Where a pool stands; one way, from left to right. */
export type PoolState = 'created' | 'running' | 'stopping' | 'stopped'

/** A number of tasks, and the ids of the first 1,000 of them. */
export interface TaskCount {
  readonly count: number
  readonly ids: readonly string[]
}

/** How a stop went. The counts are of tasks that settled since `stop()` was called. */
export interface StopReport {
  /** The first reason given to `stop`. */
  readonly reason: unknown
  /** From the first call of `stop` to the end, in milliseconds. */
  readonly durationMs: number
  readonly succeeded: number
  readonly failed: number
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
  readonly mean: number
  readonly p50: number
  readonly p95: number
  readonly p99: number
  readonly max: number
}

/**
 * The pool's books. They balance whenever they can be read: `submitted = accepted + refused + waiting`, and
 * `accepted = queued + delayed + running + succeeded + failed + canceled`.
 */
export interface PoolStats {
  readonly name: string | undefined
  readonly state: PoolState
  /** Whether starts are held back by `pause()`. */
  readonly paused: boolean
  readonly concurrency: number
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
  readonly totals: {
    /** Tasks ever handed over: each is accepted, refused or its caller still waits for room. */
    readonly submitted: number
    readonly refused: number
    readonly accepted: number
    /** Calls of task functions, retries included. */
    readonly started: number
    /** Retries that were scheduled. */
    readonly retried: number
    readonly succeeded: number
    readonly failed: number
    readonly canceled: number
  }
  /** From being accepted to the first start. */
  readonly waitMs: DurationStats
  /** From the start to the end of an attempt. */
  readonly runMs: DurationStats
}
