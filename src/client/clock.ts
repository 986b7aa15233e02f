/** The client's source of time, timers and random numbers. Replace it only in tests; a pool's clock is compatible. */
export interface ClientClock {
  /** Monotonic time in milliseconds; where it starts does not matter. */
  now(): number

  /** The wall clock in milliseconds since 1970. */
  date(): number

  /** Makes one timer, not yet set. */
  timer(fire: () => void): ClientTimer

  /** A number from 0 up to, and not including, 1. Used for the jitter of pauses. */
  random(): number

  /** `count` unpredictable bytes. Used for idempotency keys. */
  randomBytes(count: number): Uint8Array
}

/** One timer. */
export interface ClientTimer {
  /** Fires once, `delayMs` milliseconds from now; a delay of 2^31 milliseconds or more may fire after that many. */
  set(delayMs: number): void

  /** Cancels the timer. */
  clear(): void
}
