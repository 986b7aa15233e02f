import type { Awaitable, ConformanceCase } from './conformance-case.js'
import { poolBounds } from './pool-bounds.js'
import { poolEnds } from './pool-ends.js'
import { runOnStage } from './pool-stage.js'
import { poolTickets } from './pool-tickets.js'
import type { PoolUnderTest, PoolUnderTestOptions } from './pool-under-test.js'

/**
 * The promises that hold for every kind of pool, in memory, with a store or over several machines, as cases for any test
 * runner: bound, verdicts, order, ends, retries, limits, cancels, tickets, records and stop. They use real time, and wait
 * for events instead of sleeping.
 *
 * @param makePool - called for each case; makes a pool that was not started. Each case stops it
 *
 * @example
 * ```ts
 * import test from 'node:test'
 * import { WorkerPool } from 'coatcheck'
 * import { poolConformance } from 'coatcheck/testing'
 *
 * for (const { title, run } of poolConformance((options) => new WorkerPool(options))) test(title, run)
 * ```
 */
export function poolConformance(
  makePool: (options: PoolUnderTestOptions) => Awaitable<PoolUnderTest>
): readonly ConformanceCase[] {
  const bodies = { ...poolBounds, ...poolEnds, ...poolTickets }
  return Object.entries(bodies).map(([title, body]) => ({ title, run: () => runOnStage(makePool, body) }))
}
