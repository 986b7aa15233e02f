import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { QueueFullError, type WorkerPool } from '../../src/index.js'
import { expectBalance } from '../support/books.js'
import { gate } from '../support/gate.js'
import { ManualClock } from '../support/manual-clock.js'
import { never, startedPool, statesOf, untilAborted, type WatchedPool } from '../support/pools.js'

/** Records the names of tasks and their starts, in milliseconds since the pool was created. */
const starts = ({ clock, pool }: Pick<WatchedPool, 'clock' | 'pool'>): [string, number][] => {
  const noted: [string, number][] = []
  const from = clock.now()
  pool.on('started', ({ name }) => noted.push([name ?? '', clock.now() - from]))
  return noted
}

const queueAll = (pool: WorkerPool, names: string): void => {
  for (const name of names) pool.queueTask(() => name, { name })
}

describe('the rate', () => {
  it('starts at most the given number in the interval, whatever is queued and free', async () => {
    const watched = startedPool({ concurrency: 10, queueCapacity: 20, rateLimit: { starts: 2, intervalMs: 1_000 } })
    const noted = starts(watched)
    const { clock, pool } = watched
    queueAll(pool, 'abcde')
    await clock.turn()
    expect(expectBalance(pool)).toMatchObject({ running: 0, queued: 3, totals: { started: 2 } })
    await clock.advance(10_000)
    expect(noted).toEqual([
      ['a', 0],
      ['b', 0],
      ['c', 1_000],
      ['d', 1_000],
      ['e', 2_000]
    ])
    expect(clock.timers('alive')).toBe(0)
  })

  it('slides: each start is available again exactly one interval later', async () => {
    const watched = startedPool({ concurrency: 10, rateLimit: { starts: 2, intervalMs: 1_000 } })
    const noted = starts(watched)
    const { clock, pool } = watched
    queueAll(pool, 'a')
    await clock.advance(600)
    queueAll(pool, 'bcd')
    await clock.advance(10_000)
    expect(noted).toEqual([
      ['a', 0],
      ['b', 600],
      ['c', 1_000],
      ['d', 1_600]
    ])
  })

  it('counts retries as starts', async () => {
    const watched = startedPool({
      concurrency: 10,
      rateLimit: { starts: 1, intervalMs: 100 },
      retry: { attempts: 3, backoffMs: 0 }
    })
    const noted = starts(watched)
    watched.pool.queueTask(() => Promise.reject(new Error('again')), { name: 'a' })
    await watched.clock.turn()
    queueAll(watched.pool, 'b')
    await watched.clock.advance(1_000)
    expect(noted.map(([, at]) => at)).toEqual([0, 100, 200, 300])
    expect(noted.map(([name]) => name).sort()).toEqual(['a', 'a', 'a', 'b'])
  })

  it('does not count tasks that were canceled before their call', async () => {
    const { clock, pool } = startedPool({ concurrency: 5, rateLimit: { starts: 1, intervalMs: 1_000 } })
    for (let n = 0; n < 100; n++) pool.queueTask(never).cancel()
    const task = pool.queueTask(() => 'ran')
    await clock.turn()
    expect(task.state).toBe('succeeded')
    expect(pool.stats().totals).toMatchObject({ started: 1, canceled: 100 })
  })

  it('counts from the call of the function, not from the moment its worker was taken', async () => {
    const watched = startedPool({ concurrency: 10, rateLimit: { starts: 1, intervalMs: 100 } })
    const noted = starts(watched)
    queueAll(watched.pool, 'ab')
    watched.clock.block(70) // the same tick continues for long before the first call
    await watched.clock.advance(1_000)
    expect(noted).toEqual([
      ['a', 70],
      ['b', 170]
    ])
  })

  it('uses the time of a late timer: missed starts are not caught up', async () => {
    const watched = startedPool({ concurrency: 10, rateLimit: { starts: 2, intervalMs: 100 } })
    const noted = starts(watched)
    const { clock, pool } = watched
    queueAll(pool, 'abcdef')
    await clock.turn()
    clock.block(1_050)
    await clock.advance(1_000)
    expect(noted.map(([, at]) => at)).toEqual([0, 0, 1_050, 1_050, 1_150, 1_150])
  })

  it('terminates with times that no number represents exactly', async () => {
    for (const [from, intervalMs] of [
      [0.1, 0.2],
      [35.123456, 1_000],
      [0.7, 0.1],
      [1e9 + 0.3, 0.3]
    ] as const) {
      const clock = new ManualClock(from)
      const watched = startedPool({ clock, concurrency: 10, rateLimit: { starts: 1, intervalMs } })
      const noted: number[] = []
      watched.pool.on('started', () => noted.push(clock.now()))
      queueAll(watched.pool, 'abcd')
      await clock.advance(10 * intervalMs)
      expect(noted).toHaveLength(4)
      for (let n = 1; n < 4; n++) expect(noted[n]).toBeGreaterThanOrEqual((noted[n - 1] as number) + intervalMs)
    }
  })

  it('leaves no timer behind once nothing waits for the rate limit', async () => {
    const { clock, pool } = startedPool({
      concurrency: 2,
      queueCapacity: 1,
      rateLimit: { starts: 1, intervalMs: 3_600_000 }
    })
    pool.queueTask(() => 1)
    await clock.turn()
    const queued = pool.queueTask(() => 2)
    const controller = new AbortController()
    const waiting = pool.queueTaskWhenFree(() => 3, { waitSignal: controller.signal }).catch(String)
    await clock.turn()
    expect(clock.timers('alive')).toBe(1)
    controller.abort('left')
    expect(await waiting).toBe('left')
    queued.cancel()
    await clock.turn()
    expect(clock.timers('alive')).toBe(0)
  })

  it('A20 bounds the queue as well', async () => {
    const { clock, pool } = startedPool({ concurrency: 5, queueCapacity: 2, rateLimit: { starts: 1, intervalMs: 100 } })
    queueAll(pool, 'abc')
    await clock.turn()
    expect(() => pool.queueTask(never)).toThrow(QueueFullError)
    expect(expectBalance(pool)).toMatchObject({ running: 0, queued: 2, totals: { refused: 1 } })
    await clock.advance(100)
    expect(pool.queueTask(never).state).toBe('queued')
  })

  it('A20 with no queue, accepts a task while the rate allows it to start, else refuses it', async () => {
    const { clock, pool } = startedPool({ concurrency: 5, queueCapacity: 0, rateLimit: { starts: 2, intervalMs: 100 } })
    queueAll(pool, 'ab')
    expect(() => pool.queueTask(never)).toThrow(QueueFullError)
    await clock.turn()
    expect(() => pool.queueTask(never)).toThrow(QueueFullError)
    await clock.advance(99)
    expect(() => pool.queueTask(never)).toThrow(QueueFullError)
    await clock.advance(1)
    expect(pool.queueTask(never).state).toBe('running')
  })

  it('holds through the grace of a stop', async () => {
    const watched = startedPool({ concurrency: 5, rateLimit: { starts: 1, intervalMs: 100 }, forceMs: 0 })
    const noted = starts(watched)
    const { clock, pool } = watched
    queueAll(pool, 'abcd')
    await clock.turn()
    const stopped = pool.stop({ graceMs: 250 })
    await clock.advance(10_000)
    expect(noted).toEqual([
      ['a', 0],
      ['b', 100],
      ['c', 200]
    ])
    expect(await stopped).toMatchObject({ succeeded: 2, canceled: 1, unstarted: { count: 1 } })
    expect(clock.timers('all')).toBe(0)
  })

  it('goes on after a pause without a burst', async () => {
    const watched = startedPool({ concurrency: 5, rateLimit: { starts: 1, intervalMs: 100 } })
    const noted = starts(watched)
    const { clock, pool } = watched
    queueAll(pool, 'abc')
    await clock.turn()
    pool.pause()
    await clock.advance(1_000)
    expect(noted).toHaveLength(1)
    pool.resume()
    await clock.advance(1_000)
    expect(noted.map(([, at]) => at)).toEqual([0, 1_000, 1_100])
  })
})

describe('the order when the rate allows a start', () => {
  it('a new task never passes the queue, however late the timer is', async () => {
    const watched = startedPool({ concurrency: 5, rateLimit: { starts: 1, intervalMs: 100 } })
    const noted = starts(watched)
    const { clock, pool } = watched
    queueAll(pool, 'ab')
    await clock.turn()
    clock.block(150) // the next start is allowed, but no timer has fired
    queueAll(pool, 'c')
    await clock.advance(1_000)
    expect(noted).toEqual([
      ['a', 0],
      ['b', 150],
      ['c', 250]
    ])
  })

  it('a new task never passes the queue, also when the rate opens between two clock readings', async () => {
    class Creeping extends ManualClock {
      step = 0
      override now(): number {
        if (this.step > 0) this.block(this.step)
        return super.now()
      }
    }
    for (let before = 0; before < 12; before++) {
      const clock = new Creeping()
      const { pool } = startedPool({ clock, concurrency: 5, rateLimit: { starts: 1, intervalMs: 100 } })
      const order: string[] = []
      pool.on('started', ({ name }) => order.push(name as string))
      queueAll(pool, 'ab')
      await clock.turn()
      clock.block(100 - before)
      clock.step = 1
      queueAll(pool, 'c')
      clock.step = 0
      await clock.advance(1_000)
      expect(order, `${before} ms before it opens`).toEqual(['a', 'b', 'c'])
    }
  })

  it('a new task or the last of the queue never passes the waiters', async () => {
    const watched = startedPool({ concurrency: 5, queueCapacity: 0, rateLimit: { starts: 1, intervalMs: 100 } })
    const noted = starts(watched)
    const { clock, pool } = watched
    queueAll(pool, 'a')
    void pool.queueTaskWhenFree(() => 1, { name: 'waiting' })
    await clock.turn()
    clock.block(150)
    expect(() => pool.queueTask(never, { name: 'newcomer' })).toThrow(QueueFullError)
    await clock.turn()
    expect(noted).toEqual([
      ['a', 0],
      ['waiting', 150]
    ])
    expect(expectBalance(pool)).toMatchObject({ waiting: 0, totals: { refused: 1 } })
  })

  it.each([undefined, 5_000])('grants a waiter that only the rate holds back (`waitMs: %s`)', async (waitMs) => {
    const watched = startedPool({ concurrency: 2, queueCapacity: 0, rateLimit: { starts: 1, intervalMs: 1_000 } })
    const noted = starts(watched)
    const { clock, pool } = watched
    queueAll(pool, 'a')
    await clock.advance(200)
    const task = pool.queueTaskWhenFree(() => 'let in', { name: 'b', waitMs })
    await clock.advance(10_000)
    expect(noted).toEqual([
      ['a', 0],
      ['b', 1_000]
    ])
    expect(await (await task).result()).toBe('let in')
  })

  it.each(['ends', 'fails and is to be retried', 'is canceled before its call'])(
    'the first waiter never passes the queue, when a task %s while the rate allows two starts',
    async (what) => {
      const watched = startedPool({
        concurrency: 4,
        queueCapacity: 3,
        waiterCapacity: 3,
        rateLimit: { starts: 2, intervalMs: 100 }
      })
      const { clock, pool } = watched
      const end = gate()
      const order: string[] = []
      pool.on('started', ({ name }) => order.push(name as string))
      pool.queueTask(
        () => (what.startsWith('fails') ? end.promise.then(() => Promise.reject(new Error('x'))) : end.promise),
        {
          name: 'x',
          retry: { attempts: 2, backoffMs: () => 50 }
        }
      )
      pool.queueTask(() => 1, { name: 'y' })
      await clock.turn()
      for (const name of ['q1', 'q2', 'q3']) pool.queueTask(never, { name })
      void pool.queueTaskWhenFree(never, { name: 'w' })
      await clock.turn()
      expect(expectBalance(pool)).toMatchObject({ running: 1, queued: 3, waiting: 1 })
      clock.block(100) // two starts are allowed by now, and the timer is late
      if (what.startsWith('is canceled')) pool.tasks({ state: 'queued' }).at(-1)?.cancel()
      end.open()
      await clock.turn()
      const expected = what.startsWith('is canceled') ? ['x', 'y', 'q2', 'q3'] : ['x', 'y', 'q1', 'q2']
      expect(order).toEqual(expected)
    }
  )

  it('a late timer still takes effect when a task is called in the meantime', async () => {
    const watched = startedPool({ concurrency: 5, rateLimit: { starts: 2, intervalMs: 100 } })
    const noted = starts(watched)
    const { clock, pool } = watched
    queueAll(pool, 'a')
    await clock.advance(99)
    pool.queueTask(never, { name: 'b' })
    queueAll(pool, 'c')
    clock.block(50)
    await clock.advance(1_000)
    expect(noted).toEqual([
      ['a', 0],
      ['b', 149],
      ['c', 149]
    ])
  })

  it.each(['leaves', 'runs out of time', 'is refused'])(
    'a late timer still takes effect when a waiter %s in the meantime',
    async (what) => {
      const watched = startedPool({
        concurrency: 5,
        queueCapacity: 1,
        waiterCapacity: 1,
        rateLimit: { starts: 1, intervalMs: 100 }
      })
      const noted = starts(watched)
      const { clock, pool } = watched
      queueAll(pool, 'a')
      await clock.turn()
      queueAll(pool, 'b')
      const controller = new AbortController()
      const waiting = pool
        .queueTaskWhenFree(never, {
          name: 'w',
          waitSignal: controller.signal,
          waitMs: what === 'runs out of time' ? 50 : undefined
        })
        .catch(() => 'gone')
      await clock.turn()
      clock.block(150)
      if (what === 'leaves') controller.abort()
      if (what === 'is refused') await pool.queueTaskWhenFree(never, { waitMs: 0 }).catch(String)
      await clock.advance(1_000)
      expect(noted.slice(0, 2)).toEqual([
        ['a', 0],
        ['b', 150]
      ])
      if (what !== 'is refused') expect(await waiting).toBe('gone')
    }
  )

  it('a waiter that leaves is counted before a task starts in the same step', async () => {
    const { clock, pool, witness } = startedPool({
      concurrency: 5,
      queueCapacity: 1,
      waiterCapacity: 3,
      rateLimit: { starts: 1, intervalMs: 100 }
    })
    queueAll(pool, 'ab')
    const controller = new AbortController()
    const leaving = pool.queueTaskWhenFree(never, { waitSignal: controller.signal }).catch(() => 'left')
    void pool.queueTaskWhenFree(never, { name: 'next' })
    await clock.turn()
    clock.block(150)
    const submitted: number[] = []
    for (const event of ['queued', 'refused'] as const)
      pool.on(event, () => submitted.push(pool.stats().totals.submitted))
    controller.abort()
    expect(await leaving).toBe('left')
    expect(submitted).toEqual([4, 4])
    expect(witness.names().filter((name) => name === 'queued' || name === 'refused')).toHaveLength(4)
  })

  it('keys take turns under the rate limit as without one', async () => {
    const watched = startedPool({ concurrency: 5, queueCapacity: 20, rateLimit: { starts: 1, intervalMs: 10 } })
    const noted = starts(watched)
    const { clock, pool } = watched
    pool.queueTask(() => 1, { name: 'first' })
    for (const name of ['a1', 'a2', 'a3', 'b1', 'c1', 'b2']) pool.queueTask(() => 1, { name, key: name.charAt(0) })
    pool.queueTask(() => 1, { name: 'high', priority: 1 })
    await clock.advance(1_000)
    expect(noted.map(([name]) => name)).toEqual(['first', 'high', 'a1', 'b1', 'c1', 'a2', 'b2', 'a3'])
  })
})

describe('no window of the interval holds more than the allowed starts', () => {
  const step = fc.oneof(
    fc.record({ do: fc.constant('queue' as const), n: fc.integer({ min: 1, max: 6 }) }),
    fc.record({ do: fc.constant('advance' as const), n: fc.integer({ min: 0, max: 250 }) }),
    fc.record({ do: fc.constant('block' as const), n: fc.integer({ min: 0, max: 250 }) }),
    fc.record({ do: fc.constant('cancel' as const), n: fc.integer({ min: 0, max: 5 }) }),
    fc.record({ do: fc.constant('wait' as const), n: fc.integer({ min: 0, max: 200 }) }),
    fc.record({ do: fc.constant('end' as const), n: fc.integer({ min: 0, max: 5 }) })
  )

  it('whatever is queued, canceled, ended, retried, late or blocked', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 4 }),
        fc.double({ min: 0.5, max: 200, noNaN: true }),
        fc.integer({ min: 1, max: 6 }),
        fc.array(step, { minLength: 5, maxLength: 40, size: 'max' }),
        async (allowed, intervalMs, concurrency, steps) => {
          const { clock, pool } = startedPool({
            concurrency,
            queueCapacity: 8,
            rateLimit: { starts: allowed, intervalMs },
            retry: { attempts: 2, backoffMs: () => 30 },
            forceMs: 0
          })
          const calls: number[] = []
          const ends: ((well: boolean) => void)[] = []
          const run = () => {
            calls.push(clock.now())
            return new Promise<void>((resolve, reject) => {
              ends.push((well) => (well ? resolve() : reject(new Error('badly'))))
            })
          }
          for (const { do: what, n } of steps) {
            if (what === 'queue') {
              for (let i = 0; i < n; i++) {
                try {
                  pool.queueTask(run)
                } catch (error) {
                  expect(error).toBeInstanceOf(QueueFullError)
                }
              }
            } else if (what === 'advance') {
              await clock.advance(n)
              // No worker is idle while the rate allows a start and a task waits.
              const { running, queued, waiting } = pool.stats()
              const recent = calls.filter((at) => at + intervalMs > clock.now()).length
              if (recent < allowed && running < concurrency) expect(queued + waiting).toBe(0)
            } else if (what === 'block') clock.block(n)
            else if (what === 'cancel') pool.tasks({ state: 'queued' })[n]?.cancel()
            else if (what === 'wait') pool.queueTaskWhenFree(run, { waitMs: n }).catch(() => {})
            else ends.splice(n, 1)[0]?.(n % 2 === 0)
            expectBalance(pool)
          }
          for (let i = 0; i + allowed < calls.length; i++) {
            expect((calls[i + allowed] as number) - (calls[i] as number)).toBeGreaterThanOrEqual(intervalMs - 1e-9)
          }
          // No task is left behind: accepted tasks run once the faults end.
          for (
            let round = 0;
            round < 60 && pool.stats().running + pool.stats().queued + pool.stats().delayed > 0;
            round++
          ) {
            for (const end of ends.splice(0)) end(true)
            await clock.advance(intervalMs + 30)
          }
          expect(expectBalance(pool)).toMatchObject({ running: 0, queued: 0, delayed: 0, waiting: 0 })
          expect(clock.timers('alive')).toBe(0)
        }
      ),
      { numRuns: 150 }
    )
  })
})

describe('a stop', () => {
  it('without grace cancels the tasks that the rate limit held back', async () => {
    const { clock, pool } = startedPool({ concurrency: 5, rateLimit: { starts: 1, intervalMs: 1_000 } })
    const tasks = [pool.queueTask(untilAborted), pool.queueTask(never), pool.queueTask(never)]
    await clock.turn()
    const stopped = pool.stop({ graceMs: 0 })
    await clock.turn()
    expect(statesOf(tasks)).toEqual(['canceled', 'canceled', 'canceled'])
    expect(await stopped).toMatchObject({ unstarted: { count: 2 }, aborted: { count: 1 } })
    expect(clock.timers('all')).toBe(0)
  })
})
