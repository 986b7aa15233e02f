import { describe, expect, it } from 'vitest'
import { KeyQueueFullError, type PerKeyOptions, QueueFullError, type WorkerPoolOptions } from '../../src/index.js'
import { gate } from '../support/gate.js'
import { rejection, startedPool, thrown } from '../support/pools.js'

type Options = Partial<WorkerPoolOptions<Record<never, never>>>

/** A pool, and the keys of its calls. */
function counted(options: Options) {
  const { clock, pool } = startedPool({ concurrency: 10, queueCapacity: 10_000, ...options })
  const calls: string[] = []
  const queue = (key: string, count = 1) => {
    for (let n = 0; n < count; n++) pool.queueTask(() => void calls.push(key), { key })
  }
  const taken = (): string => calls.splice(0).join('')
  return { clock, pool, queue, taken }
}

describe('perKey.rateLimit', () => {
  const perKey = { rateLimit: { starts: 2, intervalMs: 100 } }

  it('holds back a key over its rate, and no other', async () => {
    const { clock, pool, queue, taken } = counted({ perKey })
    queue('a', 5)
    queue('b', 3)
    pool.queueTask(() => {})
    await clock.turn()
    expect(taken()).toBe('aabb')
    expect(pool.stats()).toMatchObject({ running: 0, queued: 4, totals: { succeeded: 5 } })
    await clock.advance(99)
    expect(taken()).toBe('')
    await clock.advance(1)
    expect(taken(), 'in turns').toBe('aba')
    await clock.advance(100)
    expect([taken(), clock.timers('alive')]).toEqual(['a', 0])
  })

  it('with one worker, lets the others go on while a key of a high priority is over its rate', async () => {
    const { clock, pool, taken } = counted({ concurrency: 1, perKey: { rateLimit: { starts: 1, intervalMs: 100 } } })
    const calls: string[] = []
    for (const [key, priority] of [
      ['a', 5],
      ['a', 5],
      ['b', 0],
      ['a', -1],
      ['c', 0]
    ] as const)
      pool.queueTask(() => void calls.push(key), { key, priority })
    await clock.turn()
    expect(calls.splice(0).join('')).toBe('abc')
    await clock.advance(100)
    await clock.advance(100)
    expect([calls.join(''), taken()]).toEqual(['aa', ''])
  })

  it('counts the starts of a key that has been idle since', async () => {
    const { clock, queue, taken } = counted({ perKey })
    queue('a', 2)
    await clock.advance(60)
    expect(taken()).toBe('aa')
    queue('a')
    await clock.advance(39)
    expect(taken()).toBe('')
    await clock.advance(1)
    expect(taken()).toBe('a')
  })

  it('counts each attempt, and none of a task that is canceled before its call', async () => {
    const { clock, pool, queue, taken } = counted({
      perKey: { rateLimit: { starts: 1, intervalMs: 100 } },
      retry: { attempts: 2, backoffMs: () => 10 }
    })
    const task = pool.queueTask(() => {}, { key: 'a' })
    task.cancel()
    queue('a')
    await clock.turn()
    expect(taken()).toBe('a')
    let attempts = 0
    pool.queueTask(
      () => {
        if (++attempts === 1) throw new Error('busy')
      },
      { key: 'b' }
    )
    await clock.advance(99)
    expect(attempts).toBe(1)
    await clock.advance(1)
    expect(attempts).toBe(2)
  })

  it('works with a rate of the pool: both hold', async () => {
    const { clock, queue, taken } = counted({ perKey, rateLimit: { starts: 3, intervalMs: 150 } })
    queue('a', 4)
    queue('b', 4)
    await clock.turn()
    expect(taken()).toBe('aab')
    await clock.advance(100)
    expect(taken()).toBe('')
    await clock.advance(50)
    expect(taken()).toHaveLength(3)
  })

  it('resumes when the timer is late: whoever queues first starts what is due', async () => {
    const { clock, pool, queue, taken } = counted({ perKey: { rateLimit: { starts: 1, intervalMs: 100 } } })
    queue('a', 2)
    await clock.turn()
    expect(taken()).toBe('a')
    clock.block(150)
    const late = pool.queueTask(() => {}, { key: 'a' })
    expect([pool.stats().running, late.state]).toEqual([1, 'queued'])
    await clock.turn()
    expect(taken()).toBe('a')
  })

  it('wakes up for a caller that waits for room with a key over its rate', async () => {
    const { clock, pool, queue, taken } = counted({
      queueCapacity: 0,
      perKey: { rateLimit: { starts: 1, intervalMs: 100 } }
    })
    queue('a')
    await clock.turn()
    expect(taken()).toBe('a')
    const waiting = pool.queueTaskWhenFree(() => 'done', { key: 'a' })
    await clock.advance(99)
    expect(pool.stats().waiting).toBe(1)
    await clock.advance(1)
    expect((await waiting).state).toBe('succeeded')
    expect(clock.timers('alive')).toBe(0)
  })

  it('retryAfterMs knows the rate of the key, and that everything in the pool waits for one', async () => {
    const { clock, pool, queue } = counted({
      queueCapacity: 3,
      perKey: { queueCapacity: 2, rateLimit: { starts: 1, intervalMs: 5_000 } }
    })
    queue('a', 3)
    await clock.turn()
    expect(thrown(() => queue('a'))).toMatchObject({ constructor: KeyQueueFullError, retryAfterMs: 15_000 })
    queue('b', 2)
    await clock.turn()
    const full = thrown(() => pool.queueTask(() => {}, { delayMs: 1 }))
    expect(full).toMatchObject({ constructor: QueueFullError, retryAfterMs: 5_000 })
    const waited = await rejection(pool.queueTaskWhenFree(() => {}, { key: 'b', waitMs: 0, delayMs: 1 }))
    expect(waited).toMatchObject({ code: 'ERR_WAIT_TIMEOUT', retryAfterMs: 10_000 })
  })

  it('is canceled, reprioritized and stopped like any queued task', async () => {
    const { clock, pool, queue, taken } = counted({ perKey: { rateLimit: { starts: 1, intervalMs: 1_000 } } })
    queue('a')
    await clock.turn()
    const parked = [1, 2, 3].map(() => pool.queueTask(() => {}, { key: 'a' }))
    await clock.turn()
    expect(parked[0]?.reprioritize(3)).toBe(true)
    expect(parked.map((task) => task.cancel())).toEqual([true, true, true])
    expect(clock.timers('alive'), 'nothing is left to wake up for').toBe(0)
    queue('a', 2)
    const report = pool.stop({ graceMs: 1_500, forceMs: 0 })
    await clock.advance(1_000)
    await clock.advance(500)
    expect([taken(), (await report).unstarted.count]).toEqual(['aa', 1])
  })

  it('may differ from key to key, and change when a key has been idle; the starts in its window count', async () => {
    const plans: Record<string, PerKeyOptions> = { a: { rateLimit: { starts: 1, intervalMs: 100 } }, b: {} }
    const { clock, queue, taken } = counted({ perKey: (key) => plans[key] ?? {} })
    queue('b', 3)
    await clock.turn()
    queue('a', 2)
    queue('b', 3)
    await clock.turn()
    expect([...taken()].sort().join('')).toBe('abbbbbb')
    await clock.advance(100)
    expect(taken()).toBe('a')
    plans['a'] = { rateLimit: { starts: 3, intervalMs: 100 } }
    queue('a', 5)
    await clock.turn()
    expect(taken(), 'one of the three has been used').toBe('aa')
    await clock.advance(100)
    expect(taken()).toBe('aaa')
    plans['a'] = {}
    queue('a', 3)
    await clock.turn()
    expect(taken()).toBe('aaa')
  })

  it('holds a retry back with its place kept', async () => {
    const { clock, pool } = counted({
      concurrency: 1,
      perKey: { rateLimit: { starts: 1, intervalMs: 100 } },
      retry: { attempts: 3, backoffMs: () => 0 }
    })
    const times: number[] = []
    const task = pool.queueTask(
      () => {
        times.push(clock.now())
        throw new Error('no')
      },
      { key: 'a' }
    )
    task.settled().catch(() => {})
    const { promise, open } = gate()
    pool.queueTask(() => promise, { key: 'b' })
    await clock.advance(150)
    expect(times.length, 'the only worker is taken').toBe(1)
    open()
    await clock.advance(100)
    expect(times[1]).toBe((times[0] as number) + 150)
  })

  it('a hundred parked keys all go on at their time', async () => {
    const { clock, queue, taken, pool } = counted({ perKey: { rateLimit: { starts: 1, intervalMs: 100 } } })
    for (let n = 0; n < 100; n++) queue(`k${n}`, 2)
    await clock.turn()
    taken()
    expect(pool.stats().queued).toBe(100)
    await clock.advance(100)
    expect(pool.stats().queued).toBe(0)
  })

  it('refuses a wrong rate by its path', () => {
    expect(thrown(() => startedPool({ perKey: { rateLimit: { starts: 0, intervalMs: 1 } } }))).toMatchObject({
      message: 'Expected `perKey.rateLimit.starts` to be an integer from 1, got `0` (number)'
    })
  })
})

describe('a rate that comes by resize', () => {
  it('counts the calls of tasks without any option', async () => {
    const { clock, pool } = startedPool({ concurrency: 10, queueCapacity: 100 })
    let started = 0
    pool.resize({ rateLimit: { starts: 2, intervalMs: 100 } })
    for (let n = 0; n < 6; n++) pool.queueTask(() => void started++)
    await clock.turn()
    expect(started).toBe(2)
    await clock.advance(100)
    expect(started).toBe(4)
    await clock.advance(100)
    expect(started).toBe(6)
  })
})
