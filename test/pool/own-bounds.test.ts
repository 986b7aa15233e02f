import { describe, expect, it } from 'vitest'
import { KeyQueueFullError, type PerKeyOptions } from '../../src/index.js'
import { gate } from '../support/gate.js'
import { rejection, startedPool, thrown, watchedPool } from '../support/pools.js'

describe('perKey as a function', () => {
  const plans: Readonly<Record<string, PerKeyOptions>> = {
    free: { concurrency: 1, queueCapacity: 1 },
    paid: { concurrency: 2, queueCapacity: 3 }
  }

  it('gives each key its own bounds', async () => {
    const { pool } = startedPool({ concurrency: 10, perKey: (key) => plans[key] ?? {} })
    const { promise, open } = gate()
    const accepted = (key: string) => {
      for (let count = 0; ; count++) {
        try {
          pool.queueTask(() => promise, { key })
        } catch (error) {
          expect(error).toBeInstanceOf(KeyQueueFullError)
          return { count, error }
        }
      }
    }
    expect(accepted('free')).toMatchObject({ count: 2, error: { key: 'free', concurrency: 1, queueCapacity: 1 } })
    expect(accepted('paid')).toMatchObject({ count: 5, error: { key: 'paid', concurrency: 2, queueCapacity: 3 } })
    expect(pool.stats()).toMatchObject({ running: 3, queued: 4 })
    open()
  })

  it('is asked once for a key with tasks, and again when that has had none', async () => {
    const asked: string[] = []
    const { clock, pool } = startedPool({
      perKey: (key) => {
        asked.push(key)
        return {}
      }
    })
    for (const key of ['a', 'b', 'a', undefined]) pool.queueTask(() => {}, { key })
    expect(asked).toEqual(['a', 'b'])
    await clock.turn()
    pool.queueTask(() => {}, { key: 'a' })
    expect(asked).toEqual(['a', 'b', 'a'])
  })

  it('is not asked for a key whose caller waits, until that has its place', async () => {
    let asked = 0
    const { clock, pool } = startedPool({
      queueCapacity: 0,
      perKey: () => {
        asked++
        return { concurrency: 1 }
      }
    })
    const { promise, open } = gate()
    pool.queueTask(() => promise)
    const waiting = pool.queueTaskWhenFree(() => {}, { key: 'a' })
    expect(asked).toBe(1)
    open()
    await clock.turn()
    expect([(await waiting).state, asked]).toEqual(['succeeded', 1])
    expect([pool.queueTask(() => {}, { key: 'a' }).state, asked]).toEqual(['running', 2])
  })

  it('forgets the bounds of a waiter that leaves and of a task that is refused', async () => {
    let asked = 0
    const { clock, pool } = startedPool({
      queueCapacity: 0,
      perKey: () => {
        asked++
        return {}
      }
    })
    const { promise, open } = gate()
    pool.queueTask(() => promise)
    const controller = new AbortController()
    const left = rejection(pool.queueTaskWhenFree(() => {}, { key: 'a', waitSignal: controller.signal }))
    controller.abort('gone')
    expect([await left, asked]).toEqual(['gone', 1])
    expect(() => pool.queueTask(() => {}, { key: 'a' })).toThrow('The pool is full')
    expect(() => pool.queueTask(() => {}, { key: 'a' })).toThrow('The pool is full')
    expect(asked).toBe(3)
    open()
    await clock.turn()
  })

  it('I17 throws its errors, and those of a wrong answer, to the caller; nothing is counted', async () => {
    const { pool } = watchedPool({
      perKey: (key) => {
        if (key === 'throws') throw new Error('no such tenant')
        return { concurrency: 0 }
      }
    })
    expect(() => pool.queueTask(() => {}, { key: 'throws' })).toThrow('no such tenant')
    await expect(pool.queueTaskWhenFree(() => {}, { key: 'throws' })).rejects.toThrow('no such tenant')
    expect(thrown(() => pool.queueTask(() => {}, { key: 'wrong' }))).toMatchObject({
      message: 'Expected `perKey.concurrency` to be an integer from 1, or Infinity, got `0` (number)'
    })
    expect(pool.queueTask(() => {}).state).toBe('queued')
    expect(pool.stats().totals).toMatchObject({ submitted: 1, refused: 0 })
  })

  it('may queue a task of the same key itself: its bounds stand', () => {
    const { pool } = watchedPool({
      perKey: (key) => {
        if (pool.stats().queued === 0) {
          inside = true
          if (depth++ === 0) pool.queueTask(() => {}, { key })
        }
        return { queueCapacity: 2, concurrency: 1 }
      }
    })
    let inside = false
    let depth = 0
    pool.queueTask(() => {}, { key: 'a' })
    expect([inside, pool.stats().queued]).toEqual([true, 2])
    expect(thrown(() => pool.queueTask(() => {}, { key: 'a' }))).toBeInstanceOf(KeyQueueFullError)
  })
})

describe('resize({ rateLimit })', () => {
  const counted = (options: Parameters<typeof startedPool>[0]) => {
    const { clock, pool } = startedPool({ concurrency: 10, queueCapacity: 100, ...options })
    let started = 0
    const queue = (count: number) => {
      for (let n = 0; n < count; n++) pool.queueTask(() => void started++)
    }
    return { clock, pool, queue, started: () => started }
  }

  it('raises the rate at once; the starts in the window count', async () => {
    const { clock, pool, queue, started } = counted({ rateLimit: { starts: 2, intervalMs: 100 } })
    queue(10)
    await clock.turn()
    expect(started()).toBe(2)
    pool.resize({ rateLimit: { starts: 5, intervalMs: 100 } })
    await clock.turn()
    expect(started()).toBe(5)
    await clock.advance(100)
    expect(started()).toBe(10)
  })

  it('lowers the rate: nothing starts until enough of the past starts have left the window', async () => {
    const { clock, pool, queue, started } = counted({ rateLimit: { starts: 3, intervalMs: 100 } })
    queue(1)
    await clock.advance(10)
    queue(1)
    await clock.advance(10)
    queue(3)
    await clock.turn()
    expect(started()).toBe(3)
    pool.resize({ rateLimit: { starts: 1, intervalMs: 100 } })
    await clock.advance(99)
    expect(started()).toBe(3)
    await clock.advance(1)
    expect(started()).toBe(4)
    await clock.advance(99)
    expect(started()).toBe(4)
    await clock.advance(1)
    expect([started(), clock.timers('alive')]).toEqual([5, 0])
  })

  it('limits a pool that had no rate, and null ends the limit', async () => {
    const { clock, pool, queue, started } = counted({})
    queue(2) // with a worker, not called yet: they count
    pool.resize({ rateLimit: { starts: 3, intervalMs: 100 } })
    queue(5)
    await clock.turn()
    expect(started()).toBe(3)
    pool.resize({ rateLimit: null })
    await clock.turn()
    expect([started(), clock.timers('alive')]).toEqual([7, 0])
  })

  it('refuses a wrong rate and changes nothing', () => {
    const { pool } = startedPool()
    expect(() => pool.resize({ concurrency: 5, rateLimit: { starts: 0, intervalMs: 1 } })).toThrow(
      'Expected `rateLimit.starts` to be an integer from 1, got `0` (number)'
    )
    expect(pool.stats().concurrency).toBe(1)
  })
})
