import { describe, expect, it } from 'vitest'
import type { QueueFullError } from '../../src/index.js'
import { never, startedPool, thrown, watchedPool } from '../support/pools.js'

describe('pause({ forMs })', () => {
  it('holds back starts and ends by itself, to the millisecond', async () => {
    const { clock, pool } = startedPool()
    pool.pause({ forMs: 100 })
    const task = pool.queueTask(() => {})
    await clock.advance(99)
    expect([task.state, pool.stats().paused]).toEqual(['queued', true])
    await clock.advance(1)
    expect([task.state, pool.stats().paused]).toEqual(['succeeded', false])
  })

  it('is made longer by a later call, never shorter', async () => {
    const { clock, pool } = startedPool()
    pool.pause({ forMs: 100 })
    pool.pause({ forMs: 50 })
    await clock.advance(90)
    expect(pool.stats().paused).toBe(true)
    pool.pause({ forMs: 50 })
    await clock.advance(49)
    expect(pool.stats().paused).toBe(true)
    await clock.advance(1)
    expect(pool.stats().paused).toBe(false)
    pool.pause({ forMs: 10 })
    pool.pause()
    pool.pause({ forMs: 10 })
    await clock.advance(1_000)
    expect(pool.stats().paused).toBe(true)
    pool.resume()
    expect(pool.stats().paused).toBe(false)
    pool.pause({ forMs: 10 })
    await clock.advance(10)
    expect(pool.stats().paused).toBe(false)
  })

  it('is ended by resume and by stop, and leaves no timer', async () => {
    const { clock, pool } = startedPool()
    const ran: number[] = []
    pool.pause({ forMs: 1_000 })
    pool.queueTask(() => ran.push(1))
    pool.resume()
    await clock.turn()
    expect([ran, clock.timers('alive')]).toEqual([[1], 0])
    pool.pause({ forMs: 1_000 })
    pool.queueTask(() => ran.push(2))
    const report = pool.stop()
    await clock.turn()
    expect([ran, (await report).succeeded, clock.timers()]).toEqual([[1, 2], 1, 0])
    pool.pause({ forMs: 5 })
    expect([pool.stats().paused, clock.timers()]).toEqual([false, 0])
  })

  it('B14 B15 keeps the process alive while there is work, and not otherwise', async () => {
    const { clock, pool } = watchedPool()
    pool.pause({ forMs: 1_000 })
    expect(clock.timers('alive')).toBe(0)
    const task = pool.queueTask(() => {})
    expect(clock.timers('alive')).toBe(1)
    task.cancel()
    expect(clock.timers('alive')).toBe(0)
    pool.queueTask(() => {})
    pool.start()
    await clock.advance(1_000)
    expect([pool.stats().totals.succeeded, clock.timers('alive')]).toEqual([1, 0])
  })

  it('is part of the time after which a refused caller may come back', () => {
    const { pool } = startedPool({ queueCapacity: 1 })
    pool.pause({ forMs: 30_000 })
    pool.queueTask(() => {})
    expect((thrown(() => pool.queueTask(() => {})) as QueueFullError).retryAfterMs).toBe(30_000)
    pool.pause()
    expect((thrown(() => pool.queueTask(() => {})) as QueueFullError).retryAfterMs).toBe(1_000)
  })

  it('counts in that time also beside running tasks: their ends make no room in the queue', async () => {
    const { clock, pool } = startedPool({ queueCapacity: 1 })
    pool.queueTask(never)
    await clock.turn()
    pool.queueTask(never)
    const refused = () => (thrown(() => pool.queueTask(never)) as QueueFullError).retryAfterMs
    expect(refused()).toBe(1_000)
    pool.pause({ forMs: 30_000 })
    expect(refused()).toBe(30_000)
  })

  it('counts with weights if the queue is full, or nothing runs, and not if a running task holds what is missing', async () => {
    const { clock, pool } = startedPool({ queueCapacity: 3, weightCapacity: 11 })
    const refused = (weight: number) => (thrown(() => pool.queueTask(never, { weight })) as QueueFullError).retryAfterMs
    const running = pool.queueTask(() => {}, { weight: 8 })
    pool.pause({ forMs: 30_000 })
    expect([running.state, refused(4)]).toEqual(['running', 1_000])
    const queued = [1, 2, 3].map(() => pool.queueTask(never))
    expect(refused(1)).toBe(30_000)
    queued[0]?.cancel()
    await clock.turn()
    expect([running.state, refused(10)]).toEqual(['succeeded', 30_000])
  })

  it('refuses a wrong time, and changes nothing', () => {
    const { pool } = startedPool()
    expect(() => pool.pause({ forMs: -1 })).toThrow('Expected `forMs` to be a number of milliseconds from 0, got `-1`')
    expect(pool.stats().paused).toBe(false)
  })
})
