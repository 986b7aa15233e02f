/**
 * The pool's only source of time, timers, turns of the event loop and random values.
 *
 * A test replaces it to control time. The default is the system clock; there is no other reason to replace it.
 */
export interface Clock {
  /** Monotonic time in milliseconds, with fractions, from any origin. */
  now(): number

  /** Wall clock time in milliseconds since 1970. Read at most once a second of use, for the times of records. */
  date(): number

  /** Creates a timer that is not set. */
  timer(fire: () => void): Timer

  /** Calls `then` once, after the event loop has processed timers and sockets. */
  yield(then: () => void): void

  /** A random number ≥ 0 and < 1. Used for the jitter of backoffs. */
  random(): number

  /** `count` unpredictable bytes. Used for ticket ids. */
  randomBytes(count: number): Uint8Array
}

/** A timer that can be set any number of times. */
export interface Timer {
  /**
   * Sets the timer to fire once, `delayMs` milliseconds from now; replaces the former setting. It may fire early if the
   * delay exceeds the platform's maximum of 2^31 − 1 ms: the callback has to read the clock and set the timer again.
   *
   * @param delayMs - a number ≥ 0
   */
  set(delayMs: number): void

  /** Sets whether the timer keeps the process alive, now and when it is set again. Initially `true`. */
  keepAlive(keep: boolean): void

  /** Clears the timer: it does not fire. */
  clear(): void
}
