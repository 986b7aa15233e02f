import { describe, expect, it } from 'vitest'
import { isPoolError, type Task, type TaskContext, WorkerPool, type WorkerPoolOptions } from '../../src/index.js'
import { expectBalance, Witness } from '../support/books.js'
import { gate } from '../support/gate.js'
import { ManualClock } from '../support/manual-clock.js'

const make = (options: Partial<WorkerPoolOptions> = {}) => {
  const clock = new ManualClock()
  const pool = new WorkerPool({ concurrency: 1, queueCapacity: 10, clock, ...options })
  return { clock, pool, witness: new Witness(pool) }
}

const hang = () => new Promise<never>(() => {})

/** Random numbers that are the same in each run. */
const seeded = (seed: number) => {
  let state = seed
  return (below: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

describe('a new pool', () => {
  it('starts nothing and holds no timer', async () => {
    const { clock, pool, witness } = make({ taskTimeoutMs: 10, queueTimeoutMs: 10, graceMs: 10 })
    expect(pool.state).toBe('created')
    await clock.advance(1_000_000)
    expect(clock.timers()).toBe(0)
    expect(witness.told).toEqual([])
    expect(pool.state).toBe('created')
  })

  it('B1 is started once; a second start has no effect and returns the pool as well', async () => {
    const { clock, pool, witness } = make()
    const order: string[] = []
    const task = pool.queueTask(() => order.push('called'))
    expect(pool.start()).toBe(pool)
    expect(pool.start()).toBe(pool)
    expect(pool.state).toBe('running')
    await clock.turn()
    expect(pool.start()).toBe(pool)
    await clock.turn()
    expect(order).toEqual(['called'])
    expect(witness.names()).toEqual(['queued', 'started', 'succeeded', 'settled', 'idle'])
    expect(task.record().attempt).toBe(1)
    witness.check()
  })

  it('B1 starts no task while it is paused, until resume', async () => {
    const { clock, pool } = make()
    pool.pause()
    const task = pool.queueTask(() => 'done')
    pool.start()
    await clock.turn()
    expect(pool.stats()).toMatchObject({ state: 'running', paused: true, queued: 1, running: 0 })
    expect(task.state).toBe('queued')
    pool.resume()
    await clock.turn()
    expect(task.state).toBe('succeeded')
  })

  it('refuses wrong start options, and is not started', () => {
    const { pool } = make()
    expect(() => pool.start({ signals: 1 } as never)).toThrow(TypeError)
    expect(() => pool.start(null as never)).toThrow(TypeError)
    expect(pool.state).toBe('created')
  })
})

describe('pause', () => {
  it('holds back starts only: running tasks go on, intake stays open', async () => {
    const { clock, pool, witness } = make()
    pool.start()
    const { promise, open } = gate<string>()
    const running = pool.queueTask(() => promise)
    const queued = pool.queueTask(() => 'second')
    await clock.turn()
    pool.pause()
    pool.pause()
    const late = pool.queueTask(() => 'third')
    open('first')
    await clock.turn()
    expect([running, queued, late].map(({ state }) => state)).toEqual(['succeeded', 'queued', 'queued'])
    expect(pool.stats()).toMatchObject({ paused: true, state: 'running', running: 0, queued: 2 })
    pool.resume()
    expect(pool.stats()).toMatchObject({ paused: false, running: 1, queued: 1 })
    pool.resume()
    await clock.turn()
    expect([queued, late].map(({ state }) => state)).toEqual(['succeeded', 'succeeded'])
    witness.check()
  })

  it('comes too late for a task that got its worker in the same turn', async () => {
    const { clock, pool } = make()
    pool.start()
    const task = pool.queueTask(() => 'done')
    pool.pause()
    await clock.turn()
    expect(task.state).toBe('succeeded')
  })

  it('holds back a task after its backoff as well', async () => {
    const { clock, pool } = make()
    pool.start()
    let calls = 0
    const task = pool.queueTask(
      () => {
        if (++calls === 1) throw new Error('not yet')
      },
      { retry: { attempts: 2, backoffMs: () => 10 } }
    )
    await clock.turn()
    pool.pause()
    await clock.advance(100)
    expect(pool.stats()).toMatchObject({ queued: 1, delayed: 0, running: 0 })
    expect(task.record()).toMatchObject({ state: 'queued', position: 1, attempt: 1 })
    pool.resume()
    await clock.turn()
    expect(task.state).toBe('succeeded')
  })
})

describe('resize', () => {
  it('A18 ends no task when it shrinks and starts none until fewer run; starts tasks at once when it grows', async () => {
    const { clock, pool, witness } = make({ concurrency: 4, queueCapacity: 20 })
    pool.start()
    const gates = Array.from({ length: 16 }, () => gate())
    const tasks = gates.map(({ promise }) => pool.queueTask(() => promise))
    const states = () => tasks.map(({ state }) => state[0]).join('')
    await clock.turn()
    pool.resize({ concurrency: 1 })
    expect(pool.stats()).toMatchObject({ concurrency: 1, queueCapacity: 20, running: 4, queued: 12 })
    for (const n of [0, 1, 2]) gates[n]?.open()
    await clock.turn()
    expect(states()).toBe('sssrqqqqqqqqqqqq')
    gates[3]?.open()
    await clock.turn()
    expect(states()).toBe('ssssrqqqqqqqqqqq')
    pool.resize({ concurrency: 8 })
    expect(states()).toBe('ssssrrrrrrrrqqqq')
    for (const { open } of gates) open()
    await clock.turn()
    expect(states()).toBe('s'.repeat(16))
    expect(pool.stats().peakRunning).toBe(8)
    witness.check()
  })

  it('A18 leaves the queue above a smaller capacity until it has drained, and drops nothing', async () => {
    const { clock, pool } = make({ queueCapacity: 4 })
    const tasks = Array.from({ length: 4 }, () => pool.queueTask(() => {}))
    pool.resize({ queueCapacity: 1 })
    expect(pool.stats()).toMatchObject({ queued: 4, queueCapacity: 1 })
    expect(() => pool.queueTask(hang)).toThrow('The pool is full: 0 of 1 running, 4 of 1 queued.')
    pool.start()
    await clock.turn()
    expect(tasks.every(({ state }) => state === 'succeeded')).toBe(true)
  })

  it('A18 grants waiters at once when it grows, in their order', async () => {
    const { clock, pool, witness } = make({ queueCapacity: 0, waiterCapacity: 10 })
    pool.start()
    pool.queueTask(hang)
    const tasks: Task[] = []
    for (const n of [1, 2, 3, 4]) {
      void pool.queueTaskWhenFree(hang, { name: String(n) }).then((task) => tasks.push(task))
    }
    await clock.turn()
    pool.resize({ concurrency: 2, queueCapacity: 2 })
    expect(pool.stats()).toMatchObject({ running: 2, queued: 2, waiting: 1 })
    await clock.turn()
    expect(tasks.map(({ name, state }) => `${name} ${state}`)).toEqual(['1 running', '2 queued', '3 queued'])
    witness.check()
  })

  it('changes nothing when a bound is wrong, or none is given', () => {
    const { pool } = make()
    const before = pool.stats()
    expect(() => pool.resize({ concurrency: 0, queueCapacity: 5 })).toThrow(RangeError)
    expect(() => pool.resize({ concurrency: 5, queueCapacity: -1 })).toThrow(RangeError)
    expect(() => pool.resize({ concurrency: Number.POSITIVE_INFINITY })).toThrow(RangeError)
    expect(() => pool.resize({ size: 1 } as never)).toThrow(TypeError)
    expect(() => pool.resize(undefined as never)).toThrow(TypeError)
    pool.resize({})
    pool.resize({ concurrency: undefined, queueCapacity: undefined })
    expect(pool.stats()).toEqual(before)
    pool.resize({ queueCapacity: Number.POSITIVE_INFINITY })
    expect(pool.stats().queueCapacity).toBe(Number.POSITIVE_INFINITY)
  })
})

describe('a long burst', () => {
  it('is called in slices, with a turn of the loop in between, in order', async () => {
    const { clock, pool, witness } = make({ concurrency: 100, queueCapacity: 0 })
    pool.start()
    const order: number[] = []
    for (let n = 0; n < 100; n++) {
      pool.queueTask(() => {
        order.push(n)
        clock.block(4)
      })
    }
    const lengths: number[] = []
    while (order.length < 100) {
      await Promise.resolve()
      lengths.push(order.length)
      await clock.advance(0)
    }
    expect(lengths[0]).toBeLessThan(20)
    expect(order).toEqual(Array.from({ length: 100 }, (_, n) => n))
    witness.check()
  })

  it('whose rest is canceled between two slices does not block tasks that start later', async () => {
    const { clock, pool } = make({ concurrency: 20, queueCapacity: 10 })
    pool.start()
    const first = pool.queueTask(() => clock.block(50))
    const rest = Array.from({ length: 12 }, () => pool.queueTask(() => {}))
    void first.settled().then(() => {
      for (const task of rest) task.cancel()
    })
    await clock.turn()
    expect(rest.map(({ state }) => state)).toContain('canceled')
    expect(pool.stats()).toMatchObject({ running: 0, queued: 0 })
    pool.pause()
    const last = pool.queueTask(() => 'called')
    await clock.turn()
    pool.resume()
    await clock.turn()
    expect(last.state).toBe('succeeded')
  })

  it('whose rest is canceled between two slices does not block a retry', async () => {
    const { clock, pool } = make({ concurrency: 20, queueCapacity: 10 })
    pool.start()
    let calls = 0
    const retried = pool.queueTask(
      () => {
        if (++calls === 1) throw new Error('not yet')
      },
      { retry: { attempts: 2, backoffMs: () => 1_000 } }
    )
    await clock.turn()
    const first = pool.queueTask(() => clock.block(50))
    const rest = Array.from({ length: 12 }, () => pool.queueTask(() => {}))
    void first.settled().then(() => {
      for (const task of rest) task.cancel()
    })
    await clock.turn()
    expect(rest.map(({ state }) => state)).toContain('canceled')
    await clock.advance(2_000)
    expect({ calls, state: retried.state }).toEqual({ calls: 2, state: 'succeeded' })
  })
})

describe('many actors', () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8])(
    'B12 ten actors, fifty random calls each: only errors of the pool, and it ends idle (seed %i)',
    async (seed) => {
      const random = seeded(seed)
      const { clock, pool, witness } = make({ concurrency: 3, queueCapacity: 5, onUnobservedError: () => {} })
      const tasks: Task[] = []
      const called = new Set<Task>()
      const foreign: unknown[] = []
      const note = (error: unknown) => {
        if (!isPoolError(error)) foreign.push(error)
      }
      const work: ((ctx: TaskContext) => unknown)[] = [
        () => 'done',
        async () => {
          await Promise.resolve()
          throw new Error('mine')
        },
        ({ signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
        async () => clock.block(3)
      ]
      let stops = 0
      const acts: (() => unknown)[] = [
        () => pool.start(),
        () => tasks.push(pool.queueTask(work[random(work.length)] ?? hang)),
        () => tasks.push(pool.queueTask(work[random(work.length)] ?? hang)),
        () => pool.queueTaskWhenFree(() => {}, { waitMs: random(20) }).then((task) => tasks.push(task), note),
        () => tasks[random(tasks.length)]?.cancel(),
        () => pool.pause(),
        () => pool.resume(),
        () => pool.resize({ concurrency: 1 + random(4), queueCapacity: random(8) }),
        () => pool.drain({ timeoutMs: random(50) }).catch(note),
        () => (++stops > 30 ? pool.stop({ graceMs: random(50), forceMs: random(50) }) : undefined)
      ]
      pool.on('started', (task) => {
        if (called.has(task)) foreign.push(new Error('called twice'))
        called.add(task)
      })
      const actor = async () => {
        for (let n = 0; n < 50; n++) {
          try {
            acts[random(acts.length)]?.()
          } catch (error) {
            note(error)
          }
          expectBalance(pool)
          if (random(3) === 0) await clock.advance(random(4))
        }
      }
      await Promise.all(Array.from({ length: 10 }, actor))
      void pool.stop({ graceMs: 10, forceMs: 10 })
      await clock.advance(1_000)
      await pool.closed
      expect(foreign).toEqual([])
      expect(pool.stats()).toMatchObject({ state: 'stopped', running: 0, queued: 0, delayed: 0, waiting: 0 })
      expect(tasks.length).toBeGreaterThan(15)
      for (const task of tasks) {
        expect(['succeeded', 'failed', 'canceled']).toContain(task.state)
        expect(witness.names(task).filter((name) => name === 'settled')).toHaveLength(1)
      }
      expect(
        witness
          .names()
          .filter((name) => name !== 'refused')
          .slice(-1)
      ).toEqual(['stopped'])
      expect(clock.timers()).toBe(0)
      witness.check()
    }
  )
})
