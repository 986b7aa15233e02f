import { StoreError } from 'coatcheck'
import { sharedPool } from 'coatcheck/bullmq'
import { describe, expect, it } from 'vitest'
import { durableRedis, freePort, redisServer } from '../stores/keyv/support/servers.js'
import { connectionTo, hasRedis, shared } from './support/pools.js'

const handlers = { work: async (input: number) => input }
const bounds = { name: 'test', concurrency: 1, queueCapacity: 10, handlers }

describe('a shared pool without its Redis', () => {
  it('is not opened', async () => {
    const connection = { host: '127.0.0.1', port: await freePort() }
    await expect(sharedPool({ ...bounds, connection })).rejects.toThrow(StoreError)
    await expect(sharedPool({ ...bounds, connection: `redis://127.0.0.1:${connection.port}` })).rejects.toMatchObject({
      code: 'ERR_STORE',
      message: 'Redis cannot be reached.'
    })
  })
})

describe.skipIf(!hasRedis)('a Redis', () => {
  it('must write what it accepts', async () => {
    const connection = connectionTo(await redisServer())
    await expect(sharedPool({ ...bounds, connection })).rejects.toMatchObject({
      code: 'ERR_STORE',
      message: expect.stringContaining('`appendonly yes`')
    })
  })

  it('must not drop what it has', async () => {
    const server = await durableRedis('--maxmemory', '100mb', '--maxmemory-policy', 'allkeys-lru')
    await expect(sharedPool({ ...bounds, connection: connectionTo(server) })).rejects.toMatchObject({
      code: 'ERR_STORE',
      message: expect.stringContaining('`maxmemory-policy noeviction`')
    })
  })

  it('must let the pool make its queue', async () => {
    const { server, redis } = await shared()
    await redis.set('coatcheck:test:secret', 'x')
    await redis.del('coatcheck:test:secret')
    await redis.lpush('coatcheck:test:secret', 'not a text')
    await expect(sharedPool({ ...bounds, connection: connectionTo(server) })).rejects.toMatchObject({
      code: 'ERR_STORE',
      message: 'Redis cannot be used.'
    })
  })

  it('that is away makes every call a StoreError, and is used again when it is back', async () => {
    const { open, server } = await shared()
    const pool = await open(handlers)
    const events: unknown[] = []
    pool.on('store', ({ failing }) => events.push(failing))
    const task = await pool.queueTask('work', 7)
    await server.kill()
    await expect.poll(() => events).toEqual([true])
    const refused = await Promise.all(
      [
        pool.queueTask('work', 1),
        pool.findTask(task.id),
        pool.cancel(task.id),
        pool.tasks(),
        pool.counts(),
        task.record(),
        task.settled()
      ].map((call) => call.catch((error: unknown) => error))
    )
    for (const error of refused) expect(error).toBeInstanceOf(StoreError)
    expect(refused[0]).toMatchObject({ inDoubt: false })
    await server.start()
    await expect.poll(() => events).toEqual([true, false])
    pool.start()
    expect(await task.result()).toBe(7)
  })

  it('that does not answer makes a StoreError: the task may be queued', async () => {
    const { open, server } = await shared()
    const pool = await open(handlers)
    await server.freeze()
    await expect(pool.queueTask('work', 1)).rejects.toMatchObject({ code: 'ERR_STORE', inDoubt: true })
    server.thaw()
    await expect.poll(async () => (await pool.counts()).queued).toBe(1)
  })

  it('that fails makes a StoreError: the task may be queued', async () => {
    const { open, redis } = await shared()
    const pool = await open(handlers)
    await redis.set('coatcheck:test:meta', 'not a hash') // what BullMQ adds to
    await expect(pool.queueTask('work', 1)).rejects.toMatchObject({ code: 'ERR_STORE', inDoubt: true })
  })

  it('that comes back goes on with what a worker has', async () => {
    const { open, server } = await shared()
    const pool = (await open(handlers)).start()
    expect(await (await pool.queueTask('work', 1)).result()).toBe(1)
    await server.kill()
    await server.start()
    await expect
      .poll(() =>
        pool.queueTask('work', 2).then(
          (task) => task.result(),
          () => 0
        )
      )
      .toBe(2)
  })
})
