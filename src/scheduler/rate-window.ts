/**
 * A sliding window: at most `starts` calls in any interval of `intervalMs`.
 *
 * A start is taken when a task gets its worker and is dated when its function is called, which may be later. Until then
 * it counts in every window. At most `2 × starts` times are stored: expired times are removed once they are the half.
 */
export class RateWindow {
  starts: number
  intervalMs: number
  /** Starts that are taken but not dated. */
  #taken: number
  /** Times of calls in ascending order. Those before `#first` have expired. */
  #times: number[] = []
  #first = 0

  /** @param taken - starts that are taken already */
  constructor(starts: number, intervalMs: number, taken = 0) {
    this.starts = starts
    this.intervalMs = intervalMs
    this.#taken = taken
  }

  /** Changes the limit. The starts in the present window count. */
  resize(starts: number, intervalMs: number): void {
    this.starts = starts
    this.intervalMs = intervalMs
  }

  /** Whether one more task may start now. */
  allows(now: number): boolean {
    this.#forget(now)
    return this.#times.length - this.#first + this.#taken < this.starts
  }

  /** Takes a start: a task gets its worker. */
  take(): void {
    this.#taken++
  }

  /** Dates a taken start: the function is called. */
  called(now: number): void {
    this.#taken--
    this.#times.push(now)
  }

  /** Returns a taken start: the function will not be called. */
  giveBack(): void {
    this.#taken--
  }

  /** Time of the next allowed start, if none is allowed now; Infinity while too few starts in the window are dated. */
  opensAt(): number {
    const tooMany = this.#times.length - this.#first + this.#taken - this.starts
    const last = this.#times[this.#first + tooMany]
    return last === undefined ? Number.POSITIVE_INFINITY : last + this.intervalMs
  }

  /** Time from which no start counts any more, if none is taken. */
  emptyAt(): number {
    const last = this.#times.at(-1)
    return last === undefined ? Number.NEGATIVE_INFINITY : last + this.intervalMs
  }

  /** When `starts` more can have started at the earliest, if none of those taken is given back. */
  opensAfter(starts: number, now: number): number {
    this.#forget(now)
    const called = this.#times.length - this.#first
    const beyond = starts - (this.starts - called - this.#taken)
    if (beyond <= 0) return now
    const windows = Math.floor((beyond - 1) / this.starts)
    const oldest = this.#times[this.#first + ((beyond - 1) % this.starts)] ?? now
    return oldest + (windows + 1) * this.intervalMs
  }

  #forget(now: number): void {
    const times = this.#times
    while (this.#first < times.length && (times[this.#first] as number) + this.intervalMs <= now) this.#first++
    if (this.#first * 2 > times.length) {
      this.#times = times.slice(this.#first) // fewer times are copied than have expired: O(1) amortised
      this.#first = 0
    }
  }
}
