import { describe, expect, it } from 'vitest'
import { gate } from '../support/gate.js'
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

  it('is judged in the step that adds: a task of the last place is there once, whoever asks for it', async () => {
    const { open } = await shared()
    const handlers = { work: async () => 1 }
    const [a, b] = [await open(handlers, { queueCapacity: 1 }), await open(handlers, { queueCapacity: 1 })]
    const outcomes = await Promise.allSettled(
      Array.from({ length: 40 }, (_, index) => (index % 2 === 0 ? a : b).queueTask('work', undefined, { id: 'last' }))
    )
    const codes = outcomes.map((outcome) => (outcome.status === 'fulfilled' ? 'accepted' : outcome.reason.code))
    expect(codes.toSorted()).toEqual(['accepted', ...Array(39).fill('ERR_DUPLICATE_TASK')].toSorted())
    expect(await a.counts()).toMatchObject({ queued: 1 })
  })

  it('holds for tasks that start later', async () => {
    const { open } = await shared()
    const pool = await open({ work: async () => 1 }, { queueCapacity: 1 })
    await pool.queueTask('work', undefined, { delayMs: 60_000 })
    await expect(pool.queueTask('work', undefined, { delayMs: 60_000 })).rejects.toMatchObject({
      code: 'ERR_QUEUE_FULL'
    })
  })

  it('may be left out', async () => {
    const { open } = await shared()
    const pool = await open({ work: async () => 1 }, { queueCapacity: Number.POSITIVE_INFINITY })
    await Promise.all(Array.from({ length: 50 }, () => pool.queueTask('work')))
    expect(await pool.counts()).toMatchObject({ queued: 50 })
  })
})
