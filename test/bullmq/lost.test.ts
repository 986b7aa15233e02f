import type { TaskContext } from 'coatcheck'
import { LeaseLostError } from 'coatcheck/bullmq'
import { describe, expect, it } from 'vitest'
import { gate } from '../support/gate.js'
import { keys, loseProcess } from './support/lost-process.js'
import { hasRedis, shared } from './support/pools.js'

/** Long enough for a slow machine to renew it, unless a test takes it away. */
const LEASE = { leaseMs: 2_500 }

describe.skipIf(!hasRedis)('a task whose process was lost', () => {
  it('is called again if its handler allows it, with the next number', async () => {
    const store = await shared()
    const again = { run: async (_input: undefined, { id, attempt }: TaskContext) => `${id} ${attempt}`, rerun: true }
    const pool = await store.open({ again })
    const task = await pool.queueTask('again')
    expect(await loseProcess(store, { begins: true })).toBe(task.id)
    pool.start()
    expect(await task.result()).toBe(`${task.id} 2`)
  })

  it('fails otherwise, and is not called', async () => {
    const store = await shared()
    let calls = 0
    const pool = await store.open({ once: async () => ++calls })
    const task = await pool.queueTask('once')
    await loseProcess(store, { begins: true })
    pool.start()
    await expect(task.result()).rejects.toMatchObject({
      code: 'ERR_TASK_INTERRUPTED',
      message: expect.stringContaining(task.id)
    })
    expect(calls).toBe(0)
    expect((await task.record())?.startedAt).toBeDefined()
  })

  it('is called if it was not called before', async () => {
    const store = await shared()
    const pool = await store.open({ once: async () => 'called' })
    const task = await pool.queueTask('once')
    await loseProcess(store, { begins: false })
    pool.start()
    expect(await task.result()).toBe('called')
    expect(await task.record()).toMatchObject({ attempt: 1 })
  })

  it('is canceled if that was asked for in the meantime', async () => {
    const store = await shared()
    const pool = await store.open({ again: { run: async () => 1, rerun: true } })
    const task = await pool.queueTask('again')
    await loseProcess(store, { begins: true })
    expect(await task.cancel('no')).toBe('canceled')
    pool.start()
    expect(await task.settled()).toMatchObject({
      state: 'canceled',
      reason: 'user',
      attempt: 1,
      error: { message: 'no' }
    })
  })

  it('is not run again when that has happened too often', async () => {
    const store = await shared()
    const pool = await store.open({ again: { run: async () => 1, rerun: true } }, { maxCrashes: 1 })
    const events: unknown[] = []
    pool.on('settled', (notice) => events.push(notice))
    const task = await pool.queueTask('again')
    await store.redis.hset(keys.job(task.id), { stc: 1 })
    await loseProcess(store, { begins: true, maxCrashes: 1 })
    pool.start()
    const record = await task.settled()
    expect(record).toMatchObject({ state: 'failed', error: { code: 'ERR_TASK_POISONED', name: 'TaskPoisonedError' } })
    await expect.poll(() => events).toEqual([{ id: task.id, name: 'again', state: 'failed' }])
  })
})

describe.skipIf(!hasRedis)('a process that loses its lease', () => {
  const deaf = () => {
    const [running, finish] = [gate<AbortSignal>(), gate()]
    let calls = 0
    const run = async (_input: undefined, { signal }: TaskContext): Promise<number> => {
      running.open(signal)
      if (++calls === 1) await finish.promise
      return calls
    }
    return { run, running: running.promise, finish: finish.open }
  }

  it('is told by the signal, and its late result counts for nothing', async () => {
    const { open, redis } = await shared()
    const { run, running, finish } = deaf()
    const events: unknown[] = []
    const pool = (await open({ run: { run, rerun: true } }, { ...LEASE, onUnobservedError: () => {} })).start()
    pool.on('settled', ({ id }) => events.push(id))
    const task = await pool.queueTask('run')
    const signal = await running
    const aborted = new Promise((resolve) => signal.addEventListener('abort', resolve))
    await redis.set(keys.lock(task.id), 'another process', 'PX', 5_000)
    await aborted
    expect(signal.reason).toBeInstanceOf(LeaseLostError)
    expect(signal.reason).toMatchObject({ code: 'ERR_LEASE_LOST', id: task.id })
    finish()
    expect(await task.result()).toBe(2)
    await pool.stop()
    expect(events).toEqual([task.id])
  })

  it('leaves the task to others while its own call goes on', async () => {
    const { open, redis } = await shared()
    const { run, running, finish } = deaf()
    const pool = (
      await open({ run: { run, rerun: true } }, { ...LEASE, maxCrashes: 1_000, onUnobservedError: () => {} })
    ).start()
    const task = await pool.queueTask('run')
    const signal = await running
    const aborted = new Promise((resolve) => signal.addEventListener('abort', resolve))
    await redis.del(keys.lock(task.id))
    await aborted
    await expect.poll(() => redis.hget(keys.job(task.id), 'calls').then(Number)).toBeGreaterThan(1)
    finish()
    expect(await task.result()).toBe(2)
  })

  it('does not take a claim that it makes anew, by the same token, for the lost one', async () => {
    const { open, redis } = await shared()
    const [running, finish] = [gate<AbortSignal>(), gate()]
    let calls = 0
    const run = async (_input: undefined, { signal }: TaskContext): Promise<never> => {
      calls++
      running.open(signal)
      await finish.promise
      throw signal.reason
    }
    const pool = (await open({ run }, { ...LEASE, concurrency: 1 })).start()
    const task = await pool.queueTask('run')
    const signal = await running.promise
    const aborted = new Promise((resolve) => signal.addEventListener('abort', resolve))
    await redis.del(keys.lock(task.id))
    await aborted
    const waiting = async () => (await redis.llen(keys.of('wait'))) + (await redis.zcard(keys.of('prioritized')))
    await expect.poll(waiting).toBe(1) // its only worker is still occupied: it is the one that claims it next
    finish.open()
    await expect(task.result()).rejects.toMatchObject({ code: 'ERR_TASK_INTERRUPTED' })
    expect(calls).toBe(1)
  })

  it('says nothing of an error that comes late', async () => {
    const { open, redis } = await shared()
    let calls = 0
    const running = gate()
    const run = async (_input: undefined, { signal }: TaskContext): Promise<number> => {
      if (++calls > 1) return calls
      running.open()
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
      throw signal.reason
    }
    const pool = (await open({ run: { run, rerun: true } }, LEASE)).start()
    const task = await pool.queueTask('run')
    await running.promise
    await redis.del(keys.lock(task.id))
    expect(await task.settled()).toMatchObject({ state: 'succeeded', result: 2 })
    expect((await task.record())?.error).toBeUndefined()
  })

  it('reports a result that was refused, unless the task has ended', async () => {
    const { open, redis } = await shared()
    const reported: unknown[] = []
    const finish = gate()
    const running = [gate(), gate()] as const
    const run = async (index: 0 | 1): Promise<void> => {
      running[index].open()
      await finish.promise
    }
    const options = { concurrency: 2, onUnobservedError: (error: unknown) => void reported.push(error) }
    const pool = (await open({ run }, options)).start()
    const [ended, unfinished] = [await pool.queueTask('run', 0), await pool.queueTask('run', 1)]
    await Promise.all(running.map(({ promise }) => promise))
    await redis.hset(keys.job(ended.id), 'finishedOn', Date.now())
    await redis.del(keys.lock(ended.id), keys.lock(unfinished.id))
    finish.open()
    await expect.poll(() => reported).toHaveLength(1)
    await pool.stop()
    expect(reported).toMatchObject([{ message: expect.stringContaining(unfinished.id) }])
  })

  it('makes no ghost of a task that was removed', async () => {
    const { open, redis } = await shared()
    const [running, finish] = [gate(), gate()]
    const run = async (_input: undefined, { progress }: TaskContext): Promise<never> => {
      running.open()
      await finish.promise
      progress(0.5)
      throw new Error('late')
    }
    const pool = (await open({ run }, { onUnobservedError: () => {} })).start()
    const task = await pool.queueTask('run')
    await running.promise
    await redis.del(keys.job(task.id), keys.lock(task.id))
    await redis.lrem(keys.of('active'), 0, `~${task.id}`)
    finish.open()
    await pool.drain()
    await pool.stop()
    expect(await redis.exists(keys.job(task.id))).toBe(0)
  })
})
