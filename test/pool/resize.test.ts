import { describe, expect, it } from 'vitest'
import { type PoolEventName, QueueFullError, type Task, type TaskContext, type WorkerPool } from '../../src/index.js'
import { EVENTS, expectBalance } from '../support/books.js'
import { type Gate, gate } from '../support/gate.js'
import { never, startedPool, statesOf, thrown, untilAborted, watchedPool } from '../support/pools.js'

describe('resize', () => {
  it('A18 ends no task when it shrinks: none starts until few enough run; when it grows, all start at once', async () => {
    const { clock, pool, witness } = startedPool({ concurrency: 4, queueCapacity: 20 })
    const gates: Gate[] = []
    const tasks = Array.from({ length: 14 }, () =>
      pool.queueTask(() => {
        const end = gate()
        gates.push(end)
        return end.promise
      })
    )
    await clock.turn()
    expect(expectBalance(pool)).toMatchObject({ running: 4, queued: 10 })

    pool.resize({ concurrency: 1 })
    await clock.turn()
    expect(expectBalance(pool)).toMatchObject({ concurrency: 1, running: 4, queued: 10 })
    for (let left = 3; left >= 1; left--) {
      gates[3 - left]?.open()
      await clock.turn()
      expect(expectBalance(pool)).toMatchObject({ running: left, queued: 10 })
    }
    gates[3]?.open()
    await clock.turn()
    expect(expectBalance(pool)).toMatchObject({ running: 1, queued: 9, totals: { succeeded: 4 } })

    pool.resize({ concurrency: 8 })
    expect(expectBalance(pool)).toMatchObject({ concurrency: 8, running: 8, queued: 2 })
    await clock.turn()
    expect(gates).toHaveLength(12)
    expect(statesOf(tasks)).toEqual([
      ...Array<string>(4).fill('succeeded'),
      ...Array<string>(8).fill('running'),
      ...Array<string>(2).fill('queued')
    ])
    expect(witness.names().filter((name) => name === 'canceled' || name === 'failed')).toEqual([])
    expect(pool.stats()).toMatchObject({ peakRunning: 8, peakQueued: 10 })
  })

  it('A18 drops no accepted task: the queue may exceed a smaller capacity, and accepts none until it has drained', async () => {
    const { clock, pool } = startedPool({ concurrency: 1, queueCapacity: 5, waiterCapacity: 3 })
    const blocker = pool.queueTask(untilAborted)
    const tasks = Array.from({ length: 5 }, () => pool.queueTask(untilAborted))
    const order: string[] = []
    void pool.queueTaskWhenFree(never, { name: 'waiting' }).then(({ name }) => order.push(name as string))
    await clock.turn()
    pool.resize({ queueCapacity: 2 })
    expect(expectBalance(pool)).toMatchObject({ queueCapacity: 2, running: 1, queued: 5, waiting: 1 })
    const error = thrown(() => pool.queueTask(never)) as QueueFullError
    expect(error).toBeInstanceOf(QueueFullError)
    expect({ ...error }).toMatchObject({ concurrency: 1, queueCapacity: 2, running: 1, queued: 5 })

    blocker.cancel()
    await clock.turn()
    for (const n of [0, 1]) {
      expect(expectBalance(pool)).toMatchObject({ running: 1, queued: 4 - n, waiting: 1 })
      tasks[n]?.cancel()
      await clock.turn()
    }
    expect(expectBalance(pool)).toMatchObject({ running: 1, queued: 2, waiting: 1 })
    tasks[2]?.cancel()
    await clock.turn()
    expect(order).toEqual(['waiting'])
    expect(expectBalance(pool)).toMatchObject({ running: 1, queued: 2, waiting: 0 })
    expect(() => pool.queueTask(never)).toThrow(QueueFullError)
  })

  it.each([
    [{ queueCapacity: 3 }, { running: 1, queued: 3, waiting: 2 }],
    [{ concurrency: 3 }, { running: 3, queued: 1, waiting: 2 }],
    [
      { concurrency: 2, queueCapacity: 10 },
      { running: 2, queued: 4, waiting: 0 }
    ],
    [{ queueCapacity: Number.POSITIVE_INFINITY }, { running: 1, queued: 5, waiting: 0 }]
  ])('A18 lets waiters in at once when it grows by %j', async (bounds, expected) => {
    const { clock, pool } = startedPool({ concurrency: 1, queueCapacity: 1, waiterCapacity: 10 })
    pool.queueTask(never)
    pool.queueTask(never)
    const order: number[] = []
    for (let n = 0; n < 4; n++) void pool.queueTaskWhenFree(never).then(() => order.push(n))
    await clock.turn()
    pool.resize(bounds)
    expect(expectBalance(pool)).toMatchObject(expected)
    await clock.turn()
    expect(order).toEqual([0, 1, 2, 3].slice(0, 4 - expected.waiting))
  })

  it('bounds a pool before it starts', async () => {
    const { clock, pool } = watchedPool({ concurrency: 1, queueCapacity: 1 })
    pool.queueTask(() => 1)
    expect(() => pool.queueTask(never)).toThrow(QueueFullError)
    pool.resize({ concurrency: 2, queueCapacity: 2 })
    pool.queueTask(() => 2)
    expect(() => pool.queueTask(never)).toThrow(QueueFullError)
    pool.start()
    expect(expectBalance(pool)).toMatchObject({ running: 2, queued: 0 })
    await clock.turn()
    expect(pool.stats().totals).toMatchObject({ succeeded: 2 })
  })

  it('starts nothing in a pool that is paused or at its rate limit', async () => {
    const { clock, pool } = startedPool({ concurrency: 1, rateLimit: { starts: 1, intervalMs: 100 } })
    for (let n = 0; n < 3; n++) pool.queueTask(never)
    await clock.turn()
    pool.resize({ concurrency: 3 })
    expect(expectBalance(pool)).toMatchObject({ running: 1, queued: 2 })
    pool.pause()
    await clock.advance(100)
    pool.resize({ concurrency: 4 })
    expect(expectBalance(pool)).toMatchObject({ running: 1, queued: 2 })
    pool.resume()
    expect(expectBalance(pool)).toMatchObject({ running: 2, queued: 1 })
    await clock.advance(100)
    expect(expectBalance(pool)).toMatchObject({ running: 3, queued: 0 })
  })

  it('applies during the grace of a stop, and has no effect after it', async () => {
    const { clock, pool } = startedPool({ concurrency: 1, forceMs: 0 })
    const ends = [gate(), gate()]
    const tasks = ends.map((end) => pool.queueTask(() => end.promise))
    const last = pool.queueTask(never)
    await clock.turn()
    const stopped = pool.stop({ graceMs: 100 })
    pool.resize({ concurrency: 2 })
    await clock.turn()
    expect(statesOf([...tasks, last])).toEqual(['running', 'running', 'queued'])
    ends[0]?.open()
    ends[1]?.open()
    await clock.advance(1_000)
    expect(await stopped).toMatchObject({ succeeded: 2, failed: 1 })
    pool.resize({ concurrency: 9, queueCapacity: 9 })
    expect(expectBalance(pool)).toMatchObject({ state: 'stopped', concurrency: 9, queueCapacity: 9, running: 0 })
  })

  it.each([
    [{ concurrency: 0 }, RangeError, 'Expected `concurrency` to be an integer from 1, got `0` (number)'],
    [
      { concurrency: 2, queueCapacity: -1 },
      RangeError,
      /^Expected `queueCapacity` to be an integer from 0.*, got `-1`/
    ],
    [
      { concurrency: 2, queueCapacity: '3' },
      TypeError,
      /^Expected `queueCapacity` to be an integer from 0.*, got `"3"`/
    ],
    [{ concurrency: Number.POSITIVE_INFINITY }, RangeError, /^Expected `concurrency` to be an integer from 1/],
    [{ concurrency: 1.5 }, RangeError, /^Expected `concurrency` to be an integer from 1/],
    [{ concurrency: 2, waiterCapacity: 5 }, TypeError, /`waiterCapacity`/],
    [null, TypeError, /^Expected `options` to be an object, got `null` \(null\)$/],
    [undefined, TypeError, /^Expected `options` to be an object, got `undefined` \(undefined\)$/]
  ])('changes nothing when a bound is wrong (%#)', (bounds, kind, message) => {
    const { pool } = startedPool({ concurrency: 1, queueCapacity: 2 })
    const before = pool.stats()
    const error = thrown(() => pool.resize(bounds as never))
    expect(error).toBeInstanceOf(kind)
    expect((error as Error).message).toMatch(message)
    expect(pool.stats()).toEqual(before)
  })

  it('leaves a bound that is not given unchanged', () => {
    const { pool } = startedPool({ concurrency: 3, queueCapacity: 4 })
    pool.resize({})
    pool.resize({ concurrency: undefined, queueCapacity: 6 })
    expect(pool.stats()).toMatchObject({ concurrency: 3, queueCapacity: 6 })
  })
})

describe('listeners that act on the pool', () => {
  const acts: Record<string, (pool: WorkerPool, task: Task | undefined) => unknown> = {
    'resizes it down': (pool) => pool.resize({ concurrency: 1, queueCapacity: 0 }),
    'resizes it up and down': (pool) => {
      pool.resize({ concurrency: 8, queueCapacity: 20 })
      pool.resize({ concurrency: 2, queueCapacity: 4 })
    },
    'queues a task': (pool) => {
      try {
        pool.queueTask(() => 1, { name: 'extra' })
      } catch (error) {
        expect((error as QueueFullError).code).toMatch(/^ERR_(QUEUE_FULL|POOL_STOPPED)$/)
      }
    },
    'waits for room': (pool) => {
      pool
        .queueTaskWhenFree(() => 1, { name: 'extra', waitMs: 50 })
        .catch((error: QueueFullError) => {
          expect(error.code).toMatch(/^ERR_(WAIT_TIMEOUT|WAIT_FULL|POOL_STOPPED)$/)
        })
    },
    'cancels its task': (_pool, task) => task?.cancel('by a listener'),
    'cancels everything': (pool) => {
      for (const task of pool.tasks()) task.cancel('by a listener')
    },
    'stops it with grace': (pool) => void pool.stop({ graceMs: 200, forceMs: 100 }),
    'stops it at once': (pool) => void pool.stop({ graceMs: 0, forceMs: 0 }),
    'drains it': (pool) => void pool.drain({ timeoutMs: 100 }).catch(() => {}),
    'pauses and resumes it': (pool) => {
      pool.pause()
      pool.resume()
    },
    'looks at everything': (pool) => {
      for (const task of pool.tasks({ limit: 1_000 })) JSON.stringify(task.record())
      String(pool)
    }
  }
  const cases = EVENTS.flatMap((event) => Object.keys(acts).map((act) => [event, act] as const))

  it.each(cases)('F5 one of `%s` that %s', async (event: PoolEventName, act) => {
    const { clock, pool, witness } = startedPool({
      concurrency: 2,
      queueCapacity: 4,
      waiterCapacity: 3,
      stuckAfterMs: 10,
      retry: { attempts: 2, backoffMs: () => 5 }
    })
    let acting = false
    let times = 0
    pool.on(event, (...args: unknown[]) => {
      if (acting || ++times > 20) return
      acting = true
      const [first] = args
      const isTask = typeof first === 'object' && first !== null && 'record' in first
      acts[act]?.(pool, isTask ? (first as Task) : undefined)
      acting = false
    })
    const deaf = gate()
    const queue = (run: (ctx: TaskContext) => unknown): void => {
      try {
        pool.queueTask(run)
      } catch (error) {
        expect((error as QueueFullError).code).toMatch(/^ERR_(QUEUE_FULL|POOL_STOPPED)$/)
      }
    }
    queue(({ progress }) => progress(0.5))
    queue(() => Promise.reject(new Error('badly')))
    queue(({ attempt }) => (attempt === 1 ? Promise.reject(new Error('once')) : attempt))
    queue(untilAborted)
    for (let n = 0; n < 6; n++) queue(() => clock.turn())
    await clock.turn()
    for (const task of pool.tasks({ state: 'running' })) task.cancel()
    await clock.advance(10)
    queue(() => deaf.promise)
    await clock.turn()
    for (const task of pool.tasks({ state: 'running' })) task.cancel()
    await clock.advance(20)
    deaf.open()
    await clock.advance(300)
    const stopped = pool.stop({ graceMs: 1_000, forceMs: 1_000 })
    await clock.advance(2_000)
    await stopped
    expect(pool.state).toBe('stopped')
    expect(expectBalance(pool)).toMatchObject({ running: 0, queued: 0, delayed: 0, waiting: 0, stuck: 0 })
    expect(clock.timers('all')).toBe(0)

    // One terminal state, one terminal event, one settle for each accepted task, whatever the listener did.
    const count = (name: PoolEventName): number => witness.names().filter((one) => one === name).length
    const { totals } = pool.stats()
    expect(count('queued')).toBe(totals.accepted)
    expect(count('settled')).toBe(totals.accepted)
    expect([count('succeeded'), count('failed'), count('canceled')]).toEqual([
      totals.succeeded,
      totals.failed,
      totals.canceled
    ])
    expect(count('started')).toBe(totals.started)
    expect(count('refused')).toBe(totals.refused)
    expect(count('stopped')).toBe(1)
    expect(
      witness
        .names()
        .filter((name) => name !== 'refused')
        .at(-1)
    ).toBe('stopped')
    expect(pool.stats().peakRunning).toBeLessThanOrEqual(act.startsWith('resizes it up') ? 8 : 2)
  })

  it('are not called after one `off`, however often they were added', async () => {
    const { clock, pool } = startedPool()
    let calls = 0
    const listener = (): number => ++calls
    pool.on('started', listener).once('started', listener).on('started', listener).off('started', listener)
    pool.queueTask(() => {})
    await clock.turn()
    expect(calls).toBe(0)
  })
})
