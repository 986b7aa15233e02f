/** An operation of a store. */
export type StoreOperation = 'write' | 'get' | 'close'

/** How operations of a {@link MemoryStore} fail. */
export interface StoreFailure {
  /**
   * What fails.
   *
   * @defaultValue 'write'
   */
  readonly operation?: StoreOperation | undefined
  /**
   * How many of these operations succeed before.
   *
   * @defaultValue 0
   */
  readonly after?: number | undefined
  /** The error; by default a new one each time. Its property `inDoubt` is set. */
  readonly error?: Error | undefined
  /**
   * Whether the error says that the batch may be on disk.
   *
   * @defaultValue the value of `applied`
   */
  readonly inDoubt?: boolean | undefined
  /**
   * Whether the batch does reach the disk.
   *
   * @defaultValue false
   */
  readonly applied?: boolean | undefined
}

/** The failures that a test has planned, in the order of the plan. */
export class StoreFailures {
  #plans: { failure: StoreFailure; after: number; count: number }[] = []

  /** Plans `count` failures. */
  plan(failure: StoreFailure, count: number): void {
    const { after = 0, applied = false, inDoubt = applied } = failure
    if (applied && !inDoubt) throw new TypeError('A failed write that reached the disk must be in doubt.')
    for (const [name, value] of Object.entries({ after, count })) {
      if (value !== Number.POSITIVE_INFINITY && !(Number.isSafeInteger(value) && value >= 0)) {
        throw new RangeError(`${name} must be an integer ≥ 0, not ${value}`)
      }
    }
    if (count > 0) this.#plans.push({ failure, after, count })
  }

  forget(): void {
    this.#plans = []
  }

  /** An operation begins: the failure that was planned for it. */
  next(operation: StoreOperation): StoreFailure | undefined {
    const plan = this.#plans.find(({ failure }) => (failure.operation ?? 'write') === operation)
    if (plan === undefined) return undefined
    if (plan.after > 0) {
      plan.after -= 1
      return undefined
    }
    plan.count -= 1
    if (plan.count === 0) this.#plans.splice(this.#plans.indexOf(plan), 1)
    return plan.failure
  }
}

/** The error of a planned failure. */
export function errorOf(failure: StoreFailure, operation: StoreOperation): Error {
  const error = failure.error ?? new Error(`The ${operation} of the memory store fails, as the test asked for.`)
  return Object.assign(error, { inDoubt: failure.inDoubt ?? failure.applied ?? false })
}
