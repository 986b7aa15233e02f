import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { TaskContext } from 'coatcheck'
import { describe, expect, it, onTestFinished } from 'vitest'
import { Connections } from '../../src/bullmq/redis/connect.js'
import { keys } from './support/lost-process.js'
import { connectionTo, hasRedis, type Shared, shared } from './support/pools.js'
import { proxyTo } from './support/proxy.js'

type Redis = Shared['redis']

/** Why Redis refuses to write, and how it comes to that and out of it. */
const reasons = [
  {
    code: 'OOM',
    begin: (redis: Redis) => redis.config('SET', 'maxmemory', '1mb'),
    end: (redis: Redis) => redis.config('SET', 'maxmemory', '0')
  },
  {
    code: 'READONLY',
    begin: (redis: Redis) => redis.replicaof('127.0.0.1', 1), // there is no primary
    end: (redis: Redis) => redis.replicaof('NO', 'ONE')
  },
  {
    code: 'NOREPLICAS',
    begin: (redis: Redis) => redis.config('SET', 'min-replicas-to-write', '1'),
    end: (redis: Redis) => redis.config('SET', 'min-replicas-to-write', '0')
  },
  {
    code: 'MISCONF',
    begin: async (redis: Redis) => {
      const [, dir = ''] = (await redis.config('GET', 'dir')) as string[]
      mkdirSync(join(dir, 'dump.rdb')) // no file can be written in its place
      await redis.config('SET', 'save', '3600 1')
      await redis.bgsave()
      await expect.poll(() => redis.info('persistence')).toContain('rdb_last_bgsave_status:err')
    },
    end: (redis: Redis) => redis.config('SET', 'stop-writes-on-bgsave-error', 'no')
  }
] as const

/** How often Redis has refused something for a reason. */
const refusals = async (redis: Redis, code: string): Promise<number> =>
  Number(new RegExp(`errorstat_${code}:count=(\\d+)`).exec(await redis.info('errorstats'))?.[1] ?? 0)

describe.skipIf(!hasRedis)('a Redis that refuses to write', () => {
  it.each(reasons)('because of $code loses no task: it is called once Redis accepts that', async (reason) => {
    const { open, redis } = await shared()
    const once = async (input: number, { attempt }: TaskContext) => `${input} ${attempt}`
    const reported: unknown[] = []
    const pool = await open({ once }, { onUnobservedError: (error) => reported.push(error) })
    const tasks = await Promise.all([1, 2, 3, 4].map((n) => pool.queueTask('once', n)))
    const results = Promise.all(tasks.map((task) => task.result()))
    await reason.begin(redis)
    await expect(pool.queueTask('once', 5)).rejects.toMatchObject({ code: 'ERR_STORE' })
    const before = await refusals(redis, reason.code)
    pool.start()
    await expect.poll(() => refusals(redis, reason.code)).toBeGreaterThan(before)
    await reason.end(redis)
    expect(await results).toEqual(['1 1', '2 1', '3 1', '4 1'])
    expect(reported).toEqual([])
  })

  it('is asked again once a second at most, whatever the delay after a lost connection', async () => {
    const { redis, server } = await shared()
    const connections = new Connections({ ...connectionTo(server), retryStrategy: () => 0 })
    onTestFinished(() => connections.close())
    const worker = connections.patient()
    await worker.ping()
    await redis.config('SET', 'min-replicas-to-write', '1')
    const startedAt = performance.now()
    const written = worker.set('a', 'b')
    await expect.poll(() => refusals(redis, 'NOREPLICAS'), { timeout: 10_000 }).toBe(3)
    expect(performance.now() - startedAt).toBeGreaterThan(1_990)
    await redis.config('SET', 'min-replicas-to-write', '0')
    expect(await written).toBe('OK')
  })

  it('is left by those who queue when it has become a replica: their address may lead to the new primary', async () => {
    const [old, next] = [await shared(), await shared()]
    const proxy = await proxyTo(old.server.port)
    const connections = new Connections({ ...connectionTo(old.server), port: proxy.port })
    onTestFinished(() => connections.close())
    const producer = await connections.impatient()
    await old.redis.replicaof('127.0.0.1', next.server.port)
    proxy.lead(next.server.port)
    await expect(producer.set('a', 'b')).rejects.toThrow('READONLY')
    await expect.poll(() => producer.set('a', 'b').catch(() => 'refused')).toBe('OK')
    expect(await next.redis.get('a')).toBe('b')
  })
})

describe.skipIf(!hasRedis)('a claim of which Redis does not note what becomes of it', () => {
  /** What a claim writes that is no number cannot be counted up. */
  const BROKEN = 'x'
  const again = { run: async (_input: undefined, { attempt }: TaskContext) => attempt, rerun: true }

  it('that its call begins: the task is called later', async () => {
    const { open, redis } = await shared()
    const reported: unknown[] = []
    const pool = await open({ once: again.run }, { onUnobservedError: (error) => reported.push(error) })
    const task = await pool.queueTask('once')
    await redis.hset(keys.job(task.id), { calls: BROKEN })
    pool.start()
    await expect.poll(() => reported).toMatchObject([{ message: expect.stringContaining('not an integer') }])
    await redis.hset(keys.job(task.id), { calls: 0 })
    expect(await task.result()).toBe(1)
  })

  it.each([
    { of: 'that it failed', rerun: true, expected: { state: 'succeeded', attempt: 2 } },
    { of: 'that it failed', rerun: false, expected: { state: 'failed', error: { code: 'ERR_TASK_INTERRUPTED' } } }
  ])('$of: it is as with a lost process, with rerun $rerun', async ({ rerun, expected }) => {
    const { open, redis } = await shared()
    const reported: unknown[] = []
    const run = async (_input: undefined, { id, attempt }: TaskContext): Promise<void> => {
      if (attempt > 1) return
      await redis.hset(keys.job(id), { rev: BROKEN })
      throw new Error('failed')
    }
    const pool = await open({ run: { run, rerun } }, { onUnobservedError: (error) => reported.push(error) })
    const task = await pool.queueTask('run')
    pool.start()
    await expect.poll(() => reported).toMatchObject([{ message: expect.stringContaining('not an integer') }])
    await redis.hset(keys.job(task.id), { rev: 1 })
    expect(await task.settled()).toMatchObject(expected)
  })

  it('that it is to be called again: it is as with a lost process', async () => {
    const { open, redis } = await shared()
    const reported: unknown[] = []
    const run = async (_input: undefined, { id, attempt }: TaskContext): Promise<number> => {
      if (attempt > 1) return attempt
      await redis.hset(keys.job(id), { rev: BROKEN })
      throw new Error('failed')
    }
    const retry = { attempts: 2, backoffMs: 3_600_000 }
    const pool = await open(
      { run: { run, rerun: true, retry } },
      { onUnobservedError: (error) => reported.push(error) }
    )
    const task = await pool.queueTask('run')
    pool.start()
    await expect.poll(() => reported).toMatchObject([{ message: expect.stringContaining('not an integer') }])
    await redis.hset(keys.job(task.id), { rev: 1 })
    expect(await task.result()).toBe(2)
  })
})
