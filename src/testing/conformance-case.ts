/** One promise of a port, for any test runner: `for (const { title, run } of cases) test(title, run)`. */
export interface ConformanceCase {
  /** The promise, as a sentence. */
  readonly title: string
  /** Rejects with an `AssertionError` when the promise is broken. Each run is independent of the others. */
  readonly run: () => Promise<void>
}

/** A value, or a promise of it. */
export type Awaitable<T> = T | PromiseLike<T>
