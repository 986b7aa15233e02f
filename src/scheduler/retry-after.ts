/** When a place is likely to be free, from how long tasks run: the number behind `Retry-After`. */
export class RetryAfter {
  /** How much the newest run time weighs in the moving average. */
  static readonly WEIGHT = 0.1
  static readonly MIN_MS = 1_000
  static readonly MAX_MS = 60_000

  #averageMs = -1

  /** A run took this long, in milliseconds. */
  observe(runMs: number): void {
    this.#averageMs = this.#averageMs < 0 ? runMs : this.#averageMs + RetryAfter.WEIGHT * (runMs - this.#averageMs)
  }

  /** Milliseconds until everything that holds a place now, and one more, is likely to have started. */
  estimate(held: number, concurrency: number): number {
    if (this.#averageMs < 0) return RetryAfter.MIN_MS
    const ms = Math.ceil((this.#averageMs * (held + 1)) / concurrency)
    return Math.min(RetryAfter.MAX_MS, Math.max(RetryAfter.MIN_MS, ms))
  }
}
