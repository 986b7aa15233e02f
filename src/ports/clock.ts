/**
 * Everything the pool does not decide itself: time, a timer, a turn of the event loop, chance.
 *
 * The pool takes all of it from here and from nowhere else, so that a test can hold the clock in its hand. The default
 * is the system's; give your own only to test.
 */
export interface Clock {
  /** Monotonic time in milliseconds, fractions allowed; where it starts does not matter. */
  now(): number

  /** The wall clock in milliseconds since 1970. Read once per pool, so that the times of records agree with each other. */
  date(): number

  /** Makes one timer, not yet set. */
  timer(fire: () => void): Timer

  /** Calls `then` once, after the event loop has had a turn for timers and sockets. */
  yield(then: () => void): void

  /** A number from 0 up to, and not including, 1. Used for the jitter of backoffs. */
  random(): number

  /** `count` unpredictable bytes. Used for ticket ids. */
  randomBytes(count: number): Uint8Array
}

/** One timer that can be set again and again. */
export interface Timer {
  /**
   * Fires once, `delayMs` milliseconds from now, instead of whatever was set before. A delay beyond the 2^31
   * milliseconds of the platform's timers may fire after that many: who sets it looks at the time and sets it again.
   *
   * @param delayMs - a number ≥ 0
   */
  set(delayMs: number): void

  /** Whether the process should live until it fires. Holds for later settings too; `true` at first. */
  keepAlive(keep: boolean): void

  /** Forgets what was set. */
  clear(): void
}
