import { describe, expect, it } from 'vitest'
import {
  type StoredTask,
  snooze,
  type TaskContext,
  TaskInterruptedError,
  type TaskRecord,
  TaskTimeoutError,
  WorkerPool
} from '../../src/index.js'
import { MemoryDisk, memoryStore } from '../../src/testing/index.js'
import { durablePool, onlyRow, startedDurablePool } from '../support/durable-pools.js'
import { ManualClock } from '../support/manual-clock.js'
import { never, rejection } from '../support/pools.js'

/** The process ends at once, and another one opens the same disk. */
const LATER_MS = 5_000
const SKIPPED = 2 ** 20

describe('tasks that had ended', () => {
  it('are retained as they were: the records are equal, byte by byte', async () => {
    const handlers = {
      returns: (n: number) => ({ n, deep: [1, { a: null }] }),
      nothing: () => undefined,
      big: () => 'x'.repeat(100),
      odd: () => () => 1,
      throws: () => {
        throw Object.assign(new RangeError('too much'), { code: 'E_MUCH', expose: true })
      },
      times: never,
      progresses: (_: unknown, { progress }: { progress: (ratio: number, message?: string) => void }) =>
        progress(0.5, 'half')
    }
    const options = { handlers, concurrency: 10, maxResultBytes: 50 }
    const { clock, pool, store, disk } = startedDurablePool(options)
    const tasks = [
      pool.queueTask('returns', 1, { key: 'acme', metadata: { by: ['me'] }, fingerprint: 'abc', id: 'mine' }),
      pool.queueTask('nothing'),
      pool.queueTask('big'),
      pool.queueTask('odd'),
      pool.queueTask('throws'),
      pool.queueTask('times', undefined, { timeoutMs: 10 }),
      pool.queueTask('progresses', {}),
      pool.queueTask('times', undefined, { timeoutMs: Number.POSITIVE_INFINITY })
    ]
    await clock.advance(7)
    tasks[7]?.cancel(new Error('no longer'))
    await clock.advance(33)
    void pool.stop({ graceMs: 0, forceMs: 0 })
    await clock.advance(1)
    const records = tasks.map((task) => JSON.stringify(task.record()))
    expect(store.stats().writes).toBeGreaterThan(1)
    const next = durablePool({ ...options, disk, clock: new ManualClock(77, clock.date() + LATER_MS) })
    expect(tasks.map(({ id }) => JSON.stringify(next.pool.task(id)?.record()))).toEqual(records)
    expect(next.pool.tasks()).toHaveLength(tasks.length)
    expect(await next.pool.task('mine')?.result()).toEqual({ n: 1, deep: [1, { a: null }] })
    expect(await rejection(next.pool.task(tasks[2]?.id as string)?.result() as Promise<unknown>)).toMatchObject({
      code: 'ERR_STORE'
    })
    const thrown = await rejection(next.pool.task(tasks[4]?.id as string)?.result() as Promise<unknown>)
    expect(thrown).toMatchObject({ name: 'RangeError', code: 'E_MUCH', message: 'too much', expose: true })
    const interrupted = await rejection(next.pool.task(tasks[5]?.id as string)?.result() as Promise<unknown>)
    expect(interrupted).toBeInstanceOf(TaskInterruptedError)
    expect(interrupted).not.toBeInstanceOf(TaskTimeoutError)
  })

  it('are retained for as long, and as many, as the retention says', async () => {
    const handlers = { n: (n: number) => n }
    const { clock, pool, store, disk } = startedDurablePool({ handlers, concurrency: 10 })
    const old = pool.queueTask('n', 0)
    await clock.advance(1_000)
    const ids = [1, 2, 3].map((n) => pool.queueTask('n', n).id)
    await clock.turn()
    store.kill()
    const retention = { count: 2, ms: 900 }
    const next = durablePool({ handlers, disk, retention, clock: new ManualClock(0, clock.date()) })
    expect(next.pool.task(old.id)).toBeUndefined()
    expect(ids.map((id) => next.pool.task(id)?.state)).toEqual([undefined, 'succeeded', 'succeeded'])
    const found = (await next.pool.findTask(old.id)) as TaskRecord
    expect(found).toMatchObject({ id: old.id, state: 'succeeded', result: 0 })
    expect(found).not.toHaveProperty('expiresAt')
    expect(next.pool.stats().retention).toMatchObject({ retained: 2, forgottenEarly: 0 })
    await next.clock.advance(900)
    expect(next.pool.task(ids[2] as string)).toBeUndefined()
  })

  it.each([
    ['none', { count: 0 }, [undefined, undefined]],
    ['that whose time has not passed', { ms: 1_000 }, [undefined, 'succeeded']],
    ['both', { ms: 1_001 }, ['succeeded', 'succeeded']]
  ])('are retained as soon as the next pool is made: %s', async (_, retention, states) => {
    const handlers = { n: (n: number) => n }
    const { clock, pool, store, disk } = startedDurablePool({ handlers })
    const old = pool.queueTask('n', 0)
    await clock.advance(1_000)
    const young = pool.queueTask('n', 1)
    await clock.turn()
    store.kill()
    const next = durablePool({ handlers, disk, retention, clock: new ManualClock(0, clock.date()) })
    expect(next.pool.stats().retention).toMatchObject({
      retained: states.filter((state) => state !== undefined).length,
      forgottenEarly: 0
    })
    expect([old, young].map(({ id }) => next.pool.task(id)?.state)).toEqual(states)
  })

  it('are retained each for its own time', async () => {
    const handlers = { n: (n: number) => n }
    const { clock, pool, store, disk } = startedDurablePool({ handlers, concurrency: 2 })
    const short = pool.queueTask('n', 0, { retainMs: 999 })
    const long = pool.queueTask('n', 1, { retainMs: 1_001 })
    await clock.advance(1_000)
    store.kill()
    const next = durablePool({ handlers, disk, clock: new ManualClock(0, clock.date()) })
    expect(next.pool.stats().retention.retained).toBe(1)
    expect(next.pool.task(short.id)).toBeUndefined()
    expect(next.pool.task(long.id)?.state).toBe('succeeded')
  })
})

describe('tasks that were queued', () => {
  it('are queued again in their order, with priority, key and input, beyond the capacity if need be', async () => {
    const handlers = { note: (n: number) => order.push(n) }
    const order: number[] = []
    const first = durablePool({ handlers })
    for (const n of [1, 2, 3]) first.pool.queueTask('note', n, { key: `k${n % 2}` })
    first.pool.queueTask('note', 4, { priority: 1 })
    await first.clock.turn()
    first.store.kill()
    const next = durablePool({ handlers, disk: first.disk, queueCapacity: 1 })
    expect(next.pool.stats()).toMatchObject({ queued: 4, totals: { submitted: 4, accepted: 4 } })
    expect(() => next.pool.queueTask('note', 5)).toThrow('full')
    next.pool.start()
    await next.clock.turn()
    expect(order).toEqual([4, 1, 2, 3])
    expect(next.store.stats().inserted).toBe(0)
  })

  it('write nothing when they are taken up, and have a revision that no reader has seen', async () => {
    const handlers = { work: () => 1 }
    const first = durablePool({ handlers })
    const { id } = first.pool.queueTask('work')
    await first.clock.turn()
    first.store.kill()
    const next = durablePool({ handlers, disk: first.disk })
    await next.clock.turn()
    expect(next.store.stats().writes).toBe(0)
    expect(next.pool.task(id)?.record()).toMatchObject({ state: 'queued', revision: 1 + SKIPPED, position: 1 })
    next.pool.start()
    await next.clock.turn()
    expect(onlyRow(next.disk)).toMatchObject({ state: 'succeeded', revision: 4 + SKIPPED })
  })

  it('wait for the rest of their backoff, and keep their attempts and failures', async () => {
    const calls: number[] = []
    const handlers = {
      fails: (_: unknown, { attempt }: { attempt: number }) => {
        calls.push(attempt)
        throw new Error(`attempt ${attempt}`)
      }
    }
    const options = { handlers, retry: { attempts: 3, backoffMs: () => 10_000 } }
    const first = startedDurablePool(options)
    const { id } = first.pool.queueTask('fails', null)
    await first.clock.turn()
    expect(onlyRow(first.disk)).toMatchObject({ state: 'queued', attempt: 1, failures: 1, ord: 2 })
    first.store.kill()
    const next = startedDurablePool({
      ...options,
      disk: first.disk,
      clock: new ManualClock(0, first.clock.date() + 4_000)
    })
    expect(next.pool.stats().delayed).toBe(1)
    await next.clock.advance(5_999)
    expect(calls).toEqual([1])
    await next.clock.advance(1)
    expect(calls).toEqual([1, 2])
    await next.clock.advance(10_000)
    expect(calls).toEqual([1, 2, 3])
    expect(next.pool.task(id)?.record()).toMatchObject({ state: 'failed', attempt: 3 })
  })

  it('have the times of their first process, however long ago that was', async () => {
    const handlers = {
      fails: { run: () => Promise.reject(new Error('again')), retry: { attempts: 2, backoffMs: () => 10 ** 9 } }
    }
    const first = startedDurablePool({ handlers })
    const early = first.pool.queueTask('fails')
    await first.clock.advance(1_000)
    const late = first.pool.queueTask('fails')
    await first.clock.turn()
    const before = [early, late].map((task) => task.record())
    expect(before[0]).toHaveProperty('startedAt')
    first.store.kill()
    const next = durablePool({ handlers, disk: first.disk, clock: new ManualClock(0, first.clock.date() + 3_600_000) })
    const after = [early, late].map(({ id }) => next.pool.task(id)?.record())
    expect(after).toEqual(before.map((record) => ({ ...record, revision: expect.any(Number) })))
  })

  it('wait for ever where their backoff has no end', async () => {
    const retry = { attempts: 2, backoffMs: () => Number.POSITIVE_INFINITY }
    const handlers = { fails: { run: () => Promise.reject(new Error('again')), retry } }
    const first = startedDurablePool({ handlers })
    const { id } = first.pool.queueTask('fails')
    await first.clock.turn()
    first.store.kill()
    const next = startedDurablePool({ handlers, disk: first.disk })
    await next.clock.advance(10 ** 12)
    expect(next.pool.stats()).toMatchObject({ delayed: 1, totals: { started: 0 } })
    expect(next.pool.cancel(id)).toBe('canceled')
    await next.clock.turn()
    expect(onlyRow(next.disk)).toMatchObject({ state: 'canceled', attempt: 1 })
  })

  it('are canceled at once when their time in the queue has run out', async () => {
    const calls: number[] = []
    const handlers = { note: (n: number) => calls.push(n) }
    const first = durablePool({ handlers })
    const late = first.pool.queueTask('note', 1, { queueTimeoutMs: 1_000 })
    const intime = first.pool.queueTask('note', 2, { queueTimeoutMs: 10_000 })
    await first.clock.turn()
    first.store.kill()
    const next = startedDurablePool({
      handlers,
      disk: first.disk,
      clock: new ManualClock(0, first.clock.date() + 2_000)
    })
    await next.clock.turn()
    expect(next.pool.task(late.id)?.record()).toMatchObject({ state: 'canceled', reason: 'queue_timeout' })
    expect(next.pool.task(intime.id)?.state).toBe('succeeded')
    expect(calls).toEqual([2])
  })

  it('stay in the store, reported once, when this pool lacks their handler', async () => {
    const first = durablePool({ handlers: { old: () => 1 } })
    const parked = first.pool.queueTask('old', undefined, { id: 'mine' })
    await first.clock.turn()
    first.store.kill()
    const reported: unknown[] = []
    const second = startedDurablePool({
      handlers: { other: () => 2 },
      disk: first.disk,
      onUnobservedError: (error: unknown) => reported.push(error)
    })
    await second.clock.turn()
    expect(reported.map(String)).toEqual([expect.stringContaining('"old"')])
    expect(second.pool.stats()).toMatchObject({ parked: 1, queued: 0 })
    expect(await second.pool.findTask(parked.id)).toMatchObject({ id: 'mine', state: 'queued', attempt: 0 })
    expect(() => second.pool.queueTask('other', undefined, { id: 'mine' })).toThrow('already exists')
    second.store.kill()
    const third = startedDurablePool({ handlers: { old: () => 1 }, disk: first.disk })
    await third.clock.turn()
    expect(await third.pool.task('mine')?.result()).toBe(1)
  })
})

it('names ten missing handlers at most in the report of tasks that stay in the store', async () => {
  const names = Array.from({ length: 11 }, (_, n) => `old ${n}`)
  const first = durablePool({ handlers: Object.fromEntries(names.map((name) => [name, () => 1])), queueCapacity: 11 })
  for (const name of names) first.pool.queueTask(name)
  await first.clock.turn()
  first.store.kill()
  const reported: unknown[] = []
  const next = durablePool({ disk: first.disk, onUnobservedError: (error: unknown) => reported.push(error) })
  next.pool.start()
  await next.clock.turn()
  const listed = names.slice(0, 10).map((name) => `"${name}"`)
  expect(reported.map(String)).toEqual([
    expect.stringContaining(`11 unfinished tasks of handlers that this pool lacks: ${listed.join(', ')} and others.`)
  ])
})

describe('tasks that ran', () => {
  const killedWhileRunning = async (
    rerun: boolean,
    prepare: (first: ReturnType<typeof startedDurablePool>, id: string) => void = () => {}
  ) => {
    const first = startedDurablePool({ handlers: { work: { run: never, rerun } } })
    const { id } = first.pool.queueTask('work')
    await first.clock.turn()
    prepare(first, id)
    await first.clock.turn()
    first.store.kill()
    return { id, disk: first.disk, clock: new ManualClock(0, first.clock.date() + LATER_MS) }
  }

  it('fail, since nobody knows what they have done', async () => {
    const { id, ...rest } = await killedWhileRunning(false)
    const next = durablePool({ handlers: { work: () => 1 }, ...rest })
    expect(next.pool.task(id)?.state).toBe('running')
    next.pool.start()
    await next.clock.turn()
    expect(next.pool.task(id)?.record()).toMatchObject({
      state: 'failed',
      error: { code: 'ERR_TASK_INTERRUPTED' },
      attempt: 1
    })
    expect(next.witness.names()).toContain('failed')
  })

  it('are run again where their handler allows it, with the next attempt and all their retries', async () => {
    const { id, ...rest } = await killedWhileRunning(true)
    const attempts: number[] = []
    const run = (_: unknown, { attempt }: { attempt: number }) => {
      attempts.push(attempt)
      throw new Error('again')
    }
    const retry = { attempts: 2, backoffMs: 0 }
    const next = startedDurablePool({ handlers: { work: { run, rerun: true, retry } }, ...rest })
    await next.clock.advance(1)
    expect(attempts).toEqual([2, 3])
    expect(onlyRow(next.disk)).toMatchObject({ id, state: 'failed', attempt: 3, failures: 1, crashes: 1 })
  })

  it('are canceled, not run again, when that was asked before', async () => {
    const { id, ...rest } = await killedWhileRunning(true, ({ pool }, id) => void pool.cancel(id))
    const next = startedDurablePool({ handlers: { work: { run: never, rerun: true } }, ...rest })
    await next.clock.turn()
    expect(next.pool.task(id)?.record()).toMatchObject({ state: 'canceled', reason: 'user', attempt: 1 })
    expect(next.pool.task(id)?.record()).toHaveProperty('cancelRequestedAt')
  })

  it('fail as poisoned when the process has ended too often while they ran', async () => {
    let { id, disk, clock } = await killedWhileRunning(true)
    const handlers = { work: { run: never, rerun: true } }
    for (const crashes of [1, 2]) {
      const next = startedDurablePool({ handlers, disk, clock })
      await next.clock.turn()
      expect(onlyRow(disk)).toMatchObject({ state: 'running', crashes, attempt: crashes + 1 })
      next.store.kill()
      clock = new ManualClock(0, clock.date())
    }
    const last = startedDurablePool({ handlers, disk, clock })
    await last.clock.turn()
    expect(last.pool.task(id)?.record()).toMatchObject({
      state: 'failed',
      error: { code: 'ERR_TASK_POISONED' },
      attempt: 3
    })
  })

  it('are run again one at a time, the least suspected first, beside all other work', async () => {
    const started: string[] = []
    let ends = new Map<string, () => void>()
    const run = (name: string) => {
      started.push(name)
      return new Promise<void>((resolve) => ends.set(name, resolve))
    }
    const handlers = { work: { run, rerun: true } }
    const first = startedDurablePool({ handlers, concurrency: 2 })
    for (const name of ['a', 'b', 'c']) first.pool.queueTask('work', name)
    await first.clock.turn()
    expect(started).toEqual(['a', 'b'])
    first.store.kill()
    ends = new Map()
    const next = startedDurablePool({ handlers, concurrency: 3, disk: first.disk })
    await next.clock.turn()
    expect(started.slice(2)).toEqual(['a', 'c'])
    ends.get('a')?.()
    await next.clock.turn()
    expect(started.slice(2)).toEqual(['a', 'c', 'b'])
  })

  it('wait for their turn also after another end of the process', async () => {
    const started: string[] = []
    const ends = new Map<string, () => void>()
    const run = (name: string) => {
      started.push(name)
      return new Promise<void>((resolve) => ends.set(name, resolve))
    }
    const options = { handlers: { work: { run, rerun: true } }, concurrency: 2 }
    let process = startedDurablePool(options)
    for (const name of ['a', 'b']) process.pool.queueTask('work', name)
    for (let crashes = 1; crashes <= 2; crashes++) {
      await process.clock.turn()
      process.store.kill()
      process = startedDurablePool({ ...options, disk: process.disk })
    }
    await process.clock.turn()
    expect(started).toEqual(['a', 'b', 'a', 'b']) // the one that ran alone is suspected more
    ends.get('b')?.()
    await process.clock.turn()
    expect(started).toEqual(['a', 'b', 'a', 'b', 'a'])
  })
})

describe('a store', () => {
  it('serves one pool', () => {
    const store = memoryStore()
    new WorkerPool({ concurrency: 1, queueCapacity: 1, store })
    expect(() => new WorkerPool({ concurrency: 1, queueCapacity: 1, store })).toThrow(TypeError)
  })

  it('gives the same ticket for the same text, in each pool', () => {
    const { pool, store, disk } = durablePool()
    const ticket = pool.ticketFor('acme POST /reports key-1')
    expect(ticket).toMatch(/^[A-Za-z0-9_-]{22,128}$/)
    store.kill()
    expect(durablePool({ disk }).pool.ticketFor('acme POST /reports key-1')).toBe(ticket)
    expect(durablePool().pool.ticketFor('acme POST /reports key-1')).not.toBe(ticket)
  })
})

describe('a wall clock that was stepped back before a task was called', () => {
  it('does not make the next process give an attempt its number again', async () => {
    const disk = new MemoryDisk()
    const last = memoryStore({ disk })
    const queuedAt = new ManualClock().date()
    await last.write({ insert: [steppedRow(queuedAt)], update: [], remove: [] })
    await last.close()
    const attempts: number[] = []
    const handlers = { send: { run: (_: unknown, { attempt }: TaskContext) => void attempts.push(attempt) } }
    const { clock } = startedDurablePool({ handlers, disk, clock: new ManualClock(0, queuedAt + LATER_MS) })
    await clock.advance(1)
    expect(attempts).toEqual([2])
  })
})

/** A task that waits for its second attempt, and was first called before it was queued, by the clock. */
const steppedRow = (queuedAt: number): StoredTask => ({
  ...{ seq: 1, ord: 2, id: 'mine', chosen: true, name: 'send', key: null, priority: 0, queuedAt, input: null },
  ...{ options: null, metadata: null, fingerprint: null, state: 'queued', attempt: 1, failures: 1, revision: 3 },
  ...{ crashes: 0, startedAt: queuedAt - 5_000, dueAt: null, cancelAt: null, settledAt: null, outcome: null }
})

describe('a restart while a task waits', () => {
  it('does not limit the wait of a task that was called and asked for a delay', async () => {
    let notYet = true
    const handlers = {
      work: () => {
        if (notYet) throw snooze(60_000)
        return 'done'
      }
    }
    const first = startedDurablePool({ handlers, queueTimeoutMs: 1_000 })
    const { id } = first.pool.queueTask('work')
    await first.clock.turn()
    expect(onlyRow(first.disk)).toMatchObject({ state: 'queued', attempt: 0, failures: 0 })
    first.store.kill()
    notYet = false
    const clock = new ManualClock(0, first.clock.date() + 120_000)
    const next = startedDurablePool({ handlers, queueTimeoutMs: 1_000, disk: first.disk, clock })
    await next.clock.turn()
    expect(next.pool.task(id)?.record()).toMatchObject({ state: 'succeeded', attempt: 1, result: 'done' })
  })

  it('limits the wait of a delayed task from the end of its delay', async () => {
    const options = { handlers: { work: () => 1 }, queueTimeoutMs: 1_000 }
    const first = durablePool(options)
    const late = first.pool.queueTask('work', null, { delayMs: 10_000 })
    const later = first.pool.queueTask('work', null, { delayMs: 20_000 })
    await first.clock.turn()
    first.store.kill()
    const clock = new ManualClock(0, first.clock.date() + 10_500)
    const next = startedDurablePool({ ...options, disk: first.disk, clock })
    next.pool.pause()
    await clock.turn()
    expect(next.pool.task(late.id)?.state).toBe('succeeded')
    await clock.advance(9_500 + 999)
    expect(next.pool.task(later.id)?.state).toBe('queued')
    await clock.advance(1)
    expect(next.pool.task(later.id)?.record()).toMatchObject({ state: 'canceled', reason: 'queue_timeout' })
  })
})
