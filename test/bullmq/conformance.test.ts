import { sharedPool } from 'coatcheck/bullmq'
import { type PoolUnderTestOptions, poolConformance } from 'coatcheck/testing'
import { describe, it } from 'vitest'
import { durableRedis } from '../stores/keyv/support/servers.js'
import { connectionTo, hasRedis } from './support/pools.js'

/** Each case has a Redis of its own. */
const overRedis = async (options: PoolUnderTestOptions) =>
  sharedPool({ ...options, name: 'conformance', connection: connectionTo(await durableRedis()) })

describe.skipIf(!hasRedis)('a shared pool', () => {
  for (const { title, run } of poolConformance(overRedis)) it(title, run)
})
