/** Estimates when a place will be free: the value of `Retry-After`. */
export class RetryAfter {
  /** Weight of the newest run time in the moving average. */
  static readonly WEIGHT = 0.1
  static readonly MIN_MS = 1_000
  static readonly MAX_MS = 60_000

  #averageMs = -1

  /** Adds a run time, in milliseconds, to the moving average. */
  observe(runMs: number): void {
    this.#averageMs = this.#averageMs < 0 ? runMs : this.#averageMs + RetryAfter.WEIGHT * (runMs - this.#averageMs)
  }

  /**
   * Estimated time until all `held` tasks and one more have started, in milliseconds.
   *
   * @param leastMs - before which no place is free, whatever the run times
   */
  estimate(held: number, concurrency: number, leastMs = 0): number {
    const byRunTimes = this.#averageMs < 0 ? 0 : (this.#averageMs * (held + 1)) / concurrency
    return Math.min(RetryAfter.MAX_MS, Math.max(RetryAfter.MIN_MS, Math.ceil(Math.max(byRunTimes, leastMs))))
  }
}
