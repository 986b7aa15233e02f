import { snooze, type TaskContext } from 'coatcheck'
import { describe, expect, it } from 'vitest'
import { gate } from '../support/gate.js'
import { keys } from './support/lost-process.js'
import { hasRedis, shared } from './support/pools.js'

/** A handler that runs until it is aborted, and what it was aborted with. */
const waiting = () => {
  const running = gate<string>()
  const run = async (_input: undefined, { id, signal }: TaskContext): Promise<never> => {
    running.open(id)
    await new Promise((resolve) => signal.addEventListener('abort', resolve))
    throw signal.reason
  }
  return { running: running.promise, handlers: { wait: run } }
}

describe.skipIf(!hasRedis)('a cancel across processes', () => {
  it('ends a queued task at once, and keeps its record', async () => {
    const { open } = await shared()
    const [a, b] = [await open({ work: async () => 1 }, { queueCapacity: 1 }), await open({ work: async () => 1 })]
    const task = await a.queueTask('work')
    expect(await b.cancel(task.id, new Error('not\0 wanted'))).toBe('canceled')
    const record = await task.record()
    expect(record).toMatchObject({ state: 'canceled', reason: 'user', attempt: 0, error: { message: 'not wanted' } })
    expect(record).not.toHaveProperty('startedAt')
    await expect(task.result()).rejects.toMatchObject({
      code: 'ERR_TASK_CANCELED',
      reason: 'user',
      cause: { message: 'not wanted' }
    })
    expect(await b.cancel(task.id)).toBe('finished')
    expect(await b.cancel('nobody')).toBe('unknown')
    await a.queueTask('work') // its place is free
    expect(await a.counts()).toMatchObject({ queued: 1, failed: 1 })
  })

  it('ends a delayed task at once', async () => {
    const { open } = await shared()
    const pool = await open({ work: async () => 1 })
    const task = await pool.queueTask('work', undefined, { delayMs: 60_000 })
    expect(await task.cancel()).toBe('canceled')
    await expect(task.result()).rejects.toMatchObject({ code: 'ERR_TASK_CANCELED', reason: 'user' })
  })

  it('aborts a running task, wherever it runs, with the first reason', async () => {
    const { open } = await shared()
    const { running, handlers } = waiting()
    const [taker] = [await open(handlers), (await open(handlers)).start()]
    const task = await taker.queueTask('wait')
    await running
    expect(await taker.cancel(task.id, 'enough')).toBe('requested')
    expect(await taker.cancel(task.id, 'again')).not.toBe('unknown')
    const record = await task.settled()
    expect(record).toMatchObject({ state: 'canceled', reason: 'user', error: { message: 'enough' } })
    expect(record.cancelRequestedAt).toBeDefined()
  })

  it('reaches a running task by its message, long before its lease is renewed', async () => {
    const { open } = await shared()
    const { running, handlers } = waiting()
    const all = { ...handlers, work: async () => 1 }
    const [taker, worker] = [await open(all), (await open(all, { leaseMs: 600_000 })).start()]
    await (await worker.queueTask('work')).result() // by now its subscriptions stand: what comes later is a message
    const task = await taker.queueTask('wait')
    await running
    expect(await taker.cancel(task.id)).toBe('requested')
    expect(await task.settled()).toMatchObject({ state: 'canceled', reason: 'user' })
  })

  it('has a reason of the library when none is given', async () => {
    const { open } = await shared()
    const { running, handlers } = waiting()
    const pool = (await open(handlers)).start()
    const task = await pool.queueTask('wait')
    await running
    expect(await task.cancel()).toBe('requested')
    expect(await task.settled()).toMatchObject({ state: 'canceled', reason: 'user' })
  })

  it('is seen without its message', async () => {
    const { open, redis } = await shared()
    const { running, handlers } = waiting()
    const pool = (await open(handlers, { leaseMs: 3_000 })).start()
    const task = await pool.queueTask('wait')
    await redis.hset(keys.job(await running), { cancelAt: Date.now(), cancelWhy: '' })
    expect(await task.settled()).toMatchObject({ state: 'canceled', reason: 'user' })
  })

  it('is seen before the call begins', async () => {
    const { open, redis } = await shared()
    const pool = await open({ work: async () => 1 })
    const [plain, because] = [await pool.queueTask('work'), await pool.queueTask('work')]
    await redis.hset(keys.job(plain.id), { cancelAt: Date.now(), cancelWhy: '' })
    const cancelWhy = JSON.stringify({ name: 'Error', message: 'why' })
    await redis.hset(keys.job(because.id), { cancelAt: Date.now(), cancelWhy })
    pool.start()
    expect(await plain.settled()).toMatchObject({ state: 'canceled', reason: 'user', attempt: 0 })
    expect(await because.settled()).toMatchObject({ state: 'canceled', error: { message: 'why' } })
  })

  it('rules out a retry, and is a failure when the function throws something else', async () => {
    const { open } = await shared()
    const running = gate()
    const run = async (_input: undefined, { signal }: TaskContext): Promise<never> => {
      running.open()
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
      throw new Error('something else')
    }
    const pool = (await open({ odd: { run, retry: { attempts: 5, backoffMs: 0 } } })).start()
    const task = await pool.queueTask('odd')
    await running.promise
    await task.cancel()
    expect(await task.settled()).toMatchObject({ state: 'failed', attempt: 1, error: { message: 'something else' } })
  })

  it.each([
    { before: 'a retry', thrown: () => new Error('again') },
    { before: 'the end of a snooze', thrown: () => snooze(3_600_000) }
  ])('that the call did not see ends the task before $before', async ({ thrown }) => {
    const { open, redis } = await shared()
    const run = async (_input: undefined, { id }: TaskContext): Promise<never> => {
      const cancelWhy = JSON.stringify({ name: 'Error', message: 'why' })
      await redis.hset(keys.job(id), { cancelAt: Date.now(), cancelWhy }) // its message is under way
      throw thrown()
    }
    const retry = { attempts: 5, backoffMs: () => 3_600_000 }
    const pool = (await open({ work: async () => 1, run: { run, retry } })).start()
    await (await pool.queueTask('work')).result() // by now its subscriptions stand: no look comes in between
    const task = await pool.queueTask('run')
    expect(await task.settled()).toMatchObject({ state: 'canceled', reason: 'user', error: { message: 'why' } })
    expect(await pool.counts()).toMatchObject({ delayed: 0, failed: 1 })
  })

  it('ends a task that was claimed by a process without its handler', async () => {
    const { open, redis } = await shared()
    const taker = await open({ work: async () => 1 })
    const task = await taker.queueTask('work')
    await redis.hset(keys.job(task.id), { cancelAt: Date.now(), cancelWhy: '' })
    const stranger = await open({ other: async () => 1 }, { onUnobservedError: () => {} })
    stranger.start()
    expect(await task.settled()).toMatchObject({ state: 'canceled', reason: 'user', attempt: 0 })
  })

  it('keeps as many records as the retention says', async () => {
    const { open, redis } = await shared()
    const pool = await open({ work: async () => 1 }, { retention: { count: 3, ms: Number.POSITIVE_INFINITY } })
    const canceled = async (): Promise<string> => {
      const task = await pool.queueTask('work')
      await task.cancel()
      return task.id
    }
    const ids: string[] = []
    for (let index = 0; index < 5; index++) {
      ids.push(await canceled())
      await expect.poll(() => Date.now()).toBeGreaterThan(Number(await redis.hget(keys.job(ids.at(-1)!), 'finishedOn')))
    }
    expect((await pool.counts()).failed).toBe(3)
    expect(await Promise.all(ids.map((id) => redis.exists(keys.job(id))))).toEqual([0, 0, 1, 1, 1])
  })

  it('forgets the records whose time has passed', async () => {
    const { open, redis } = await shared()
    const pool = await open({ work: async () => 1 }, { retention: { ms: 60_000 } })
    const [old, recent, next] = [
      await pool.queueTask('work'),
      await pool.queueTask('work'),
      await pool.queueTask('work')
    ]
    await old.cancel()
    await recent.cancel()
    await redis.zadd(keys.of('failed'), Date.now() - 60_001, `~${old.id}`)
    await next.cancel()
    const found = await Promise.all([old, recent, next].map(async (task) => (await task.record())?.state))
    expect(found).toEqual([undefined, 'canceled', 'canceled'])
    expect((await pool.counts()).failed).toBe(2)
  })
})
