import { describe, expect, it } from 'vitest'
import { KeyQueueFullError, type QueueFullError } from '../../src/index.js'
import { gate } from '../support/gate.js'
import { never, startedPool, thrown, watchedPool } from '../support/pools.js'

describe('delayMs', () => {
  it('accepts a task at once and starts it not before, to the millisecond', async () => {
    const { clock, pool, witness } = startedPool()
    const task = pool.queueTask(() => 'done', { delayMs: 100 })
    expect([task.state, task.record().attempt, task.record().position]).toEqual(['queued', 0, undefined])
    expect(pool.stats()).toMatchObject({ queued: 0, delayed: 1, running: 0, totals: { accepted: 1, started: 0 } })
    await clock.advance(99)
    expect(task.record().attempt).toBe(0)
    await clock.advance(1)
    expect([task.state, await task.result(), task.record().attempt]).toEqual(['succeeded', 'done', 1])
    expect(witness.names(task)).toEqual(['queued', 'started', 'succeeded', 'settled'])
    expect(pool.stats().waitMs.max).toBe(0)
  })

  it('lets others pass, and then goes to the back of the queue', async () => {
    const { clock, pool } = startedPool()
    const order: string[] = []
    const blocker = gate()
    pool.queueTask(() => blocker.promise)
    pool.queueTask(() => order.push('delayed'), { delayMs: 10 })
    pool.queueTask(() => order.push('first'))
    await clock.advance(10)
    pool.queueTask(() => order.push('last'))
    blocker.open()
    await clock.turn()
    expect(order).toEqual(['first', 'delayed', 'last'])
  })

  it('A20 takes a place in the queue, though a worker is free', async () => {
    const { pool } = startedPool({ concurrency: 2, queueCapacity: 1 })
    const task = pool.queueTask(() => {}, { delayMs: 50 })
    const { message } = thrown(() => pool.queueTask(() => {}, { delayMs: 50 })) as QueueFullError
    expect(message).toContain('0 of 2 running, 1 of 1 queued')
    expect(pool.queueTask(() => {}).state).toBe('running')
    expect([task.cancel(), pool.stats().delayed]).toEqual([true, 0])
    expect(pool.queueTask(() => {}, { delayMs: 50 }).cancel()).toBe(true)
  })

  it('does not count in retryAfterMs where a running task is the next to make room', async () => {
    const { clock, pool } = startedPool({ queueCapacity: 1 })
    pool.queueTask(never)
    await clock.turn()
    pool.queueTask(() => {}, { delayMs: 40_000 })
    expect(thrown(() => pool.queueTask(() => {}))).toMatchObject({ retryAfterMs: 1_000 })
  })

  it('counts in retryAfterMs: the earliest of the first hundred', () => {
    const { pool } = startedPool({ queueCapacity: 102 })
    for (let n = 0; n < 99; n++) pool.queueTask(() => {}, { delayMs: 50_000 })
    for (const delayMs of [40_000, 30_000, 20_000]) pool.queueTask(() => {}, { delayMs })
    expect(thrown(() => pool.queueTask(() => {}, { delayMs: 1 }))).toMatchObject({ retryAfterMs: 40_000 })
  })

  it('takes a place of its key', () => {
    const { pool } = startedPool({ perKey: { queueCapacity: 1 } })
    const task = pool.queueTask(() => {}, { key: 'a', delayMs: 50 })
    expect(thrown(() => pool.queueTask(() => {}, { key: 'a', delayMs: 50 }))).toBeInstanceOf(KeyQueueFullError)
    task.cancel()
    pool.queueTask(() => {}, { key: 'a', delayMs: 50 }).cancel()
  })

  it('begins for a waiter when it gets its place', async () => {
    const { clock, pool } = startedPool({ queueCapacity: 1 })
    const first = pool.queueTask(() => {}, { delayMs: 10 })
    const waiting = pool.queueTaskWhenFree(() => {}, { delayMs: 30 })
    await clock.advance(10)
    const second = await waiting
    expect([first.state, second.state]).toEqual(['succeeded', 'queued'])
    await clock.advance(29)
    expect([second.state, pool.stats().delayed]).toEqual(['queued', 1])
    await clock.advance(1)
    expect(second.state).toBe('succeeded')
  })

  it('is no wait for a worker: queueTimeoutMs and the age of the oldest begin when it ends', async () => {
    const { clock, pool } = startedPool()
    const blocker = gate()
    pool.queueTask(() => blocker.promise)
    const task = pool.queueTask(() => {}, { delayMs: 100, queueTimeoutMs: 50 })
    await clock.advance(140)
    expect([task.state, pool.stats().oldestQueuedMs]).toEqual(['queued', 40])
    await clock.advance(10)
    expect([task.state, task.record().reason]).toEqual(['canceled', 'queue_timeout'])
    blocker.open()
    await clock.turn()
  })

  it('D3 is waited for by drain, and B10 ended by a stop without grace', async () => {
    const { clock, pool } = startedPool()
    const task = pool.queueTask(() => {}, { delayMs: 1_000 })
    let drained = false
    void pool.drain().then(() => {
      drained = true
    })
    await clock.advance(999)
    expect(drained).toBe(false)
    const report = pool.stop({ graceMs: 0 })
    await clock.turn()
    expect([task.state, drained, (await report).unstarted]).toEqual(['canceled', true, { count: 1, ids: [task.id] }])
    expect([task.record().startedAt, clock.timers('alive')]).toEqual([undefined, 0])
  })

  it('goes on in the grace of a stop', async () => {
    const { clock, pool } = startedPool()
    const task = pool.queueTask(() => {}, { delayMs: 1_000 })
    const report = pool.stop({ graceMs: 2_000 })
    await clock.advance(1_000)
    expect([task.state, (await report).succeeded]).toEqual(['succeeded', 1])
  })

  it('of 0 is none', () => {
    const { pool } = startedPool()
    expect(pool.queueTask(() => {}, { delayMs: 0 }).state).toBe('running')
  })
})

describe('reprioritize()', () => {
  const names = (on: { readonly pool: ReturnType<typeof watchedPool>['pool'] }) => {
    const order: string[] = []
    const queue = (name: string, options = {}) => on.pool.queueTask(() => order.push(name), options)
    return { order, queue }
  }

  it('moves a queued task to the back of the other priority', async () => {
    const { clock, pool } = watchedPool()
    const { order, queue } = names({ pool })
    const [a] = [queue('a'), queue('b'), queue('urgent', { priority: 5 })]
    const { revision } = a?.record() ?? { revision: 0 }
    expect([a?.reprioritize(5), a?.record().position, a?.record().revision]).toEqual([true, 2, revision + 1])
    pool.start()
    await clock.turn()
    expect(order).toEqual(['urgent', 'a', 'b'])
  })

  it('leaves a task with the same priority where it is', async () => {
    const { clock, pool } = watchedPool()
    const { order, queue } = names({ pool })
    const a = queue('a')
    queue('b')
    expect(a.reprioritize(0)).toBe(true)
    pool.start()
    await clock.turn()
    expect(order).toEqual(['a', 'b'])
  })

  it('keeps the turn of its key, and works while the key is at its limit', async () => {
    const { clock, pool } = watchedPool({ concurrency: 2, perKey: { concurrency: 1 } })
    const { order, queue } = names({ pool })
    const blocker = gate()
    pool.queueTask(() => blocker.promise, { key: 'a' })
    const [low, high] = [queue('low', { key: 'a' }), queue('high', { key: 'a' })]
    pool.start()
    await clock.turn()
    expect([low?.state, high?.state, high?.reprioritize(1)]).toEqual(['queued', 'queued', true])
    blocker.open()
    await clock.turn()
    expect(order).toEqual(['high', 'low'])
  })

  it('is for a delayed task the priority that it will have', async () => {
    const { clock, pool } = startedPool()
    const { order, queue } = names({ pool })
    const blocker = gate()
    pool.queueTask(() => blocker.promise)
    const delayed = queue('delayed', { delayMs: 10 })
    queue('first', { priority: 1 })
    expect(delayed.reprioritize(2)).toBe(true)
    await clock.advance(10)
    blocker.open()
    await clock.turn()
    expect(order).toEqual(['delayed', 'first'])
  })

  it('has no effect on a task that runs or has settled', async () => {
    const { clock, pool } = startedPool()
    const task = pool.queueTask(() => {})
    expect([task.state, task.reprioritize(1)]).toEqual(['running', false])
    await clock.turn()
    expect([task.state, task.reprioritize(1)]).toEqual(['succeeded', false])
  })

  it('refuses what is not a safe integer', () => {
    const { pool } = watchedPool()
    const task = pool.queueTask(() => {})
    expect(() => task.reprioritize(0.5)).toThrow('Expected `priority` to be a safe integer, got `0.5` (number)')
    expect(() => task.reprioritize('1' as never)).toThrow(TypeError)
  })
})
