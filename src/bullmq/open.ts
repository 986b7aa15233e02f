import { Queue } from 'bullmq'
import type { Redis } from 'ioredis'
import { StoreError } from '../contract/store-errors.js'
import type { Handlers, HandlersOf } from '../contract/task-contract.js'
import { systemClock } from '../ports/system-clock.js'
import { checkSharedPoolOptions, type SharedPoolOptions } from './options.js'
import { changeScripts } from './redis/bullmq-scripts.js'
import { Connections } from './redis/connect.js'
import { expected } from './redis/expected.js'
import { Keys } from './redis/keys.js'
import { checkServer } from './redis/server-settings.js'
import { SharedPool } from './shared-pool.js'
import type { JobData } from './work/claims.js'

const SECRET_BYTES = 32

/**
 * Opens a pool that many processes share. BullMQ keeps its tasks in Redis, hands them to one process at a time, and takes them
 * from a process that is lost.
 *
 * @typeParam H - the handlers, inferred from the option of that name
 * @param options - checked once, by this call
 * @returns the pool, not started
 * @throws StoreError when Redis cannot be reached, or would lose tasks: it must be set to `maxmemory-policy noeviction` and
 *   `appendonly yes`
 * @throws TypeError | RangeError when an option is unknown, missing or wrong
 *
 * @example
 * ```ts
 * import { sharedPool } from 'coatcheck/bullmq'
 *
 * export const openPool = () =>
 *   sharedPool({
 *     name: 'images',
 *     connection: { host: 'redis' },
 *     concurrency: 10,
 *     queueCapacity: 1_000,
 *     handlers: { resize: { run: async (input: { url: string; width: number }) => `${input.url}?${input.width}`, rerun: true } }
 *   })
 * ```
 */
export async function sharedPool<H extends HandlersOf<H>>(
  options: SharedPoolOptions<H | (H & Handlers)>
): Promise<SharedPool<H>> {
  const settings = checkSharedPoolOptions(options)
  const { name, prefix, connection } = settings
  const connections = new Connections(connection)
  const keys = new Keys(prefix, name)
  const producer = await connections.impatient()
  try {
    await checkServer(producer)
    const secret = await sharedSecret(producer, keys.secret)
    const checkScripts = changeScripts(producer, settings.pool.queueCapacity)
    const queue = new Queue<JobData>(name, { connection: producer, prefix })
    queue.on('error', expected)
    await queue.waitUntilReady()
    checkScripts()
    return new SharedPool<H>({ settings, connections, keys, producer, queue, secret, clock: systemClock })
  } catch (cause) {
    connections.close()
    if (cause instanceof StoreError) throw cause
    throw new StoreError('Redis cannot be used.', { cause })
  }
}

/** The first process makes it. */
async function sharedSecret(client: Redis, key: string): Promise<string> {
  await client.set(key, Buffer.from(systemClock.randomBytes(SECRET_BYTES)).toString('base64url'), 'NX')
  return String(await client.get(key))
}
