/** Time as far as an adapter needs it. */
export interface Timers {
  /** Milliseconds of a clock that is never set back. */
  now(): number
  /** Calls back once after `ms`, unless the returned function is called before. */
  after(ms: number, then: () => void): () => void
  /** Calls back every `ms` without keeping the process alive, until the returned function is called. */
  every(ms: number, then: () => void): () => void
}

export const systemTimers: Timers = {
  now: () => performance.now(),
  after: (ms, then) => {
    const timer = setTimeout(then, ms)
    return () => clearTimeout(timer)
  },
  every: (ms, then) => {
    const timer = setInterval(then, ms).unref()
    return () => clearInterval(timer)
  }
}
