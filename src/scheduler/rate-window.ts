/**
 * At most `starts` calls in any window of `intervalMs`, however the window is laid.
 *
 * A start is taken when a task is given its worker and dated when its function is called, which may be later: until
 * then it counts in every window. Holds twice `starts` times at most: what was forgotten goes when it is the half.
 */
export class RateWindow {
  readonly starts: number
  readonly intervalMs: number
  /** Taken, not called yet. */
  #taken = 0
  /** Times of calls, oldest at `#first`, in order. */
  #times: number[] = []
  #first = 0

  constructor(starts: number, intervalMs: number) {
    this.starts = starts
    this.intervalMs = intervalMs
  }

  /** Whether one more may start now. */
  allows(now: number): boolean {
    this.#forget(now)
    return this.#times.length - this.#first + this.#taken < this.starts
  }

  /** A task was given its worker. */
  take(): void {
    this.#taken++
  }

  /** Its function is called. */
  called(now: number): void {
    this.#taken--
    this.#times.push(now)
  }

  /** Its function will not be called. */
  giveBack(): void {
    this.#taken--
  }

  /** When the next start is allowed, given that none is now; Infinity while all starts are taken and none was called. */
  opensAt(): number {
    const oldest = this.#times[this.#first]
    return oldest === undefined ? Number.POSITIVE_INFINITY : oldest + this.intervalMs
  }

  #forget(now: number): void {
    const times = this.#times
    while (this.#first < times.length && (times[this.#first] as number) + this.intervalMs <= now) this.#first++
    if (this.#first * 2 > times.length) {
      this.#times = times.slice(this.#first) // at most half of what is copied was forgotten: O(1) amortised
      this.#first = 0
    }
  }
}
