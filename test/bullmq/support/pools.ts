import { Redis } from 'ioredis'
import { onTestFinished } from 'vitest'
import { type SharedPool, type SharedPoolOptions, sharedPool } from '../../../src/bullmq/index.js'
import type { HandlersOf } from '../../../src/index.js'
import { durableRedis, type RealServer } from '../../stores/keyv/support/servers.js'

export { hasRedis } from '../../stores/keyv/support/servers.js'

/** A Redis of its own for the test, and pools on it: each is like a process that shares them. */
export interface Shared {
  readonly server: RealServer
  /** A plain connection, to see and do what others could. */
  readonly redis: Redis
  open<H extends HandlersOf<H>>(handlers: H, options?: Partial<SharedPoolOptions<H>>): Promise<SharedPool<H>>
}

export const connectionTo = ({ port }: RealServer) => ({ host: '127.0.0.1', port, retryStrategy: () => 50 })

export const shared = async (): Promise<Shared> => {
  const server = await durableRedis()
  const redis = new Redis({ ...connectionTo(server), maxRetriesPerRequest: null })
  redis.on('error', () => {}) // the test kills the server
  onTestFinished(() => redis.disconnect())
  return {
    server,
    redis,
    open: async (handlers, options = {}) => {
      const pool = await sharedPool({
        ...{ name: 'test', connection: connectionTo(server), concurrency: 2, queueCapacity: 20, handlers },
        ...options
      } as SharedPoolOptions<typeof handlers>)
      onTestFinished(() => pool.stop({ graceMs: 0, forceMs: 0 }).then(() => {}))
      return pool as SharedPool<typeof handlers>
    }
  }
}
