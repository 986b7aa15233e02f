/** Timers fire at most this early by the rounding of the platform, in milliseconds. */
const EARLY_MS = 3

/**
 * Monotonic time by the `performance` that is the global one at each reading. Fake timers replace it, or replace the
 * timers alone: the time neither jumps nor stands still then.
 */
export class MonotonicTime {
  #source = performance
  /** What is added to the reading of the source. */
  #offset = 0.5 // with a fraction, so that the engine stores both as doubles from the start
  #last = 0.5

  now(): number {
    const source = performance
    const now = source.now() + this.#offset
    if (source !== this.#source || now < this.#last) return this.#continue(source)
    this.#last = now
    return now
  }

  /** A timer fired that was due at this time: if the clock does not show it, only the timers are faked. */
  reach(dueAt: number): void {
    const missing = dueAt - this.now()
    if (missing > EARLY_MS) this.#offset += missing
  }

  /** Another source goes on from the last reading. */
  #continue(source: typeof performance): number {
    this.#source = source
    this.#offset = this.#last - source.now()
    return this.#last
  }
}
