/** Retry policy for failed attempts. */
export interface RetryOptions {
  /** Maximum number of calls, the first included. An integer ≥ 1. */
  readonly attempts: number
  /**
   * Wait before the next attempt, in milliseconds. A number doubles with each attempt, up to 30 seconds, with full
   * jitter (a random part of it). The value of a function is used unchanged; `attempt` (from 1) is the failed one.
   */
  readonly backoffMs: number | ((error: unknown, attempt: number) => number)
  /**
   * Whether to retry after this error of this attempt (from 1).
   *
   * @defaultValue always
   */
  readonly when?: ((error: unknown, attempt: number) => boolean) | undefined
}
