import { finiteDuration } from './checks.js'

const BRAND = Symbol.for('coatcheck.Snooze')

/**
 * Makes what a task function throws to say "not yet": its task goes back to the queue after the delay and keeps its
 * place, no attempt is used up, and no failure is counted. After an abort of `ctx.signal` it counts as the answer to that.
 *
 * The error is recognised across copies of the package. Outside a task function it is an error like any other.
 *
 * @param delayMs - time before which the task does not start again, in milliseconds. Finite, ≥ 0
 * @throws TypeError | RangeError when the delay is wrong
 *
 * @example
 * ```ts
 * import { snooze, WorkerPool } from 'coatcheck'
 *
 * const pool = new WorkerPool({ concurrency: 2, queueCapacity: 10 })
 * const opensAt = Date.now() + 1_000
 * pool.queueTask(() => {
 *   if (Date.now() < opensAt) throw snooze(opensAt - Date.now())
 *   return 'done'
 * })
 * ```
 */
export function snooze(delayMs: number): Error {
  const error = new Error(
    `Not yet: a task function throws this to be called again after ${finiteDuration('delayMs', delayMs)} ms.`
  )
  Object.defineProperty(error, BRAND, { value: delayMs })
  return error
}

/** The delay in milliseconds of a value that {@link snooze} made; undefined for any other. Never throws. */
export function snoozeOf(thrown: unknown): number | undefined {
  try {
    const delayMs: unknown = thrown instanceof Error ? Reflect.get(thrown, BRAND) : undefined
    return typeof delayMs === 'number' ? delayMs : undefined
  } catch {
    return undefined
  }
}
