import { getEventListeners } from 'node:events'
import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { type Task, type TaskContext, type TaskRecord, WorkerPool, type WorkerPoolOptions } from '../../src/index.js'
import type { PoolTask } from '../../src/task/task.js'
import { gate } from '../support/gate.js'
import { ManualClock } from '../support/manual-clock.js'

const make = (options: Partial<WorkerPoolOptions> = {}) => {
  const clock = new ManualClock()
  const pool = new WorkerPool({ concurrency: 1, queueCapacity: 2_000, clock, onUnobservedError: () => {}, ...options })
  return { clock, pool }
}

const hang = () => new Promise<never>(() => {})
const START = '2030-01-01T00:00:00.000Z'
const reader = (task: Task, signal?: AbortSignal) => task.changes({ signal })[Symbol.asyncIterator]()

describe('looking up tasks', () => {
  it('task(id) finds a task while it is live or retained, and not afterwards', async () => {
    const { clock, pool } = make({ retention: { ms: 1_000 } })
    const task = pool.queueTask(() => 'done')
    expect(pool.task(task.id)).toBe(task)
    pool.start()
    expect(pool.task(task.id)).toBe(task)
    await clock.turn()
    expect(pool.task(task.id)).toBe(task)
    await clock.advance(999)
    expect(pool.task(task.id)).toBe(task)
    await clock.advance(1)
    expect(pool.task(task.id)).toBeUndefined()
    expect(pool.cancel(task.id)).toBe('unknown')
    expect(task.record()).toMatchObject({ state: 'succeeded', result: 'done' })
    expect(pool.task('nothing')).toBeUndefined()
  })

  it('drops expired tasks also when the timer is late', async () => {
    const { clock, pool } = make({ retention: { ms: 1_000 } })
    pool.start()
    const { id } = pool.queueTask(() => 'done')
    await clock.turn()
    clock.block(1_000)
    expect(pool.task(id)).toBeUndefined()
    expect(pool.tasks()).toEqual([])
    expect(pool.stats().retained).toBe(0)
  })

  it('uses the monotonic clock for expiry: a step of the wall clock has no effect', async () => {
    const { clock, pool } = make({ retention: { ms: 1_000 } })
    pool.start()
    const { id } = pool.queueTask(() => 'done')
    await clock.turn()
    clock.stepWall(86_400_000)
    await clock.advance(999)
    expect(pool.task(id)?.record()).toMatchObject({ settledAt: START, expiresAt: '2030-01-01T00:00:01.000Z' })
    await clock.advance(1)
    expect(pool.task(id)).toBeUndefined()
  })

  it('keeps the newest `count` and drops the oldest settled first', async () => {
    const { clock, pool } = make({ retention: { count: 2 } })
    pool.start()
    const tasks = ['a', 'b', 'c'].map((id) => pool.queueTask(() => id, { id }))
    await clock.turn()
    expect(tasks.map(({ id }) => pool.task(id)?.id)).toEqual([undefined, 'b', 'c'])
    expect(pool.stats().retained).toBe(2)
    expect(pool.tasks()).toEqual([tasks[2], tasks[1]])
  })

  it('keeps nothing with a count of 0 or an age of 0, without a timer', async () => {
    for (const retention of [{ count: 0 }, { ms: 0 }]) {
      const { clock, pool } = make({ retention })
      pool.start()
      const task = pool.queueTask(() => 'done', { id: 'a' })
      let during: unknown = 'not told'
      pool.on('settled', () => {
        during = pool.task('a')
      })
      await clock.turn()
      expect([during, pool.task('a'), pool.stats().retained, pool.tasks()]).toEqual([undefined, undefined, 0, []])
      expect(clock.timers()).toBe(0)
      expect(await task.result()).toBe('done')
      expect(pool.queueTask(() => 'again', { id: 'a' }).state).toBe('running')
    }
  })

  it('keeps tasks for ever with an age of Infinity, without a timer and without expiresAt', async () => {
    const { clock, pool } = make({ retention: { ms: Number.POSITIVE_INFINITY, count: Number.POSITIVE_INFINITY } })
    pool.start()
    const tasks = Array.from({ length: 1_500 }, () => pool.queueTask(() => {}))
    for (const { id } of tasks) pool.task(id)
    await clock.turn()
    expect(clock.timers()).toBe(0)
    await clock.advance(2 ** 45)
    expect(pool.stats().retained).toBe(1_500)
    expect(pool.task(tasks[0]?.id ?? '')).toBe(tasks[0])
    expect(tasks[0]?.record()).not.toHaveProperty('expiresAt')
  })

  it('keeps 1,000 tasks for ten minutes by default', async () => {
    const { clock, pool } = make()
    pool.start()
    for (let n = 0; n < 1_001; n++) pool.queueTask(() => {}, { id: `task-${n}` })
    await clock.turn()
    expect(pool.stats().retained).toBe(1_000)
    expect(clock.timers('alive')).toBe(0)
    await clock.advance(599_999)
    expect(pool.stats().retained).toBe(1_000)
    await clock.advance(1)
    expect(pool.stats().retained).toBe(0)
  })

  it('accepts an age with a fraction of a millisecond', async () => {
    const { clock, pool } = make({ retention: { ms: 10.5 } })
    pool.start()
    const { id } = pool.queueTask(() => 'done')
    await clock.turn()
    clock.block(10)
    expect(pool.task(id)?.id).toBe(id)
    clock.block(0.5)
    expect(pool.task(id)).toBeUndefined()
  })

  it('tasks() returns the newest first, a hundred by default, of every state', async () => {
    const { clock, pool } = make({ concurrency: 2 })
    pool.start()
    const order: string[] = []
    const queue = (id: string, run: () => unknown, more = {}) => {
      order.unshift(id)
      return pool.queueTask(run, { id, ...more })
    }
    queue('succeeded', () => {})
    queue('delayed', () => Promise.reject(new Error('again')), { retry: { attempts: 2, backoffMs: () => 10_000 } })
    await clock.advance(1)
    queue('running', hang, { key: 'a' })
    queue('canceled', hang).cancel()
    queue('also-running', hang)
    await clock.advance(1)
    queue('queued', hang, { key: 'a', priority: -5 })
    queue('queued-first', hang, { priority: 5 })
    const ids = (query?: Parameters<typeof pool.tasks>[0]) => pool.tasks(query).map(({ id }) => id)
    expect(ids()).toEqual(order)
    expect(ids({ state: 'queued' })).toEqual(['queued-first', 'queued', 'delayed'])
    expect(ids({ state: 'running' })).toEqual(['also-running', 'running'])
    expect(ids({ state: 'succeeded' })).toEqual(['succeeded'])
    expect(ids({ state: 'canceled' })).toEqual(['canceled'])
    expect(ids({ state: 'failed' })).toEqual([])
    expect(ids({ key: 'a' })).toEqual(['queued', 'running'])
    expect(ids({ key: 'a', state: 'queued' })).toEqual(['queued'])
    expect(ids({ limit: 2 })).toEqual(['queued-first', 'queued'])
    expect(ids({ state: undefined, key: undefined, limit: undefined })).toEqual(order)
  })

  it('tasks() is bounded: 100 by default, at most 1,000', () => {
    const { pool } = make()
    const tasks = Array.from({ length: 1_500 }, () => pool.queueTask(hang))
    expect(pool.tasks()).toEqual(tasks.slice(-100).reverse())
    expect(pool.tasks({ limit: 1_000 })).toEqual(tasks.slice(-1_000).reverse())
    for (const limit of [0, -1, 1_001, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => pool.tasks({ limit })).toThrow(RangeError)
    }
    expect(() => pool.tasks({ limit: '1' as never })).toThrow(TypeError)
    expect(() => pool.tasks({ state: 'done' as never })).toThrow(RangeError)
    expect(() => pool.tasks({ unknown: 1 } as never)).toThrow(TypeError)
    expect(() => pool.tasks(null as never)).toThrow(TypeError)
  })

  it('tasks() with a limit returns the newest also if an older one was requeued after its backoff', async () => {
    const { clock, pool } = make()
    pool.start()
    pool.queueTask(() => Promise.reject(new Error('again')), { id: 'old', retry: { attempts: 2, backoffMs: () => 10 } })
    await clock.advance(5)
    pool.pause()
    pool.queueTask(hang, { id: 'new' })
    await clock.advance(10)
    expect(pool.tasks().map(({ id }) => id)).toEqual(['new', 'old'])
    expect(pool.tasks({ limit: 1 }).map(({ id }) => id)).toEqual(['new'])
  })
})

describe('a task', () => {
  it('has an id that is generated when first read, then stays, with 136 random bits, url-safe', () => {
    const { pool } = make()
    const tasks = Array.from({ length: 1_000 }, () => pool.queueTask(hang))
    const ids = tasks.map(({ id }) => id)
    expect(new Set(ids).size).toBe(1_000)
    for (const id of ids) expect(id).toMatch(/^[A-Za-z0-9_-]{28}$/)
    expect(tasks.map(({ id }) => id)).toEqual(ids)
  })

  it('is found by an id that is read after it has settled, but not after it was dropped', async () => {
    const { clock, pool } = make({ retention: { ms: 100 } })
    pool.start()
    const task = pool.queueTask(() => {})
    const other = pool.queueTask(() => {})
    await clock.turn()
    expect(pool.task(task.id)).toBe(task)
    await clock.advance(100)
    expect(other.id).toHaveLength(28)
    expect(pool.task(other.id)).toBeUndefined()
  })

  it('is one line in the log, without the pool', async () => {
    const { clock, pool } = make({ concurrency: 2 })
    const tasks = [pool.queueTask(hang, { id: 'a' }), pool.queueTask(() => {}, { id: 'b', name: 'render' })]
    expect(tasks.map((task) => inspect(task))).toEqual(['Task a queued', 'Task render b queued'])
    pool.start()
    await clock.turn()
    expect(inspect({ tasks })).toBe('{ tasks: [ Task a running, Task render b succeeded ] }')
  })

  it('is its record in JSON', async () => {
    const { clock, pool } = make()
    pool.start()
    const task = pool.queueTask(() => ({ pages: 2 }), { name: 'render', metadata: { by: 'me' } })
    await clock.turn()
    expect(JSON.parse(JSON.stringify({ task }))).toEqual({ task: task.record() })
  })

  it('`recorded` has resolved without a store, and the promises of result() and settled() are created on demand', async () => {
    const { clock, pool } = make()
    const task = pool.queueTask(() => 'done')
    expect(task.recorded).toBeInstanceOf(Promise)
    expect(await task.recorded).toBeUndefined()
    const [result, settled] = [task.result(), task.settled()]
    pool.start()
    await clock.turn()
    expect([await result, await settled]).toEqual(['done', task])
    expect([await task.result(), await task.settled()]).toEqual(['done', task])
  })

  it.each([
    ['result', 'result', 'settled', 'result'],
    ['settled', 'settled', 'result', 'settled']
  ] as const)('answers all who ask, each what was asked for (%s, %s, %s, %s)', async (...questions) => {
    const { clock, pool } = make({ concurrency: 2 })
    const error = new Error('failed')
    const [done, failed] = [pool.queueTask(() => 'done'), pool.queueTask(() => Promise.reject(error))]
    const answers = [done, failed].map((task) =>
      Promise.all(questions.map((question) => task[question]().catch((reason: unknown) => reason)))
    )
    pool.start()
    await clock.turn()
    const expected = (task: Task, outcome: unknown) =>
      questions.map((question) => (question === 'result' ? outcome : task))
    expect(await Promise.all(answers)).toEqual([expected(done, 'done'), expected(failed, error)])
  })

  it('settled() resolves with the task in any final state', async () => {
    const { clock, pool } = make({ concurrency: 3 })
    pool.start()
    const tasks = [
      pool.queueTask(() => 'done'),
      pool.queueTask(() => {
        throw new Error('failed')
      }),
      pool.queueTask(hang)
    ]
    const settled = Promise.all(tasks.map((task) => task.settled().then((same) => [same === task, same.state])))
    tasks[2]?.cancel()
    await clock.turn()
    expect(await settled).toEqual([
      [true, 'succeeded'],
      [true, 'failed'],
      [true, 'canceled']
    ])
    await Promise.allSettled(tasks.map((task) => task.result()))
  })

  it('canceled without a reason is rejected with an error that has no cause', async () => {
    const { pool } = make()
    const task = pool.queueTask(hang)
    task.cancel()
    const error = await task.result().catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'ERR_TASK_CANCELED', reason: 'user', id: task.id })
    expect(error).not.toHaveProperty('cause')
  })
})

describe('the context of a task', () => {
  it('has no name, key or metadata if none was given', async () => {
    const { clock, pool } = make()
    pool.start()
    const task = pool.queueTask(({ name, key, metadata, attempt }) => [name, key, metadata, attempt])
    await clock.turn()
    expect(await task.result()).toEqual([undefined, undefined, undefined, 1])
  })
})

describe('a pool', () => {
  it('is one line in the log, with its name or class, its state and whether it is paused', () => {
    const { pool } = make({ concurrency: 2, queueCapacity: 5 })
    pool.pause()
    const line = 'running 0/2, queued 0/5, 0 succeeded, 0 failed, 0 refused'
    expect(String(pool)).toBe(`WorkerPool (created, paused): ${line}`)
    expect(String(make({ concurrency: 2, queueCapacity: 5, name: 'p' }).pool.start())).toBe(`p: ${line}`)
  })
})

describe('record()', () => {
  it('has exactly the fields that apply, in each state', async () => {
    const { clock, pool } = make()
    let context!: TaskContext
    const { promise, open } = gate<unknown>()
    const task = pool.queueTask(
      (ctx) => {
        context = ctx
        return promise
      },
      { id: 'a', name: 'render', key: 'client 1', metadata: { pages: [1, 2] } }
    )
    const fixed = { id: 'a', name: 'render', key: 'client 1', queuedAt: START, metadata: { pages: [1, 2] } }
    expect(task.record()).toStrictEqual({ ...fixed, state: 'queued', attempt: 0, revision: 1, position: 1 })
    await clock.advance(1_000)
    pool.start()
    await clock.advance(500)
    const startedAt = '2030-01-01T00:00:01.000Z'
    expect(task.record()).toStrictEqual({ ...fixed, state: 'running', attempt: 1, revision: 3, startedAt })
    context.progress(2, 'nearly')
    await clock.turn()
    const progress = { ratio: 1, message: 'nearly' }
    expect(task.record()).toStrictEqual({ ...fixed, state: 'running', attempt: 1, revision: 4, startedAt, progress })
    task.cancel('the user')
    const cancelRequestedAt = '2030-01-01T00:00:01.500Z'
    expect(task.record()).toStrictEqual({
      ...fixed,
      state: 'running',
      attempt: 1,
      revision: 5,
      startedAt,
      progress,
      cancelRequestedAt
    })
    open({ url: '/a.png' })
    await clock.turn()
    expect(task.record()).toStrictEqual({
      ...fixed,
      state: 'succeeded',
      attempt: 1,
      revision: 6,
      startedAt,
      progress,
      cancelRequestedAt,
      settledAt: cancelRequestedAt,
      expiresAt: '2030-01-01T00:10:01.500Z',
      result: { url: '/a.png' }
    })
  })

  it('of a failed or a canceled task has the error or the reason', async () => {
    const { clock, pool } = make({ concurrency: 2 })
    pool.start()
    const failed = pool.queueTask(() => {
      throw Object.assign(new RangeError('too far'), { code: 'E_FAR' })
    })
    const canceled = pool.queueTask(hang)
    canceled.cancel(new Error('not wanted'))
    await clock.turn()
    expect(failed.record()).toStrictEqual({
      id: failed.id,
      state: 'failed',
      attempt: 1,
      revision: 4,
      queuedAt: START,
      startedAt: START,
      settledAt: START,
      expiresAt: '2030-01-01T00:10:00.000Z',
      error: { name: 'RangeError', code: 'E_FAR', message: 'too far' }
    })
    expect(canceled.record()).toStrictEqual({
      id: canceled.id,
      state: 'canceled',
      attempt: 0,
      revision: 3,
      queuedAt: START,
      cancelRequestedAt: START,
      settledAt: START,
      expiresAt: '2030-01-01T00:10:00.000Z',
      reason: 'user',
      error: { name: 'TaskCanceledError', code: 'ERR_TASK_CANCELED', message: 'not wanted' }
    })
  })

  it('of a task that ends some time after its cancel has both times, also if the cancel came at time 0', async () => {
    const { clock, pool } = make()
    pool.start()
    const { promise, fail } = gate()
    const task = pool.queueTask(({ signal }) => promise.catch(() => Promise.reject(signal.reason)))
    await clock.turn()
    task.cancel()
    await clock.advance(1_000)
    fail(new Error('cleaned up'))
    await clock.turn()
    expect(task.record()).toMatchObject({
      state: 'canceled',
      cancelRequestedAt: START,
      settledAt: '2030-01-01T00:00:01.000Z'
    })
  })

  it('is a JSON-safe copy: changes to it do not affect the task', async () => {
    const { clock, pool } = make()
    const metadata = { tags: ['a'] }
    const task = pool.queueTask(() => ({ list: [1] }), { metadata })
    metadata.tags.push('b')
    const first = task.record() as unknown as Record<string, unknown>
    first['state'] = 'failed'
    first['id'] = 'other'
    expect(task.record()).toMatchObject({ state: 'queued', metadata: { tags: ['a'] } })
    expect(() => (task.record().metadata as { tags: string[] }).tags.push('c')).toThrow(TypeError)
    pool.start()
    await clock.turn()
    expect(() => (task.record().result as { list: number[] }).list.push(2)).toThrow(TypeError)
    expect(task.record().result).toEqual({ list: [1] })
    expect(JSON.parse(JSON.stringify(task.record()))).toEqual(task.record())
    expect(await task.result()).toEqual({ list: [1] })
  })

  it('has consistent times when the wall clock steps', async () => {
    const { clock, pool } = make()
    const task = pool.queueTask(() => {})
    clock.stepWall(-86_400_000)
    await clock.advance(1_000)
    pool.start()
    await clock.turn()
    expect(task.record()).toMatchObject({
      queuedAt: START,
      startedAt: '2030-01-01T00:00:01.000Z',
      settledAt: '2030-01-01T00:00:01.000Z'
    })
  })

  it('its times are of the new wall clock for tasks queued after a step, and agree with each other for those before', async () => {
    const { clock, pool } = make()
    pool.start()
    const before = pool.queueTask(({ signal }) => new Promise((_, reject) => signal.addEventListener('abort', reject)))
    clock.stepWall(9 * 3_600_000) // as after nine hours of sleep, in which the monotonic clock stood still
    await clock.advance(1_000)
    const after = pool.queueTask(() => {})
    before.cancel()
    await clock.turn()
    expect(after.record()).toMatchObject({
      queuedAt: '2030-01-01T09:00:01.000Z',
      settledAt: '2030-01-01T09:00:01.000Z',
      expiresAt: '2030-01-01T09:10:01.000Z'
    })
    expect(before.record()).toMatchObject({ queuedAt: START, settledAt: '2030-01-01T00:00:01.000Z' })
  })

  it('its times are of the new wall clock for a waiter that gets its place after a step', async () => {
    const { clock, pool } = make({ concurrency: 1, queueCapacity: 0 })
    pool.start()
    const first = pool.queueTask(({ signal }) => new Promise((_, reject) => signal.addEventListener('abort', reject)))
    const waiting = pool.queueTaskWhenFree(() => {})
    clock.stepWall(-3_600_000)
    await clock.advance(5_000)
    first.cancel()
    expect((await waiting).record().queuedAt).toBe('2029-12-31T23:00:05.000Z')
  })

  it('its times follow a step of the wall clock within a second of use, and small differences are no step', async () => {
    const { clock, pool } = make()
    clock.stepWall(3_600_000)
    await clock.advance(999)
    expect(pool.queueTask(hang).record().queuedAt).toBe('2030-01-01T00:00:00.999Z')
    await clock.advance(1)
    expect(pool.queueTask(hang).record().queuedAt).toBe('2030-01-01T01:00:01.000Z')
    clock.stepWall(99)
    await clock.advance(1_000)
    expect(pool.queueTask(hang).record().queuedAt).toBe('2030-01-01T01:00:02.000Z')
  })

  it('its times stay right, and little is kept, however often the wall clock steps', async () => {
    const { clock, pool } = make({ queueCapacity: 1_000 })
    const first = pool.queueTask(hang)
    for (let step = 1; step <= 200; step++) {
      clock.stepWall(60_000)
      await clock.advance(1_000)
      const shown = Date.parse(pool.queueTask(hang).record().queuedAt) - Date.parse(START)
      expect(shown).toBe(step * 61_000)
    }
    expect(Date.parse(first.record().queuedAt)).not.toBeNaN()
  })

  it('position is an estimate from 1, at most the number of queued tasks, and exact in one lane', () => {
    const { pool } = make()
    const tasks = Array.from({ length: 5 }, () => pool.queueTask(hang))
    expect(tasks.map((task) => task.record().position)).toEqual([1, 2, 3, 4, 5])
    const urgent = pool.queueTask(hang, { priority: 1 })
    expect(urgent.record().position).toBe(1)
    expect(tasks.map((task) => task.record().position)).toEqual([2, 3, 4, 5, 6])
    tasks[0]?.cancel()
    expect(tasks.slice(1).map((task) => task.record().position)).toEqual([2, 3, 4, 5])
  })

  it('position takes turns of keys into account and stays within its bounds whatever happens', () => {
    const { pool } = make()
    const many = Array.from({ length: 6 }, () => pool.queueTask(hang, { key: 'many' }))
    const few = pool.queueTask(hang, { key: 'few' })
    expect(few.record().position).toBeLessThanOrEqual(2)
    const live = () => [...many, few].filter(({ state }) => state === 'queued')
    pool.start()
    for (const task of [many[3], many[1], few, many[0]]) {
      task?.cancel()
      const positions = live().map((queued) => queued.record().position ?? -1)
      const { queued } = pool.stats()
      expect(positions.every((position) => position >= 1 && position <= queued)).toBe(true)
    }
  })

  it('position is there only while the task is queued, not while it waits for a retry', async () => {
    const { clock, pool } = make()
    pool.start()
    const task = pool.queueTask(() => Promise.reject(new Error('again')), {
      retry: { attempts: 2, backoffMs: () => 10 }
    })
    expect(task.record()).not.toHaveProperty('position')
    await clock.turn()
    expect(task.record()).toMatchObject({ state: 'queued', attempt: 1 })
    expect(task.record()).not.toHaveProperty('position')
    pool.pause()
    await clock.advance(10)
    expect(task.record()).toMatchObject({ state: 'queued', attempt: 1, position: 1 })
  })

  it('revision increases by one at each change, through retries, progress and a cancel', async () => {
    const { clock, pool } = make()
    const gates = [gate(), gate()]
    let context!: TaskContext
    const seen: [number, string][] = []
    const note = () => seen.push([task.record().revision, `${task.state} ${task.record().attempt}`])
    const task = pool.queueTask(
      (ctx) => {
        context = ctx
        return gates[ctx.attempt - 1]?.promise
      },
      { retry: { attempts: 3, backoffMs: () => 10 } }
    )
    note()
    pool.start()
    note()
    await clock.turn()
    note()
    context.progress(0.5)
    await clock.turn()
    note()
    gates[0]?.fail(new Error('again'))
    await clock.turn()
    note()
    pool.pause()
    await clock.advance(10)
    pool.resume()
    note()
    await clock.turn()
    note()
    task.cancel()
    note()
    gates[1]?.open()
    await clock.turn()
    note()
    expect(seen).toEqual([
      [1, 'queued 0'],
      [2, 'running 0'],
      [3, 'running 1'],
      [4, 'running 1'],
      [5, 'queued 1'],
      [6, 'running 1'],
      [7, 'running 2'],
      [8, 'running 2'],
      [9, 'succeeded 2']
    ])
  })

  it('revision increases by one also for a retry that is canceled between its worker and its call', async () => {
    const { clock, pool } = make()
    pool.start()
    const task = pool.queueTask(() => Promise.reject(new Error('again')), {
      retry: { attempts: 2, backoffMs: () => 10 }
    })
    await clock.turn()
    pool.pause()
    await clock.advance(10)
    const { revision } = task.record()
    pool.resume()
    expect(task.record()).toMatchObject({ revision: revision + 1, state: 'running', attempt: 1 })
    task.cancel()
    expect(task.record()).toMatchObject({ revision: revision + 2, state: 'canceled', attempt: 1 })
    await clock.turn()
  })
})

describe('changes()', () => {
  it('yields the present record, then each newer one, and ends after the terminal one', async () => {
    const { clock, pool } = make()
    const { promise, open } = gate<string>()
    let context!: TaskContext
    const task = pool.queueTask((ctx) => {
      context = ctx
      return promise
    })
    const records: TaskRecord[] = []
    const loop = (async () => {
      for await (const record of task.changes()) records.push(record)
      return 'ended'
    })()
    await clock.turn()
    pool.start()
    await clock.turn()
    context.progress(0.5)
    await clock.turn()
    open('done')
    await clock.turn()
    expect(await loop).toBe('ended')
    expect(records.map(({ state, attempt, progress }) => [state, attempt, progress?.ratio])).toEqual([
      ['queued', 0, undefined],
      ['running', 1, undefined],
      ['running', 1, 0.5],
      ['succeeded', 1, 0.5]
    ])
    const revisions = records.map(({ revision }) => revision)
    expect(revisions).toEqual([...new Set(revisions)].toSorted((a, b) => a - b))
  })

  it('of a settled task yields its record, and ends', async () => {
    const { clock, pool } = make()
    pool.start()
    const task = pool.queueTask(() => 'done')
    await clock.turn()
    const records: TaskRecord[] = []
    for await (const record of task.changes()) records.push(record)
    expect(records).toEqual([task.record()])
  })

  it('yields only the newest record to a slow reader', async () => {
    const { clock, pool } = make()
    const { promise, open } = gate()
    let context!: TaskContext
    const task = pool.queueTask((ctx) => {
      context = ctx
      return promise
    })
    const changes = reader(task)
    expect((await changes.next()).value).toMatchObject({ state: 'queued' })
    pool.start()
    await clock.turn()
    for (const ratio of [0.1, 0.2, 0.3]) {
      context.progress(ratio)
      await clock.turn()
    }
    expect((await changes.next()).value).toMatchObject({ state: 'running', progress: { ratio: 0.3 } })
    open()
    await clock.turn()
    expect((await changes.next()).value).toMatchObject({ state: 'succeeded' })
    expect(await changes.next()).toEqual({ value: undefined, done: true })
    expect(await changes.next()).toEqual({ value: undefined, done: true })
  })

  it('never yields the same revision twice: a reader waits until there is a newer one', async () => {
    const unobserved: unknown[] = []
    const { clock, pool } = make({ onUnobservedError: (error) => unobserved.push(error) })
    const task = pool.queueTask(hang)
    const changes = reader(task)
    await changes.next()
    let came: unknown = 'waiting'
    void changes.next().then(({ value }) => {
      came = value?.state
    })
    await clock.turn()
    expect(came).toBe('waiting')
    task.cancel()
    await clock.turn()
    expect(came).toBe('canceled')
    expect(unobserved).toEqual([])
  })

  it('resolves concurrent calls of next in their order, one record each, and ends the rest', async () => {
    const { clock, pool } = make()
    const { promise, open } = gate()
    const task = pool.queueTask(() => promise)
    const changes = reader(task)
    const results = Promise.all(Array.from({ length: 5 }, () => changes.next()))
    await clock.turn()
    pool.start()
    await clock.turn()
    open()
    await clock.turn()
    expect((await results).map(({ done, value }) => [done, value?.state])).toEqual([
      [false, 'queued'],
      [false, 'running'],
      [false, 'succeeded'],
      [true, undefined],
      [true, undefined]
    ])
  })

  it('readers are independent: each call of changes starts with the present record', async () => {
    const { clock, pool } = make()
    const task = pool.queueTask(() => {})
    const iterable = task.changes()
    const [a, b] = [reader(task), reader(task)]
    expect((await a.next()).value).toMatchObject({ revision: 1 })
    expect((await b.next()).value).toMatchObject({ revision: 1 })
    pool.start()
    const both = Promise.all([a.next(), b.next()])
    await clock.turn()
    expect((await both).map(({ value }) => value?.revision)).toHaveLength(2)
    const states: string[] = []
    for await (const { state } of iterable) states.push(state)
    expect(states).toEqual(['succeeded'])
  })

  it('ends by return before the first record was read', async () => {
    const { pool } = make()
    for (const options of [{}, { metadata: 1 }]) {
      const changes = reader(pool.queueTask(hang, options))
      expect(await changes.return?.()).toEqual({ value: undefined, done: true })
      expect(await changes.next()).toEqual({ value: undefined, done: true })
    }
  })

  it('ends by return during a pending next, which resolves as done', async () => {
    const { clock, pool } = make()
    const task = pool.queueTask(hang)
    const changes = reader(task)
    await changes.next()
    const waiting = [changes.next(), changes.next()]
    expect(await changes.return?.()).toEqual({ value: undefined, done: true })
    expect(await Promise.all(waiting)).toEqual([
      { value: undefined, done: true },
      { value: undefined, done: true }
    ])
    task.cancel()
    expect(await changes.next()).toEqual({ value: undefined, done: true })
    await clock.turn()
  })

  it('a signal ends the wait with its reason, and the iterator; the task goes on', async () => {
    const { clock, pool } = make()
    const task = pool.queueTask(hang)
    const controller = new AbortController()
    const { signal } = controller
    const changes = reader(task, signal)
    expect(getEventListeners(signal, 'abort')).toEqual([])
    await changes.next()
    expect(getEventListeners(signal, 'abort')).toEqual([])
    const waiting = [changes.next(), changes.next()]
    await clock.turn()
    expect(getEventListeners(signal, 'abort')).toHaveLength(1)
    const reason = new Error('the client has left')
    controller.abort(reason)
    await expect(waiting[0]).rejects.toBe(reason)
    expect(await waiting[1]).toEqual({ value: undefined, done: true })
    expect(await changes.next()).toEqual({ value: undefined, done: true })
    expect(getEventListeners(signal, 'abort')).toEqual([])
    expect(task.state).toBe('queued')
  })

  it('yields no further record once its signal has aborted, also if the signal emits no event', async () => {
    const { clock, pool } = make()
    pool.start()
    const task = pool.queueTask(hang)
    await clock.turn()
    const controller = new AbortController()
    controller.signal.addEventListener('abort', (event) => {
      event.stopImmediatePropagation()
      task.cancel()
    })
    const changes = reader(task, controller.signal)
    await changes.next()
    const waiting = Promise.allSettled([changes.next(), changes.next(), changes.next()])
    controller.abort('the client has left')
    expect(await waiting).toMatchObject([
      { status: 'fulfilled', value: { done: false, value: { state: 'running', cancelRequestedAt: START } } },
      { status: 'rejected', reason: 'the client has left' },
      { status: 'fulfilled', value: { done: true } }
    ])
  })

  it('a signal that has aborted throws its reason out of the loop, once', async () => {
    const { pool } = make()
    const task = pool.queueTask(hang)
    const loop = async () => {
      for await (const record of task.changes({ signal: AbortSignal.abort('gone') })) return record
      return undefined
    }
    await expect(loop()).rejects.toBe('gone')
    const changes = reader(task, AbortSignal.abort('gone'))
    await expect(changes.next()).rejects.toBe('gone')
    expect(await changes.next()).toEqual({ value: undefined, done: true })
  })

  it('leaves no listener behind, whether it ends by the task, a break or an abort', async () => {
    const { clock, pool } = make()
    const { signal } = new AbortController()
    const { promise, open } = gate()
    const task = pool.queueTask(() => promise)
    const loops = [
      (async () => {
        for await (const _ of task.changes({ signal }));
      })(),
      (async () => {
        for await (const { state } of task.changes({ signal })) if (state === 'running') break
      })()
    ]
    await clock.turn()
    expect(getEventListeners(signal, 'abort')).toHaveLength(1)
    pool.start()
    await clock.turn()
    expect(getEventListeners(signal, 'abort')).toHaveLength(1)
    open()
    await clock.turn()
    await Promise.all(loops)
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })

  it('is not known to the task any more after a break, however often somebody follows it', async () => {
    const { pool } = make()
    const task = pool.queueTask(hang)
    for (let followers = 0; followers < 3; followers++) for await (const _ of task.changes()) break
    const waiting = reader(task)
    await waiting.next()
    void waiting.next()
    expect((task as unknown as PoolTask).details?.watchers?.size).toBe(1)
    await waiting.return?.()
    expect((task as unknown as PoolTask).details?.watchers?.size).toBe(0)
  })

  it('yields each state of a retry to a waiting reader', async () => {
    const { clock, pool } = make()
    pool.start()
    let calls = 0
    const task = pool.queueTask(
      async () => {
        if (++calls === 1) throw new Error('again')
      },
      { retry: { attempts: 2, backoffMs: () => 10 } }
    )
    const seen: string[] = []
    const loop = (async () => {
      for await (const { state, attempt } of task.changes()) seen.push(`${state} ${attempt}`)
    })()
    await clock.advance(20)
    await loop
    expect(seen.slice(-1)).toEqual(['succeeded 2'])
    expect(seen).toContain('queued 1')
  })

  it('refuses wrong options at the call', () => {
    const { pool } = make()
    const task = pool.queueTask(hang)
    expect(() => task.changes({ signal: {} as AbortSignal })).toThrow(
      new TypeError('Expected `signal` to be an AbortSignal, got `[object Object]` (object)')
    )
    expect(() => task.changes({ from: 1 } as never)).toThrow(
      new TypeError('Expected `options` to have only the options signal, got `from`')
    )
    expect(() => task.changes(null as never)).toThrow(
      new TypeError('Expected `options` to be an object, got `null` (null)')
    )
  })
})
