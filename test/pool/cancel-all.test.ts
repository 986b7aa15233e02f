import { describe, expect, it } from 'vitest'
import { TaskCanceledError } from '../../src/index.js'
import { gate } from '../support/gate.js'
import { startedPool, statesOf, untilAborted, watchedPool } from '../support/pools.js'

describe('cancelAll()', () => {
  it('cancels everything live: queued, delayed and running, and resolves with the counts', async () => {
    const { clock, pool } = startedPool({ concurrency: 2, handlers: {} })
    const tasks = [
      pool.queueTask(untilAborted),
      pool.queueTask(untilAborted),
      pool.queueTask(() => {}),
      pool.queueTask(() => {}, { key: 'a', priority: 3 }),
      pool.queueTask(() => {}, { delayMs: 50 })
    ]
    await clock.turn()
    const reason = new Error('not needed any more')
    const report = pool.cancelAll({ reason })
    expect(statesOf(tasks)).toEqual(['running', 'running', 'canceled', 'canceled', 'canceled'])
    expect(await report).toEqual({ canceled: 3, requested: 2 })
    await clock.turn()
    expect(statesOf(tasks)).toEqual(Array(5).fill('canceled'))
    for (const { error } of tasks) expect(error).toMatchObject({ reason: 'user', cause: reason })
  })

  it('cancels one that has a worker but was not called', async () => {
    const { pool } = startedPool()
    const task = pool.queueTask(() => {})
    expect(await pool.cancelAll()).toEqual({ canceled: 1, requested: 0 })
    expect(task.error).toBeInstanceOf(TaskCanceledError)
  })

  it('cancels what matches by key, name and state', async () => {
    const { pool } = watchedPool({ queueCapacity: 20 })
    const make = () => ['a', 'b', undefined].flatMap((key) => ['x', 'y'].map((name) => ({ key, name })))
    const tasks = make().map((options) => pool.queueTask(() => {}, options))
    const left = () => tasks.filter(({ state }) => state === 'queued').map(({ key, name }) => `${key} ${name}`)
    expect(await pool.cancelAll({ key: 'a', name: 'y' })).toEqual({ canceled: 1, requested: 0 })
    expect(left()).toEqual(['a x', 'b x', 'b y', 'undefined x', 'undefined y'])
    expect(await pool.cancelAll({ key: 'b' })).toEqual({ canceled: 2, requested: 0 })
    expect(await pool.cancelAll({ name: 'x' })).toEqual({ canceled: 2, requested: 0 })
    expect(await pool.cancelAll({ state: 'running' })).toEqual({ canceled: 0, requested: 0 })
    expect(await pool.cancelAll({ key: 'nobody' })).toEqual({ canceled: 0, requested: 0 })
    expect(left()).toEqual(['undefined y'])
    expect(await pool.cancelAll({ state: 'queued' })).toEqual({ canceled: 1, requested: 0 })
  })

  it('does not count a running task that was asked to end before', async () => {
    const { clock, pool } = startedPool()
    const blocker = gate()
    const task = pool.queueTask(() => blocker.promise)
    await clock.turn()
    expect(task.cancel()).toBe(true)
    expect(await pool.cancelAll()).toEqual({ canceled: 0, requested: 0 })
    blocker.open()
    await clock.turn()
    expect(task.state).toBe('succeeded')
  })

  it('leaves tasks alone that are queued afterwards, and waiters', async () => {
    const { clock, pool } = watchedPool({ queueCapacity: 2 })
    pool.queueTask(() => {})
    pool.queueTask(() => {})
    const waiting = pool.queueTaskWhenFree(() => {})
    const report = pool.cancelAll()
    const later = pool.queueTask(() => {})
    await clock.turn()
    expect(await report).toEqual({ canceled: 2, requested: 0 })
    expect([(await waiting).state, later.state]).toEqual(['queued', 'queued'])
  })

  it('works in time slices over a queue of any length, between other work, and misses none that moves', async () => {
    const { clock, pool } = watchedPool({ queueCapacity: 10_000 })
    const tasks = Array.from({ length: 5_000 }, (_, n) =>
      pool.queueTask(() => {}, { name: n % 2 === 0 ? 'even' : 'odd' })
    )
    pool.on('canceled', () => clock.block(1)) // a slow listener: a slice is over after few tasks
    const report = pool.cancelAll({ name: 'even' })
    expect(tasks[4_998]?.state).toBe('queued')
    expect(tasks[4_998]?.reprioritize(-1)).toBe(true)
    expect(tasks[4_996]?.cancel()).toBe(true)
    const later = pool.queueTask(() => {}, { name: 'even' })
    expect(later.reprioritize(-1)).toBe(true)
    while (pool.stats().totals.canceled < 2_500) await clock.turn()
    expect(await report).toEqual({ canceled: 2_499, requested: 0 })
    expect(new Set(tasks.map(({ name, state }) => `${name} ${state}`))).toEqual(
      new Set(['even canceled', 'odd queued'])
    )
    expect(later.state).toBe('queued')
    void pool.stop({ graceMs: 0 })
    while (pool.state !== 'stopped') await clock.turn()
  })

  it('goes on with each of several calls when one has come to its end', async () => {
    const { clock, pool } = watchedPool({ queueCapacity: 100 })
    const tasks = Array.from({ length: 100 }, (_, n) => pool.queueTask(() => {}, { name: n < 20 ? 'first' : 'rest' }))
    pool.on('canceled', () => clock.block(1)) // a slice is over after few tasks
    const reports = [pool.cancelAll({ name: 'first' }), pool.cancelAll({ name: 'rest' })]
    for (let turns = 0; turns < 200 && pool.stats().queued > 0; turns++) await clock.turn()
    expect(statesOf(tasks)).toEqual(Array(100).fill('canceled'))
    expect(await Promise.all(reports)).toEqual([
      { canceled: 20, requested: 0 },
      { canceled: 80, requested: 0 }
    ])
  })

  it('may be called inside a listener of what it cancels', async () => {
    const { pool } = watchedPool()
    const tasks = Array.from({ length: 4 }, () => pool.queueTask(() => {}))
    const inner: Promise<unknown>[] = []
    pool.once('canceled', () => {
      inner.push(pool.cancelAll())
    })
    expect(await pool.cancelAll()).toEqual({ canceled: 1, requested: 0 })
    expect(await inner[0]).toEqual({ canceled: 3, requested: 0 })
    expect(statesOf(tasks)).toEqual(Array(4).fill('canceled'))
  })

  it('refuses wrong options and cancels nothing', () => {
    const { pool } = watchedPool()
    const task = pool.queueTask(() => {})
    expect(() => pool.cancelAll({ state: 'succeeded' as never })).toThrow(
      "Expected `state` to be one of 'queued', 'running', got "
    )
    expect(() => pool.cancelAll({ keys: 'a' } as never)).toThrow('did you mean `key`?')
    expect(task.state).toBe('queued')
  })
})

describe("stop({ queued: 'cancel' })", () => {
  it('cancels at once what is queued or delayed, and leaves the grace to what runs', async () => {
    const { clock, pool } = startedPool()
    const blocker = gate()
    const running = pool.queueTask(() => blocker.promise)
    await clock.turn()
    const held = [pool.queueTask(() => {}), pool.queueTask(() => {}, { delayMs: 1_000 })]
    const report = pool.stop({ queued: 'cancel', graceMs: 5_000 })
    expect(statesOf([running, ...held])).toEqual(['running', 'canceled', 'canceled'])
    expect(held[0]?.record().reason).toBe('pool_stopped')
    await clock.advance(4_999)
    blocker.open()
    await clock.turn()
    expect(running.state).toBe('succeeded')
    expect(await report).toMatchObject({
      succeeded: 1,
      canceled: 2,
      unstarted: { count: 2, ids: held.map(({ id }) => id) },
      aborted: { count: 0 }
    })
  })

  it('ends with the cancel of the last queued task where nothing runs', async () => {
    const { clock, pool } = watchedPool()
    pool.queueTask(() => {})
    pool.pause()
    pool.start()
    const report = pool.stop({ queued: 'cancel' })
    await clock.turn()
    expect([pool.state, (await report).durationMs]).toEqual(['stopped', 0])
  })

  it('cancels a task whose attempt fails in the grace instead of trying it again', async () => {
    const { clock, pool, witness } = startedPool()
    const blocker = gate()
    const task = pool.queueTask(() => blocker.promise, { retry: { attempts: 3, backoffMs: () => 10 } })
    await clock.turn()
    const report = pool.stop({ queued: 'cancel', graceMs: 5_000 })
    blocker.fail(new Error('once'))
    await clock.turn()
    expect(task.record()).toMatchObject({ state: 'canceled', reason: 'pool_stopped', attempt: 1 })
    expect(witness.names(task)).toEqual(['queued', 'started', 'retrying', 'canceled', 'settled'])
    expect((await report).aborted).toEqual({ count: 1, ids: [task.id] })
  })

  it('may follow a stop that let the queue run', async () => {
    const { clock, pool } = startedPool()
    const blocker = gate()
    pool.queueTask(() => blocker.promise)
    const queued = pool.queueTask(() => {})
    const report = pool.stop()
    expect(queued.state).toBe('queued')
    void pool.stop({ queued: 'cancel' })
    expect(queued.state).toBe('canceled')
    blocker.open()
    await clock.turn()
    expect(await report).toMatchObject({ succeeded: 1, unstarted: { count: 1 } })
  })

  it('B13 works in slices over a long queue', async () => {
    const { clock, pool } = watchedPool({ queueCapacity: 10_000 })
    for (let n = 0; n < 5_000; n++) pool.queueTask(() => {})
    pool.pause()
    pool.start()
    pool.on('canceled', () => clock.block(1))
    const report = pool.stop({ queued: 'cancel', graceMs: 60_000 })
    expect(pool.stats().queued).toBeGreaterThan(4_000)
    while (pool.state !== 'stopped') await clock.turn()
    expect(await report).toMatchObject({ unstarted: { count: 5_000 } })
    expect((await report).unstarted.ids).toHaveLength(1_000)
  })
})
