import { Queue } from 'bullmq'
import { snooze, type TaskContext } from 'coatcheck'
import { Redis } from 'ioredis'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { checkSharedPoolOptions, checkSharedTaskOptions } from '../../src/bullmq/options.js'
import { changeScripts } from '../../src/bullmq/redis/bullmq-scripts.js'
import { Submissions } from '../../src/bullmq/submissions.js'
import { systemClock } from '../../src/ports/system-clock.js'
import { gate } from '../support/gate.js'
import { connectionTo, hasRedis, shared } from './support/pools.js'

const handlers = { echo: async (input: { text: string }) => input.text }

describe.skipIf(!hasRedis)('a task in Redis', () => {
  it('is accepted by one process, run by another, and read by a third', async () => {
    const { open } = await shared()
    const [taker, worker, reader] = [await open(handlers), await open(handlers), await open(handlers)]
    worker.start()
    const task = await taker.queueTask('echo', { text: 'hello' }, { key: 'ann', metadata: { page: [1, {}] } })
    expect(task.accepted).toMatchObject({ id: task.id, name: 'echo', key: 'ann', revision: expect.any(Number) })
    expect(await task.result()).toBe('hello')
    const record = await reader.findTask(task.id)
    expect(record).toMatchObject({
      ...{ id: task.id, name: 'echo', key: 'ann', state: 'succeeded', attempt: 1, result: 'hello' },
      metadata: { page: [1, {}] }
    })
    expect(await task.record()).toEqual(record)
    const { queuedAt, startedAt, settledAt, expiresAt } = record!
    expect([queuedAt, startedAt, settledAt, expiresAt].toSorted()).toEqual([queuedAt, startedAt, settledAt, expiresAt])
  })

  it('has the id that the caller chose, whatever BullMQ makes of it', async () => {
    const { open } = await shared()
    const pool = (await open(handlers)).start()
    for (const id of ['123', 'a:b:c', 'meta', 'wait', '-._', ':1']) {
      const task = await pool.queueTask('echo', { text: id }, { id })
      expect([task.id, await task.result()]).toEqual([id, id])
      expect(await pool.findTask(id)).toMatchObject({ id, result: id })
    }
    expect(await pool.findTask('~meta')).toBeUndefined()
    expect(await pool.cancel('~meta')).toBe('unknown')
  })

  it('has its id alone, over all processes', async () => {
    const { open } = await shared()
    const [a, b] = [await open(handlers), await open(handlers)]
    const options = { id: 'one', fingerprint: 'f' }
    const submitted = [a, b, a, b, a, b].map((pool, index) => pool.queueTask('echo', { text: `${index}` }, options))
    const outcomes = await Promise.allSettled(submitted)
    const [first, ...others] = outcomes.toSorted((x, y) =>
      x.status === 'fulfilled' ? -1 : y.status === 'fulfilled' ? 1 : 0
    )
    expect(first).toMatchObject({ status: 'fulfilled' })
    for (const other of others) {
      expect(other).toMatchObject({ status: 'rejected', reason: { code: 'ERR_DUPLICATE_TASK', id: 'one' } })
    }
    const joined = await b.queueTask('echo', { text: 'again' }, { id: 'one', onDuplicate: 'join' })
    expect(joined.accepted).toMatchObject({ id: 'one', state: 'queued', fingerprint: 'f' })
    expect(await a.counts()).toEqual({ queued: 1, delayed: 0, running: 0, succeeded: 0, failed: 0 })
  })

  it('starts by priority, first in first out within one, also beside tasks without one', async () => {
    const { open } = await shared()
    const order: string[] = []
    const pool = await open({ note: async (input: string) => void order.push(input) }, { concurrency: 1 })
    const queue = (name: string, priority?: number) => pool.queueTask('note', name, { priority })
    await queue('normal 1')
    await queue('low', -1_048_575)
    await queue('high', 1_048_575)
    await queue('normal 2', 0)
    const last = await queue('above', 1)
    pool.start()
    await last.settled()
    await expect.poll(() => order).toEqual(['high', 'above', 'normal 1', 'normal 2', 'low'])
  })

  it('fails with the texts of its error, and without NUL', async () => {
    const { open } = await shared()
    const failing = async (): Promise<never> => {
      throw Object.assign(new RangeError('no\0 way'), { code: 'E\0VERY' })
    }
    const pool = (await open({ failing })).start()
    const task = await pool.queueTask('failing')
    await expect(task.result()).rejects.toMatchObject({ name: 'RangeError', code: 'EVERY', message: 'no way' })
    expect(await task.record()).toMatchObject({
      state: 'failed',
      error: { name: 'RangeError', code: 'EVERY', message: 'no way' }
    })
  })

  it('gives each call the input afresh, and tells the number of the attempt', async () => {
    const { open } = await shared()
    const seen: unknown[] = []
    const again = async (input: { list: number[] }, { attempt }: { attempt: number }) => {
      seen.push([attempt, [...input.list]])
      input.list.push(attempt)
      if (attempt < 3) throw new Error('not yet')
      return input.list
    }
    const pool = (await open({ again: { run: again, retry: { attempts: 3, backoffMs: 0 } } })).start()
    expect(await (await pool.queueTask('again', { list: [0] })).result()).toEqual([0, 3])
    expect(seen).toEqual([1, 2, 3].map((attempt) => [attempt, [0]]))
  })

  it('counts neither an attempt nor a failure for a snooze, and retries no error that its policy rules out', async () => {
    const { open } = await shared()
    let calls = 0
    const later = async (_input: undefined, { attempt }: { attempt: number }) => {
      calls++
      if (calls < 3) throw snooze(0)
      if (calls < 4) throw new Error('once more')
      throw new Error(`at last, ${attempt}`)
    }
    const retry = { attempts: 9, backoffMs: () => 0, when: (error: unknown) => String(error).includes('once more') }
    const pool = (await open({ later: { run: later, retry } })).start()
    const task = await pool.queueTask('later')
    await expect(task.result()).rejects.toThrow('at last, 2')
    expect([calls, (await task.record())?.attempt]).toEqual([4, 2])
  })

  it('takes a snooze after a cancel for the answer to it', async () => {
    const { open } = await shared()
    const running = gate()
    const pool = (
      await open({
        wait: async (_input: undefined, { signal }: { signal: AbortSignal }) => {
          running.open()
          await new Promise((resolve) => signal.addEventListener('abort', resolve))
          throw snooze(0)
        }
      })
    ).start()
    const task = await pool.queueTask('wait')
    await running.promise
    await task.cancel()
    expect(await task.settled()).toMatchObject({ state: 'canceled', reason: 'user' })
  })

  it('ends at its time limit: its own, the handler’s or the pool’s', async () => {
    const { open } = await shared()
    const wait = async (_input: undefined, { signal }: { signal: AbortSignal }) => {
      await new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    }
    const pool = (await open({ wait, limited: { run: wait, timeoutMs: 20 } }, { taskTimeoutMs: 30 })).start()
    const tasks = [
      await pool.queueTask('wait'),
      await pool.queueTask('limited'),
      await pool.queueTask('limited', undefined, { timeoutMs: 10 })
    ]
    const unlimited = await pool.queueTask('limited', undefined, { timeoutMs: Number.POSITIVE_INFINITY })
    const errors = await Promise.all(tasks.map((task) => task.result().catch((error: unknown) => error)))
    expect(errors.map((error) => (error as Error).message.match(/limit of (\d+) ms/)?.[1])).toEqual(['30', '20', '10'])
    expect(await unlimited.cancel()).not.toBe('finished')
    await unlimited.settled()
  })

  it('says why a result is not kept', async () => {
    const { open } = await shared()
    const results = { big: async () => 'x'.repeat(101), bare: async () => {}, odd: async () => () => {} }
    const pool = (await open(results, { maxResultBytes: 100 })).start()
    await expect((await pool.queueTask('big')).result()).rejects.toThrow('more than 100 bytes')
    await expect((await pool.queueTask('odd')).result()).rejects.toMatchObject({ code: 'ERR_STORE' })
    expect(await (await pool.queueTask('bare')).result()).toBeUndefined()
  })

  it('waits for its delay, and holds a place', async () => {
    const { open } = await shared()
    const pool = (await open(handlers, { queueCapacity: 1 })).start()
    const task = await pool.queueTask('echo', { text: 'late' }, { delayMs: 300 })
    expect(await pool.counts()).toMatchObject({ delayed: 1, queued: 0 })
    await expect(pool.queueTask('echo', { text: 'no room' })).rejects.toMatchObject({ code: 'ERR_QUEUE_FULL' })
    expect(await task.result()).toBe('late')
  })

  it('is left to others by a process that does not know its handler, which reports that once', async () => {
    const { open } = await shared()
    const reported: unknown[] = []
    const onUnobservedError = (error: unknown) => void reported.push(error)
    const old = (await open({ other: async () => 1 }, { onUnobservedError })).start()
    const pool = await open(handlers)
    const tasks = [await pool.queueTask('echo', { text: 'a' }), await pool.queueTask('echo', { text: 'b' })]
    await expect.poll(async () => (await pool.counts()).delayed).toBe(2)
    expect(reported).toMatchObject([{ message: expect.stringContaining('no handler `echo`') }])
    await old.stop({ graceMs: 0 })
    pool.start()
    expect(await Promise.all(tasks.map((task) => task.result()))).toEqual(['a', 'b'])
  })

  it('is forgotten when more have ended than are kept', async () => {
    const { open } = await shared()
    const pool = (
      await open(handlers, { concurrency: 1, retention: { count: 1, ms: Number.POSITIVE_INFINITY } })
    ).start()
    const first = await pool.queueTask('echo', { text: '1' })
    expect(await first.settled()).not.toHaveProperty('expiresAt')
    await (await pool.queueTask('echo', { text: '2' })).settled()
    expect(await first.record()).toBeUndefined()
    await expect(first.settled()).rejects.toThrow('no longer kept')
    expect(await pool.counts()).toMatchObject({ succeeded: 1 })
  })

  it('is kept until the last date when its retention leads beyond that', async () => {
    const { open } = await shared()
    const pool = (await open(handlers, { retention: { ms: Number.MAX_SAFE_INTEGER } })).start()
    const task = await pool.queueTask('echo', { text: '1' })
    expect(await task.settled()).toMatchObject({ state: 'succeeded', expiresAt: '+275760-09-13T00:00:00.000Z' })
    expect(await pool.tasks()).toHaveLength(1)
  })

  it('is listed by state and key, newest first', async () => {
    const { open } = await shared()
    const pool = await open({ ...handlers, fail: async () => Promise.reject(new Error('no')) }, { concurrency: 1 })
    const first = await pool.queueTask('echo', { text: '1' }, { key: 'ann' })
    const failed = await pool.queueTask('fail', undefined, { key: 'bob' })
    const canceled = await pool.queueTask('echo', { text: '3' })
    await canceled.cancel()
    pool.start()
    await Promise.all([first.settled(), failed.settled()])
    await pool.stop()
    const reader = await open(handlers)
    const queued = await reader.queueTask('echo', { text: '4' }, { key: 'ann' })
    const ids = async (query?: object) => (await reader.tasks(query)).map(({ id }) => id)
    expect(new Set(await ids())).toEqual(new Set([first.id, failed.id, canceled.id, queued.id]))
    expect((await ids())[0]).toBe(queued.id)
    expect(await ids({ key: 'ann' })).toEqual([queued.id, first.id])
    expect(await ids({ state: 'failed' })).toEqual([failed.id])
    expect(await ids({ state: 'canceled' })).toEqual([canceled.id])
    expect(await ids({ limit: 1 })).toEqual([queued.id])
    await expect(reader.tasks({ limit: 0 })).rejects.toThrow('limit')
  })

  it('is listed newest first also when tasks of a lower priority wait', async () => {
    const { open } = await shared()
    const pool = await open(handlers)
    const queue = async (priority: number) => (await pool.queueTask('echo', { text: 'x' }, { priority })).id
    const low = [await queue(-1), await queue(-1), await queue(-1)]
    const lastOfThem = Date.parse((await pool.findTask(low[2] as string))!.queuedAt)
    await expect.poll(() => Date.now()).toBeGreaterThan(lastOfThem)
    const high = [await queue(5), await queue(5)]
    expect(new Set((await pool.tasks({ state: 'queued', limit: 2 })).map(({ id }) => id))).toEqual(new Set(high))
  })

  it('is listed however many others come before it', async () => {
    const { open } = await shared()
    const pool = await open(handlers, { queueCapacity: Number.POSITIVE_INFINITY })
    const mine = await pool.queueTask('echo', { text: 'x' }, { key: 'mine' })
    await Promise.all(Array.from({ length: 250 }, () => pool.queueTask('echo', { text: 'x' }, { key: 'other' })))
    expect(await pool.tasks({ key: 'mine', limit: 2 })).toMatchObject([{ id: mine.id }])
    const canceled = await pool.queueTask('echo', { text: 'x' })
    await canceled.cancel()
    const fail = async () => Promise.reject(new Error('no'))
    const failing = await open({ ...handlers, fail }, { queueCapacity: Number.POSITIVE_INFINITY })
    failing.start()
    const failed = await Promise.all([1, 2].map(() => failing.queueTask('fail', undefined, { priority: 1 })))
    await Promise.all(failed.map((task) => task.settled()))
    expect(await pool.tasks({ state: 'canceled', limit: 1 })).toMatchObject([{ id: canceled.id }])
  })

  it('is counted and announced by the process that ran it', async () => {
    const { open } = await shared()
    const reported: unknown[] = []
    const pool = await open(handlers, { onUnobservedError: (error) => void reported.push(error) })
    const events: unknown[] = []
    const note = (notice: { id: string; state: string }) => void events.push([notice.id, notice.state])
    pool.on('started', note).on('settled', note)
    pool.on('settled', () => {
      throw new Error('a listener')
    })
    pool.start().start()
    const { id, name } = await pool.queueTask('echo', { text: 'a' })
    expect(name).toBe('echo')
    await expect
      .poll(() => events)
      .toEqual([
        [id, 'running'],
        [id, 'succeeded']
      ])
    expect(reported).toMatchObject([{ message: 'a listener' }])
    expect(pool.stats()).toMatchObject({ running: 0, totals: { started: 1, succeeded: 1, failed: 0, canceled: 0 } })
    pool.off('settled', note)
    await (await pool.queueTask('echo', { text: 'b' })).settled()
    await pool.drain()
    expect(events).toHaveLength(3)
    expect(String(pool)).toBe('test: running, running 0/2')
  })

  it('gives its function the context of a WorkerPool', async () => {
    const { open } = await shared()
    const look = async (_input: undefined, { id, name, key, metadata, stopping, attempt }: TaskContext) => ({
      ...{ id, name, key, metadata, attempt, aborted: stopping.aborted }
    })
    const pool = (await open({ look })).start()
    const task = await pool.queueTask('look', undefined, { key: 'k', metadata: 7 })
    expect(await task.result()).toEqual({
      id: task.id,
      name: 'look',
      key: 'k',
      metadata: 7,
      attempt: 1,
      aborted: false
    })
  })

  it('needs a handler', async () => {
    const { open } = await shared()
    const pool = await open(handlers)
    await expect(pool.queueTask('ecko' as 'echo', { text: '' })).rejects.toThrow('did you mean `echo`')
  })

  it('reports what a listener throws, whatever the hook does', async () => {
    const { open } = await shared()
    const printed = vi.spyOn(console, 'error').mockReturnValue()
    onTestFinished(() => printed.mockRestore())
    const bad = await open(handlers, {
      onUnobservedError: () => {
        throw new Error('a hook')
      }
    })
    for (const pool of [bad, await open(handlers)]) {
      pool.on('stopping', () => {
        throw new Error('a listener')
      })
      await pool.stop()
    }
    expect(printed.mock.calls.map(([line]) => String(line).trim())).toEqual([
      'coatcheck: unobserved error: Error: a hook',
      'coatcheck: unobserved error: Error: a listener'
    ])
  })

  it('is accepted once when it is sent again because the answer was lost', async () => {
    const { server } = await shared()
    const connection = new Redis({ ...connectionTo(server), maxRetriesPerRequest: 1 })
    onTestFinished(() => connection.disconnect())
    const checkScripts = changeScripts(connection, 1)
    const queue = new Queue('test', { connection, prefix: 'coatcheck' })
    await queue.waitUntilReady()
    checkScripts()
    const settings = checkSharedPoolOptions({
      ...{ name: 'test', connection: {}, concurrency: 1, queueCapacity: 1, handlers },
      retention: { ms: Number.POSITIVE_INFINITY }
    }).pool
    // The second time it draws the same random number: to Redis it is the same submission.
    const clock = { ...systemClock, randomBytes: (count: number) => new Uint8Array(count).fill(7) }
    const submissions = new Submissions({ queue, settings, clock, isAway: () => false, meanRunMs: () => 0 })
    const submit = () => submissions.submit('echo', {}, checkSharedTaskOptions({ id: 'sent' }, 'echo'))
    const [first, second] = [await submit(), await submit()]
    expect(second).toEqual(first)
    expect(first).toMatchObject({ id: 'sent', name: 'echo', state: 'queued', attempt: 0, revision: 0 })
    expect(first).not.toHaveProperty('expiresAt')
    expect(await queue.getPrioritizedCount()).toBe(1)
  })
})
