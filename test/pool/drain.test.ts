import { getEventListeners } from 'node:events'
import { describe, expect, it } from 'vitest'
import { DrainTimeoutError, PoolDeadlockError, WorkerPool, type WorkerPoolOptions } from '../../src/index.js'
import { Witness } from '../support/books.js'
import { gate } from '../support/gate.js'
import { ManualClock } from '../support/manual-clock.js'

const make = (options: Partial<WorkerPoolOptions> = {}) => {
  const clock = new ManualClock()
  const pool = new WorkerPool({ concurrency: 1, queueCapacity: 10, clock, onUnobservedError: () => {}, ...options })
  return { clock, pool: pool.start(), witness: new Witness(pool) }
}

const hang = () => new Promise<never>(() => {})

/** The present state of a promise: 'pending', 'resolved', or the reason. */
const follow = (promise: Promise<unknown>) => {
  const state: { now: unknown } = { now: 'pending' }
  void promise.then(
    () => {
      state.now = 'resolved'
    },
    (reason: unknown) => {
      state.now = reason
    }
  )
  return state
}

describe('drain', () => {
  it('D1 resolves at once if nothing is queued, delayed or running: new, started, paused, stopped', async () => {
    const clock = new ManualClock()
    const pool = new WorkerPool({ concurrency: 1, queueCapacity: 1, clock })
    expect(await pool.drain()).toBeUndefined()
    pool.start()
    expect(await pool.drain({ timeoutMs: 0 })).toBeUndefined()
    pool.pause()
    expect(await pool.drain({ signal: new AbortController().signal })).toBeUndefined()
    await pool.stop({ graceMs: 0 })
    expect(await pool.drain()).toBeUndefined()
    expect(clock.timers()).toBe(0)
  })

  it('D2 called on an idle pool resolves at once, whatever is queued later in the same turn', async () => {
    const { clock, pool } = make()
    const drained = follow(pool.drain())
    pool.queueTask(hang)
    await clock.turn()
    expect(drained.now).toBe('resolved')
    expect(pool.stats().running).toBe(1)
  })

  it('D2 called on a busy pool waits also for tasks queued later in the same turn', async () => {
    const { clock, pool } = make()
    const [first, second] = [gate(), gate()]
    pool.queueTask(() => first.promise)
    const drained = follow(pool.drain())
    pool.queueTask(() => second.promise)
    await clock.turn()
    first.open()
    await clock.turn()
    expect(drained.now).toBe('pending')
    second.open()
    await clock.turn()
    expect(drained.now).toBe('resolved')
  })

  it('D3 waits for queued, running and delayed tasks alike, and the pool stays open', async () => {
    const { clock, pool, witness } = make()
    const { promise, open } = gate()
    pool.queueTask(() => promise)
    let calls = 0
    pool.queueTask(
      () => {
        if (++calls === 1) throw new Error('not yet')
      },
      { retry: { attempts: 2, backoffMs: () => 100 } }
    )
    const drained = follow(pool.drain())
    await clock.turn()
    expect([pool.stats().running, pool.stats().queued, drained.now]).toEqual([1, 1, 'pending'])
    open()
    await clock.turn()
    expect([pool.stats().running, pool.stats().delayed, drained.now]).toEqual([0, 1, 'pending'])
    await clock.advance(100)
    expect(drained.now).toBe('resolved')
    expect(pool.state).toBe('running')
    expect(pool.queueTask(hang).state).toBe('running')
    witness.check()
  })

  it('D4 resolves when the last task is canceled, times out, fails or has a listener that throws', async () => {
    const ends: ((clock: ManualClock, pool: WorkerPool) => Promise<unknown>)[] = [
      async (_, pool) => {
        pool.pause()
        const drained = pool.drain.bind(pool)
        const task = pool.queueTask(hang)
        const waits = drained()
        task.cancel()
        return waits
      },
      async (clock, pool) => {
        pool.queueTask(({ signal }) => new Promise((_, no) => signal.addEventListener('abort', no)), { timeoutMs: 10 })
        const waits = pool.drain()
        await clock.advance(10)
        return waits
      },
      async (clock, pool) => {
        pool.queueTask(() => Promise.reject(new Error('failed')))
        const waits = pool.drain()
        await clock.turn()
        return waits
      },
      async (clock, pool) => {
        for (const event of ['succeeded', 'settled', 'idle'] as const) {
          pool.on(event, () => {
            throw new Error(event)
          })
        }
        pool.queueTask(() => 'done')
        const waits = pool.drain()
        await clock.turn()
        return waits
      },
      async (clock, pool) => {
        pool.pause()
        pool.queueTask(hang, { queueTimeoutMs: 10 })
        const waits = pool.drain()
        await clock.advance(10)
        return waits
      },
      async (_, pool) => {
        pool.queueTask(hang)
        const waits = pool.drain()
        void pool.stop({ graceMs: 0 })
        return waits
      }
    ]
    for (const end of ends) {
      const { clock, pool, witness } = make()
      expect(await end(clock, pool)).toBeUndefined()
      expect(pool.stats()).toMatchObject({ running: 0, queued: 0, delayed: 0 })
      witness.check()
    }
  })

  it('D5 waits for the function of a task that has timed out or was canceled until it has really ended', async () => {
    const { clock, pool } = make({ concurrency: 2 })
    const [first, second] = [gate(), gate()]
    pool.queueTask(() => first.promise, { timeoutMs: 10 })
    const canceled = pool.queueTask(() => second.promise)
    const drained = follow(pool.drain())
    await clock.advance(10)
    canceled.cancel()
    await clock.advance(100_000)
    first.open()
    await clock.turn()
    expect(drained.now).toBe('pending')
    second.open()
    await clock.turn()
    expect(drained.now).toBe('resolved')
  })

  it('D7 aborted rejects once with the reason; other drains and the tasks continue', async () => {
    const { clock, pool } = make()
    const { promise, open } = gate()
    const task = pool.queueTask(() => promise)
    const controller = new AbortController()
    const left = follow(pool.drain({ signal: controller.signal, timeoutMs: 1_000 }))
    const stays = follow(pool.drain())
    await clock.turn()
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(1)
    const reason = { why: 'enough' }
    controller.abort(reason)
    await clock.turn()
    expect(left.now).toBe(reason)
    expect(stays.now).toBe('pending')
    expect(getEventListeners(controller.signal, 'abort')).toEqual([])
    expect(clock.timers('alive')).toBe(0)
    expect(task.record()).not.toHaveProperty('cancelRequestedAt')
    open()
    await clock.turn()
    expect(stays.now).toBe('resolved')
    expect(left.now).toBe(reason)
  })

  it('D7 with a signal that has aborted rejects with its reason and leaves nothing behind', async () => {
    const { pool, clock } = make()
    pool.queueTask(hang)
    const signal = AbortSignal.abort('gone')
    await expect(pool.drain({ signal })).rejects.toBe('gone')
    expect(getEventListeners(signal, 'abort')).toEqual([])
    expect(clock.timers()).toBe(0)
  })

  it('L11 a hundred drains on one signal share one listener, and none is left after', async () => {
    const { clock, pool } = make()
    const { promise, open } = gate()
    pool.queueTask(() => promise)
    const { signal } = new AbortController()
    const drains = Array.from({ length: 100 }, () => follow(pool.drain({ signal })))
    await clock.turn()
    expect(getEventListeners(signal, 'abort')).toHaveLength(1)
    open()
    await clock.turn()
    expect(new Set(drains.map(({ now }) => now))).toEqual(new Set(['resolved']))
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })

  it('D8 emits idle exactly once per change from busy to idle, after the drains of that change', async () => {
    const { clock, pool, witness } = make()
    const idle = () => witness.names().filter((name) => name === 'idle').length
    pool.queueTask(() => {})
    pool.queueTask(() => {})
    const drained = follow(pool.drain())
    pool.on('idle', () => {
      expect(pool.stats()).toMatchObject({ running: 0, queued: 0 })
    })
    await clock.turn()
    expect([idle(), drained.now]).toEqual([1, 'resolved'])
    await clock.turn()
    await pool.drain()
    expect(idle()).toBe(1)
    pool.pause()
    pool.queueTask(hang).cancel()
    expect(idle()).toBe(2)
    pool.resume()
    pool.pause()
    expect(idle()).toBe(2)
    witness.check()
  })

  it('D8 emits no idle when a listener of the last settle has queued more', async () => {
    const { clock, pool, witness } = make()
    const { promise, open } = gate()
    pool.once('settled', () => {
      pool.queueTask(() => promise)
    })
    pool.queueTask(() => {})
    await clock.turn()
    expect(witness.names()).not.toContain('idle')
    open()
    await clock.turn()
    expect(witness.names().slice(-1)).toEqual(['idle'])
    witness.check()
  })

  it('D8 a listener of idle may queue more: idle is emitted again when that has ended', async () => {
    const { clock, pool, witness } = make()
    let more = 3
    pool.on('idle', () => {
      if (--more > 0) pool.queueTask(() => {})
    })
    pool.queueTask(() => {})
    await clock.turn()
    expect(witness.names().filter((name) => name === 'idle')).toHaveLength(3)
    expect(pool.stats().totals.succeeded).toBe(3)
    witness.check()
  })

  it('resolves at a zero crossing also if a listener adds work in the same step', async () => {
    const { clock, pool } = make()
    const { promise, open } = gate()
    pool.queueTask(() => promise)
    const early = follow(pool.drain())
    let late: { now: unknown } | undefined
    pool.once('settled', () => {
      pool.queueTask(hang)
      late = follow(pool.drain())
    })
    await clock.turn()
    open()
    await clock.turn()
    expect([early.now, late?.now]).toEqual(['resolved', 'pending'])
    expect(pool.stats().running).toBe(1)
  })

  it('does not cross zero if the freed place goes to a waiter', async () => {
    const { clock, pool, witness } = make({ queueCapacity: 0, waiterCapacity: 1 })
    const [first, second] = [gate(), gate()]
    pool.queueTask(() => first.promise)
    const waiter = pool.queueTaskWhenFree(() => second.promise)
    const drained = follow(pool.drain())
    await clock.turn()
    first.open()
    await clock.turn()
    expect((await waiter).state).toBe('running')
    expect(drained.now).toBe('pending')
    expect(witness.names()).not.toContain('idle')
    second.open()
    await clock.turn()
    expect(drained.now).toBe('resolved')
  })

  it('does not wait for callers that wait for room', async () => {
    const clock = new ManualClock()
    const pool = new WorkerPool({ concurrency: 1, queueCapacity: 0, waiterCapacity: 1, clock })
    const waiter = pool.queueTaskWhenFree(() => 'in')
    await clock.turn()
    expect(pool.stats().waiting).toBe(1)
    expect(await pool.drain()).toBeUndefined()
    pool.start()
    expect(await (await waiter).result()).toBe('in')
  })

  it('D12 waits on a pool that is paused or was not started; the error at the limit states it', async () => {
    for (const [prepare, note] of [
      [(pool: WorkerPool) => pool.start().pause(), 'The pool is paused.'],
      [() => {}, 'The pool was not started.']
    ] as const) {
      const clock = new ManualClock()
      const pool = new WorkerPool({ concurrency: 1, queueCapacity: 3, clock })
      prepare(pool)
      pool.queueTask(() => {}, { id: 'a' })
      pool.queueTask(() => {}, { id: 'b' })
      const unlimited = follow(pool.drain())
      const limited = pool.drain({ timeoutMs: 50 }).catch((error: unknown) => error)
      await clock.advance(50)
      const error = (await limited) as DrainTimeoutError
      expect(error).toBeInstanceOf(DrainTimeoutError)
      expect(error).toMatchObject({
        name: 'DrainTimeoutError',
        code: 'ERR_DRAIN_TIMEOUT',
        message: `Still waiting for 2 after 50 ms. ${note}`,
        waitingFor: { count: 2, ids: ['a', 'b'] }
      })
      expect(unlimited.now).toBe('pending')
      pool.start()
      pool.resume()
      await clock.turn()
      expect(unlimited.now).toBe('resolved')
    }
  })

  it('D13 with a limit lists the tasks it waited for: running first, then queued, then delayed', async () => {
    const { clock, pool } = make()
    pool.queueTask(() => Promise.reject(new Error('again')), {
      id: 'delayed',
      retry: { attempts: 2, backoffMs: () => 1_000 }
    })
    await clock.turn()
    pool.queueTask(hang, { id: 'running' })
    pool.queueTask(hang, { id: 'queued' })
    const limited = pool.drain({ timeoutMs: 0.5 }).catch((error: unknown) => error)
    await clock.advance(1)
    expect(await limited).toMatchObject({
      message: 'Still waiting for 3 after 0.5 ms.',
      waitingFor: { count: 3, ids: ['running', 'queued', 'delayed'] }
    })
    expect(pool.stats()).toMatchObject({ running: 1, queued: 1, delayed: 1 })
    expect(pool.tasks().every((task) => !('cancelRequestedAt' in task.record()))).toBe(true)
  })

  it.each([
    { running: 150, queued: 0, delayed: 0 },
    { running: 1, queued: 150, delayed: 0 },
    { running: 0, queued: 0, delayed: 150 },
    { running: 40, queued: 40, delayed: 40 }
  ])('D13 names the first hundred of many: %o', async ({ running, queued, delayed }) => {
    const { clock, pool } = make({ concurrency: 150, queueCapacity: 150 })
    const retry = { attempts: 2, backoffMs: () => 1_000 }
    const tasks = (count: number, run: () => unknown, options = {}) =>
      Array.from({ length: count }, () => pool.queueTask(run, options))
    tasks(delayed, () => Promise.reject(new Error('again')), { retry })
    await clock.turn()
    pool.resize({ concurrency: Math.max(running, 1) })
    tasks(running, hang)
    tasks(queued, hang)
    expect(pool.stats()).toMatchObject({ running, queued, delayed })
    const limited = pool.drain({ timeoutMs: 10 }).catch((error: unknown) => error)
    await clock.advance(10)
    const { waitingFor } = (await limited) as DrainTimeoutError
    expect(waitingFor.count).toBe(running + queued + delayed)
    expect(new Set(waitingFor.ids).size).toBe(100)
    const stateOf = (id: string) => {
      const record = pool.task(id)?.record()
      return record?.state === 'queued' && record.position === undefined ? 'delayed' : record?.state
    }
    const order = [
      ...Array<string>(running).fill('running'),
      ...Array<string>(queued).fill('queued'),
      ...Array<string>(delayed).fill('delayed')
    ]
    expect(waitingFor.ids.map(stateOf)).toEqual(order.slice(0, 100))
  })

  it('keeps the process alive for its limit, and only until it is over', async () => {
    const { clock, pool } = make()
    const { promise, open } = gate()
    pool.queueTask(() => promise)
    const drained = follow(pool.drain({ timeoutMs: 1_000 }))
    await clock.turn()
    expect(clock.timers('alive')).toBe(1)
    open()
    await clock.turn()
    expect(drained.now).toBe('resolved')
    expect(clock.timers('alive')).toBe(0)
  })

  it('refuses wrong options by a rejection', async () => {
    const { pool } = make()
    await expect(pool.drain({ timeoutMs: -1 })).rejects.toThrow(RangeError)
    await expect(pool.drain({ signal: {} as AbortSignal })).rejects.toThrow(TypeError)
    await expect(pool.drain({ timeout: 1 } as never)).rejects.toThrow(TypeError)
  })

  it('without a limit inside a task of the same pool rejects with detectSelfWait', async () => {
    const { clock, pool } = make({ detectSelfWait: true })
    const inside = pool.queueTask(() => pool.drain())
    const limited = pool.queueTask(() => pool.drain({ timeoutMs: 10 }))
    const outside = pool.drain()
    await clock.advance(10)
    const error = await inside.result().catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(PoolDeadlockError)
    expect(error).toMatchObject({ name: 'PoolDeadlockError', code: 'ERR_POOL_DEADLOCK' })
    await expect(limited.result()).rejects.toThrow(DrainTimeoutError)
    expect(await outside).toBeUndefined()
  })
})

describe('many drains', () => {
  it('all resolve at the same settle', async () => {
    const { clock, pool, witness } = make()
    const end = gate()
    pool.queueTask(() => end.promise)
    let released = 0
    const waits = Array.from({ length: 200_000 }, () => pool.drain().then(() => released++))
    await clock.turn()
    expect(released).toBe(0)
    end.open()
    await clock.turn()
    await Promise.all(waits)
    expect(released).toBe(200_000)
    witness.check()
  })
})
