import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { type DurationStats, type Task, type TaskContext, WorkerPool, type WorkerPoolOptions } from '../../src/index.js'
import { expectBalance, Witness } from '../support/books.js'
import { gate } from '../support/gate.js'
import { ManualClock } from '../support/manual-clock.js'

const make = (options: Partial<WorkerPoolOptions> = {}) => {
  const clock = new ManualClock()
  const pool = new WorkerPool({ concurrency: 2, queueCapacity: 10, clock, onUnobservedError: () => {}, ...options })
  return { clock, pool }
}

const hang = () => new Promise<never>(() => {})
const NO_DATA: DurationStats = {
  mean: 0,
  p50: 0,
  p95: 0,
  p99: 0,
  max: 0,
  count: 0,
  sum: 0,
  buckets: Array.from({ length: 23 }, (_, n) => ({ leMs: 1.28 * 2 ** n, count: 0 }))
}

describe('stats', () => {
  it('has every property from the beginning', () => {
    const { pool } = make()
    expect(pool.stats()).toStrictEqual({
      name: undefined,
      state: 'created',
      paused: false,
      concurrency: 2,
      queueCapacity: 10,
      weightCapacity: null,
      heldWeight: 0,
      running: 0,
      queued: 0,
      delayed: 0,
      waiting: 0,
      stuck: 0,
      retained: 0,
      retention: { retained: 0, oldestMs: 0, forgottenEarly: 0 },
      peakRunning: 0,
      peakQueued: 0,
      oldestQueuedMs: 0,
      totals: {
        submitted: 0,
        refused: 0,
        accepted: 0,
        started: 0,
        retried: 0,
        snoozed: 0,
        succeeded: 0,
        failed: 0,
        canceled: 0
      },
      waitMs: NO_DATA,
      runMs: NO_DATA,
      durable: false,
      storeFailing: false,
      untold: 0,
      parked: 0
    })
  })

  it('has the same properties in every state, and is a copy', async () => {
    const { clock, pool } = make({ name: 'reports' })
    const keys = (value: object): unknown =>
      Object.entries(value).map(([key, inside]) =>
        typeof inside === 'object' && inside !== null ? [key, keys(inside)] : key
      )
    const before = pool.stats()
    const all = keys(before)
    expect(before.name).toBe('reports')
    pool.start()
    pool.queueTask(() => {})
    await clock.turn()
    expect(keys(pool.stats())).toEqual(all)
    expect(before.totals.accepted).toBe(0)
    await pool.stop({ graceMs: 0 })
    expect(keys(pool.stats())).toEqual(all)
    expect(JSON.parse(JSON.stringify(pool.stats()))).toEqual(pool.stats())
  })

  it('counts one task of each outcome', async () => {
    const { clock, pool } = make({ concurrency: 3, queueCapacity: 3, waiterCapacity: 2, stuckAfterMs: 100 })
    pool.start()
    let calls = 0
    pool.queueTask(() => 'succeeds')
    pool.queueTask(() => Promise.reject(new Error('fails')))
    pool.queueTask(
      () => {
        if (++calls === 1) throw new Error('again')
      },
      { retry: { attempts: 2, backoffMs: () => 1 } }
    )
    await clock.advance(5)
    pool.queueTask(() => Promise.reject(new Error('waits')), { retry: { attempts: 2, backoffMs: () => 1_000 } })
    pool.queueTask(hang).cancel()
    await clock.turn()
    const stuck = pool.queueTask(hang)
    pool.queueTask(hang)
    pool.queueTask(hang)
    pool.queueTask(hang)
    pool.queueTask(hang)
    void pool.queueTaskWhenFree(hang).catch(() => {})
    expect(() => pool.queueTask(hang)).toThrow()
    await clock.turn()
    stuck.cancel()
    await clock.advance(100)
    expect(pool.stats()).toMatchObject({
      state: 'running',
      running: 3,
      queued: 2,
      delayed: 1,
      waiting: 1,
      stuck: 1,
      retained: 4,
      peakRunning: 3,
      peakQueued: 2,
      oldestQueuedMs: 100,
      totals: {
        submitted: 12,
        refused: 1,
        accepted: 10,
        started: 8,
        retried: 2,
        succeeded: 2,
        failed: 1,
        canceled: 1
      }
    })
    expectBalance(pool)
  })

  it('has counters that add up at every time: in tasks, listeners, abort listeners and between', async () => {
    const { clock, pool } = make({ concurrency: 2, queueCapacity: 3, waiterCapacity: 2, stuckAfterMs: 5 })
    const witness = new Witness(pool)
    pool.start()
    let checks = 0
    const errors: unknown[] = []
    const check = () => {
      checks++
      try {
        expectBalance(pool)
      } catch (error) {
        errors.push(error)
      }
    }
    const work: ((ctx: TaskContext) => unknown)[] = [
      check,
      async () => {
        check()
        await Promise.resolve()
        check()
        throw new Error('failed')
      },
      ({ signal, stopping }) =>
        new Promise((_, reject) => {
          stopping.addEventListener('abort', check)
          signal.addEventListener('abort', () => {
            check()
            reject(signal.reason)
          })
        }),
      () => {
        check()
        throw new Error('failed at once')
      }
    ]
    const tasks: Task[] = []
    for (let n = 0; n < 200; n++) {
      try {
        tasks.push(
          pool.queueTask(work[n % work.length] ?? check, {
            timeoutMs: 7,
            ...(n % 3 === 0 ? { retry: { attempts: 2, backoffMs: () => n % 5 } } : {})
          })
        )
      } catch {
        void pool.queueTaskWhenFree(work[n % work.length] ?? check, { waitMs: n % 6 }).then(check, check)
      }
      check()
      if (n % 7 === 0) tasks.at(-1)?.cancel()
      check()
      await clock.advance(n % 3)
      check()
    }
    void pool.stop({ graceMs: 10, forceMs: 10 })
    check()
    await clock.advance(100)
    check()
    expect(errors).toEqual([])
    expect(checks).toBeGreaterThan(700)
    const { totals, state } = pool.stats()
    expect(state).toBe('stopped')
    expect(totals.submitted).toBeGreaterThan(200)
    expect(totals.refused).toBeGreaterThan(0)
    expect(totals.succeeded * totals.failed * totals.canceled).toBeGreaterThan(0)
    witness.check()
  })

  it('oldestQueuedMs is the wait of the longest queued task, of every priority and key', async () => {
    const { clock, pool } = make({ concurrency: 1 })
    pool.pause()
    pool.start()
    const first = pool.queueTask(hang, { key: 'a' })
    await clock.advance(1_000)
    const second = pool.queueTask(hang, { priority: 5 })
    await clock.advance(500)
    pool.queueTask(hang, { key: 'b' })
    expect(pool.stats().oldestQueuedMs).toBe(1_500)
    first.cancel()
    expect(pool.stats().oldestQueuedMs).toBe(500)
    clock.block(250)
    expect(pool.stats().oldestQueuedMs).toBe(750)
    second.cancel()
    expect(pool.stats().oldestQueuedMs).toBe(250)
    clock.stepWall(86_400_000)
    expect(pool.stats().oldestQueuedMs).toBe(250)
    pool.resume()
    expect(pool.stats().oldestQueuedMs).toBe(0)
  })

  it('peaks stay when the numbers fall, and a task that takes a free worker is never queued', async () => {
    const { clock, pool } = make()
    pool.start()
    const { promise, open } = gate()
    for (let n = 0; n < 2; n++) pool.queueTask(() => promise)
    expect(pool.stats()).toMatchObject({ peakRunning: 2, peakQueued: 0 })
    for (let n = 0; n < 3; n++) pool.queueTask(() => {})
    open()
    await clock.turn()
    pool.queueTask(() => {})
    await clock.turn()
    expect(pool.stats()).toMatchObject({ running: 0, queued: 0, peakRunning: 2, peakQueued: 3 })
  })

  it('stuck decreases when the function ends', async () => {
    const { clock, pool } = make({ stuckAfterMs: 10 })
    pool.start()
    const { promise, open } = gate()
    const task = pool.queueTask(() => promise)
    await clock.turn()
    task.cancel()
    await clock.advance(9)
    expect(pool.stats().stuck).toBe(0)
    await clock.advance(1)
    expect(pool.stats().stuck).toBe(1)
    open()
    await clock.turn()
    expect(pool.stats().stuck).toBe(0)
  })

  it('waitMs measures from acceptance to the first start, once per task, without tasks canceled before', async () => {
    const { clock, pool } = make({ concurrency: 1 })
    pool.start()
    const { promise, open } = gate()
    pool.queueTask(() => promise)
    pool.queueTask(() => {})
    pool.queueTask(hang).cancel()
    await clock.advance(4_000)
    open()
    await clock.turn()
    expect(pool.stats().waitMs).toMatchObject({ mean: 2_000, p50: 0, max: 4_000 })
    expect(within(pool.stats().waitMs.p99, 4_000)).toBe(true)
  })

  it('runMs follows the last minute or two: quick tasks of long ago do not hide slow ones of now', async () => {
    const { clock, pool } = make({ concurrency: 10 })
    pool.start()
    for (let n = 0; n < 10_000; n += 10) {
      for (let i = 0; i < 10; i++) pool.queueTask(() => {})
      await clock.turn()
    }
    expect(pool.stats().runMs.p95).toBe(0)
    for (let n = 0; n < 400; n += 10) {
      await clock.advance(5_000)
      for (let i = 0; i < 10; i++) pool.queueTask(() => new Promise((done) => clock.timer(() => done(1)).set(500)))
      await clock.advance(500)
    }
    const { p50, p95, count, sum } = pool.stats().runMs
    expect(within(p50, 500)).toBe(true)
    expect(within(p95, 500)).toBe(true)
    expect({ count, sum }).toEqual({ count: 10_400, sum: 200_000 })
  })

  it('runMs measures each attempt from its call to its end, whatever the outcome', async () => {
    const { clock, pool } = make({ concurrency: 1 })
    pool.start()
    const gates = [gate(), gate()]
    let calls = 0
    pool.queueTask(() => gates[calls++]?.promise, { retry: { attempts: 2, backoffMs: () => 50_000 } })
    await clock.advance(100)
    gates[0]?.fail(new Error('again'))
    await clock.advance(50_000)
    await clock.advance(300)
    gates[1]?.open()
    await clock.turn()
    expect(pool.stats().runMs).toMatchObject({ mean: 200, max: 300 })
    expect(pool.stats().waitMs).toMatchObject({ mean: 0, p99: 0, max: 0, count: 1, sum: 0 })
    expect(pool.stats().totals).toMatchObject({ started: 2, retried: 1, succeeded: 1 })
  })

  it.each([
    ['a function', (block: () => void) => block()],
    ['an asynchronous function', async (block: () => void) => block()],
    [
      'a failing function',
      (block: () => void) => {
        block()
        throw new Error('too long')
      }
    ]
  ])('%s that blocks the loop has run as long as it blocked', async (_what, run) => {
    const { clock, pool } = make({ concurrency: 1, queueCapacity: 0 })
    pool.start()
    pool.queueTask(() => run(() => clock.block(5_000)))
    await clock.turn()
    expect(pool.stats().runMs).toMatchObject({ mean: 5_000, max: 5_000 })
    pool.queueTask(hang)
    expect(() => pool.queueTask(hang)).toThrow(expect.objectContaining({ retryAfterMs: 5_000 }))
  })

  it('the percentiles of a minute are precise to about 6 %', async () => {
    for (const scale of [0.5, 2, 10]) {
      const { clock, pool } = make({ concurrency: 1, queueCapacity: 0, retention: { count: 0 } })
      pool.start()
      for (let n = 1; n <= 100; n++) {
        const { promise, open } = gate()
        pool.queueTask(() => promise)
        await clock.advance(n * scale)
        open()
        await clock.turn()
      }
      const { mean, p50, p95, p99, max } = pool.stats().runMs
      expect(mean).toBeCloseTo(50.5 * scale, 6)
      expect(max).toBeCloseTo(100 * scale, 6)
      expect([within(p50, 50 * scale), within(p95, 95 * scale), within(p99, 99 * scale)]).toEqual([true, true, true])
    }
  })
})

/** Within 6 %. */
const within = (value: number, expected: number): boolean => Math.abs(value - expected) <= 0.06 * expected

describe('the pool in one line', () => {
  it('shows the utilization, the oldest wait and the outcomes', async () => {
    const { clock, pool } = make({ name: 'reports', concurrency: 10, queueCapacity: 100 })
    pool.start()
    for (let n = 0; n < 3; n++) pool.queueTask(() => {})
    for (let n = 0; n < 2; n++) pool.queueTask(() => Promise.reject(new Error('failed')))
    await clock.turn()
    for (let n = 0; n < 47; n++) pool.queueTask(hang)
    await clock.advance(4_180)
    pool.resize({ queueCapacity: 37 })
    expect(() => pool.queueTask(hang)).toThrow()
    const line = 'reports: running 10/10, queued 37/37, oldest 4.2 s, 3 succeeded, 2 failed, 1 refused'
    expect(pool.toString()).toBe(line)
    expect(String(pool)).toBe(line)
    expect(inspect(pool)).toBe(line)
    expect(inspect({ pool })).toBe(`{\n  pool: ${line}\n}`)
  })

  it('shows the state if it is not running, and optional parts only if they apply', async () => {
    const { clock, pool } = make({ name: 'p', concurrency: 1, queueCapacity: 1, waiterCapacity: 1 })
    expect(String(pool)).toBe('p (created): running 0/1, queued 0/1, 0 succeeded, 0 failed, 0 refused')
    pool.start()
    pool.queueTask(hang).cancel()
    pool.queueTask(() => Promise.reject(new Error('again')), { retry: { attempts: 2, backoffMs: () => 1_000 } })
    await clock.turn()
    pool.queueTask(hang)
    void pool.queueTaskWhenFree(hang).catch(() => {})
    await clock.turn()
    pool.pause()
    expect(String(pool)).toBe(
      'p (paused): running 1/1, queued 0/1, delayed 1, waiting 1, 0 succeeded, 0 failed, 1 canceled, 0 refused'
    )
    void pool.stop({ graceMs: 0, forceMs: 10 })
    expect(String(pool)).toMatch(/^p \(stopping\): /)
    await clock.advance(10)
    expect(String(pool)).toBe('p (stopped): running 0/1, queued 0/1, 0 succeeded, 1 failed, 2 canceled, 1 refused')
  })

  it('is one line, whatever the name and the state', async () => {
    const { clock, pool } = make({ name: 'two\nlines', queueCapacity: Number.POSITIVE_INFINITY })
    const lines = [String(pool)]
    pool.start().pause()
    pool.queueTask(hang)
    lines.push(String(pool))
    pool.resume()
    await clock.turn()
    lines.push(String(pool))
    void pool.stop({ graceMs: 0, forceMs: 10 })
    lines.push(String(pool))
    await clock.advance(10)
    lines.push(String(pool))
    for (const line of lines) expect(line).not.toMatch(/[\r\n]/)
    expect(new Set(lines).size).toBe(5)
    expect(String(new WorkerPool({ concurrency: 1, queueCapacity: 0 }))).toMatch(
      /running 0\/1, queued 0\/0, 0 succeeded, 0 failed, 0 refused$/
    )
  })
})
