import { describe, expect, it } from 'vitest'
import { gate } from '../support/gate.js'
import { keys } from './support/lost-process.js'
import { hasRedis, shared } from './support/pools.js'

describe.skipIf(!hasRedis)('the bound of a shared pool', () => {
  it('holds for two hundred submissions at once from two processes', async () => {
    const { open } = await shared()
    const handlers = { work: async (input: number) => input }
    const [a, b] = [await open(handlers), await open(handlers)]
    const all = Array.from({ length: 200 }, (_, index) => (index % 2 === 0 ? a : b).queueTask('work', index))
    const outcomes = await Promise.allSettled(all)
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(20)
    for (const outcome of outcomes) {
      if (outcome.status === 'fulfilled') continue
      expect(outcome.reason).toMatchObject({
        code: 'ERR_QUEUE_FULL',
        queueCapacity: 20,
        queued: 20,
        retryAfterMs: 1_000
      })
    }
    expect(await a.counts()).toMatchObject({ queued: 20 })
  })

  it('bounds what waits, not what runs', async () => {
    const { open } = await shared()
    const done = gate()
    const pool = (await open({ wait: () => done.promise }, { concurrency: 2, queueCapacity: 1 })).start()
    for (let running = 1; running <= 2; running++) {
      await pool.queueTask('wait')
      await expect.poll(async () => (await pool.counts()).running).toBe(running)
    }
    await pool.queueTask('wait')
    await expect(pool.queueTask('wait')).rejects.toMatchObject({ running: 2, queued: 1 })
    done.open()
    await expect.poll(async () => (await pool.counts()).succeeded).toBe(3)
  })

  it('forgets a place that was promised to a process that was lost then', async () => {
    const { open, redis } = await shared()
    const pool = await open({ work: async () => 1 }, { queueCapacity: 2 })
    await redis.zadd(keys.reserved, Date.now(), '~just', Date.now() - 6_000, '~long')
    await pool.queueTask('work')
    await expect(pool.queueTask('work')).rejects.toMatchObject({ code: 'ERR_QUEUE_FULL', queued: 2 })
    await redis.zadd(keys.reserved, Date.now() - 6_000, '~just')
    await pool.queueTask('work')
    expect(await redis.zcard(keys.reserved)).toBe(0)
  })

  it('may be left out', async () => {
    const { open } = await shared()
    const pool = await open({ work: async () => 1 }, { queueCapacity: Number.POSITIVE_INFINITY })
    await Promise.all(Array.from({ length: 50 }, () => pool.queueTask('work')))
    expect(await pool.counts()).toMatchObject({ queued: 50 })
  })
})
