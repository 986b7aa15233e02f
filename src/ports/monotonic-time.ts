/** Timers fire at most this early by the rounding of the platform, in milliseconds. */
const EARLY_MS = 3

/**
 * Monotonic time by the `performance` that is the global one at each reading. Fake timers replace it, or replace the
 * timers alone: the time neither jumps nor stands still then.
 */
export class MonotonicTime {
  #source = performance
  /** Added to the reading of the source. A whole number, so that sums of the whole times of fake timers are exact. */
  #offset = 0
  #last = 0

  now(): number {
    const source = performance
    const now = source.now() + this.#offset
    if (source !== this.#source || now < this.#last) return this.#continue(source)
    this.#last = now
    return now
  }

  /** A timer that was due at this time has fired: if the clock does not show it, only the timers are faked. */
  reach(dueAt: number): void {
    const missing = dueAt - this.now()
    if (missing > EARLY_MS) this.#offset += Math.ceil(missing)
  }

  /** Another source goes on from the last reading. */
  #continue(source: typeof performance): number {
    const reading = source.now()
    this.#source = source
    this.#offset = Math.ceil(this.#last - reading)
    this.#last = reading + this.#offset
    return this.#last
  }
}
