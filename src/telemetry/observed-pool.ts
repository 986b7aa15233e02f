import { isFunction, wording } from '../contract/checks.js'
import type { PoolEventName, PoolListener } from '../contract/events.js'
import type { PoolStats } from '../contract/reports.js'

/** The part of a pool that {@link observe} uses. A `WorkerPool` implements it. */
export interface ObservedPool {
  /** The figures. Read once for each collection of the metrics. */
  stats(): PoolStats

  /** Adds a listener. */
  on<N extends PoolEventName>(event: N, listener: PoolListener<N>): unknown

  /** Removes a listener. */
  off<N extends PoolEventName>(event: N, listener: PoolListener<N>): unknown
}

/**
 * Checks the `pool` argument.
 *
 * @throws TypeError when it is not a pool
 */
export function requirePool(pool: unknown): void {
  const isPool =
    typeof pool === 'object' &&
    pool !== null &&
    ['stats', 'on', 'off'].every((name) => isFunction(Reflect.get(pool, name)))
  if (!isPool) throw new TypeError(wording('pool', 'a WorkerPool', pool))
}
