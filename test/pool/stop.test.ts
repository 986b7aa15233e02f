import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import {
  PoolStoppedError,
  type StopOptions,
  type StopReport,
  type Task,
  TaskCanceledError,
  type TaskContext,
  TaskInterruptedError,
  WorkerPool
} from '../../src/index.js'
import { expectBalance } from '../support/books.js'
import { gate } from '../support/gate.js'
import { ManualClock } from '../support/manual-clock.js'
import { listenersOn, never, startedPool, thrown, untilAborted, watchedPool } from '../support/pools.js'

const NONE = { count: 0, ids: [] }
const report = (over: Partial<StopReport>): StopReport => ({
  reason: undefined,
  durationMs: 0,
  succeeded: 0,
  failed: 0,
  canceled: 0,
  unstarted: NONE,
  aborted: NONE,
  interrupted: NONE,
  left: NONE,
  unrecorded: 0,
  ...over
})

/** A clock whose turns of the loop alternate with its timers. */
class TimerTurns extends ManualClock {
  override yield(then: () => void): void {
    this.timer(then).set(0)
  }
}

/** Whether a promise has settled by now. */
const isSettled = async (clock: ManualClock, promise: Promise<unknown>): Promise<boolean> => {
  let settled = false
  void promise.then(() => {
    settled = true
  })
  await clock.turn()
  return settled
}

describe('before stop returns', () => {
  it('the state is stopping, intake is closed, waiters are refused and ctx.stopping has aborted', async () => {
    const { clock, pool } = startedPool({ queueCapacity: 0 })
    let context!: TaskContext
    const running = pool.queueTask((ctx) => {
      context = ctx
      return never()
    })
    await clock.turn()
    const { stopping, signal } = context
    const waiter = pool.queueTaskWhenFree(never)
    const outcome = waiter.catch((error: unknown) => error)
    expect(pool.stats().waiting).toBe(1)

    const stopped = pool.stop({ graceMs: 100, reason: 'deploy' })

    expect(pool.state).toBe('stopping')
    expect(pool.stats()).toMatchObject({ waiting: 0, running: 1, totals: { submitted: 2, refused: 1, accepted: 1 } })
    const error = thrown(() => pool.queueTask(never)) as PoolStoppedError
    expect(error).toBeInstanceOf(PoolStoppedError)
    expect(error).toMatchObject({ code: 'ERR_POOL_STOPPED', name: 'PoolStoppedError', state: 'stopping' })
    expect(stopping.aborted).toBe(true)
    expect(stopping.reason).toBeInstanceOf(PoolStoppedError)
    expect(stopping.reason).toMatchObject({ state: 'stopping', cause: 'deploy' })
    expect(signal.aborted).toBe(false)
    expect(running.state).toBe('running')
    expect(await outcome).toBeInstanceOf(PoolStoppedError)
    expect(await isSettled(clock, stopped)).toBe(false)
  })

  it('without a grace queued tasks have been canceled and every running signal has aborted', async () => {
    const { clock, pool } = startedPool({ concurrency: 2 })
    const signals: AbortSignal[] = []
    const running = [1, 2].map(() =>
      pool.queueTask((ctx) => {
        signals.push(ctx.signal)
        return untilAborted(ctx)
      })
    )
    const queued = pool.queueTask(never)
    await clock.turn()
    const called = pool.stop({ graceMs: 0, reason: 'now' })
    expect(queued.state).toBe('canceled')
    expect(running.map(({ state }) => state)).toEqual(['running', 'running'])
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, true])
    expect(signals[0]?.reason).toBeInstanceOf(PoolStoppedError)
    expect(signals[0]?.reason).toMatchObject({ cause: 'now' })
    expect(running[0]?.record()).toHaveProperty('cancelRequestedAt')
    expect(await called).toEqual(
      report({
        reason: 'now',
        canceled: 3,
        unstarted: { count: 1, ids: [queued.id] },
        aborted: { count: 2, ids: running.map(({ id }) => id) }
      })
    )
    expect(pool.state).toBe('stopped')
  })

  it('the error of a stop without a reason has no cause', async () => {
    const { clock, pool } = startedPool()
    const reasons: unknown[] = []
    pool.queueTask(({ signal, stopping }) => {
      stopping.addEventListener('abort', () => reasons.push(stopping.reason))
      signal.addEventListener('abort', () => reasons.push(signal.reason))
      return never()
    })
    await clock.turn()
    void pool.stop({ graceMs: 0 })
    expect(reasons).toHaveLength(2)
    for (const reason of reasons) {
      expect(reason).toBeInstanceOf(PoolStoppedError)
      expect(reason).not.toHaveProperty('cause')
    }
  })

  it('without a grace no task starts any more, not even by a listener of `stopping` that makes room', async () => {
    const { pool } = startedPool()
    const tasks = [pool.queueTask(untilAborted), pool.queueTask(never)]
    pool.on('stopping', () => pool.resize({ concurrency: 2 }))
    const { unstarted } = await pool.stop({ graceMs: 0 })
    expect(unstarted.ids.toSorted()).toEqual(tasks.map(({ id }) => id).toSorted())
    expect(pool.stats().peakRunning).toBe(1)
  })

  it('ctx.stopping has aborted when it is first read after stop', async () => {
    const { clock, pool } = startedPool()
    let context!: TaskContext
    pool.queueTask((ctx) => {
      context = ctx
      return never()
    })
    await clock.turn()
    void pool.stop({ graceMs: 1_000 })
    expect(context.stopping.aborted).toBe(true)
    expect(context.signal.aborted).toBe(false)
    await clock.advance(1_000)
    expect(context.signal.aborted).toBe(true)
    expect(context.signal.reason).toBe(context.stopping.reason)
  })

  it('an idle pool is still stopping when stop returns, and has stopped soon after', async () => {
    const { clock, pool, witness } = startedPool()
    const stopped = pool.stop({ graceMs: 0 })
    expect(pool.state).toBe('stopping')
    expect(await stopped).toEqual(report({}))
    expect(pool.state).toBe('stopped')
    expect(witness.told).toEqual([
      { event: 'stopping', args: [{ reason: undefined }] },
      { event: 'stopped', args: [await stopped] }
    ])
    await clock.turn()
  })
})

describe('the grace', () => {
  it('B6 a task that ends within the grace has succeeded', async () => {
    const { clock, pool } = startedPool()
    const { promise, open } = gate<string>()
    const task = pool.queueTask(() => promise)
    await clock.turn()
    const stopped = pool.stop({ graceMs: 1_000 })
    expect(clock.timers('alive'), 'the process lives until then').toBe(1)
    await clock.advance(999)
    open('in time')
    expect(await stopped).toEqual(report({ durationMs: 999, succeeded: 1 }))
    expect(await task.result()).toBe('in time')
    expect(task.record()).not.toHaveProperty('cancelRequestedAt')
    expect(clock.timers('alive')).toBe(0)
  })

  it('lets queued, delayed and running tasks go on', async () => {
    const { clock, pool } = startedPool()
    const { promise, open } = gate()
    const running = pool.queueTask(() => promise)
    let attempts = 0
    const delayed = pool.queueTask(
      () => {
        if (++attempts === 1) throw new Error('not yet')
      },
      { retry: { attempts: 2, backoffMs: () => 100 }, priority: 1 }
    )
    const queued = pool.queueTask(() => {})
    open()
    await clock.turn()
    pool.pause()
    const more = pool.queueTask(() => {})
    expect([running, delayed, queued, more].map(({ state }) => state)).toEqual([
      'succeeded',
      'queued',
      'succeeded',
      'queued'
    ])
    expect(pool.stats()).toMatchObject({ delayed: 1, queued: 1 })
    const stopped = pool.stop({ graceMs: 1_000 })
    expect(pool.stats()).toMatchObject({ state: 'stopping', paused: false })
    await clock.advance(100)
    expect(await stopped).toEqual(report({ durationMs: 100, succeeded: 2 }))
    expect(attempts).toBe(2)
  })

  it('starts at stop the tasks that a pause had held back', async () => {
    const { clock, pool } = watchedPool({ concurrency: 2 })
    pool.start().pause()
    const tasks = [1, 2, 3].map((n) => pool.queueTask(() => n))
    const stopped = pool.stop({ graceMs: 1_000 })
    expect(pool.stats()).toMatchObject({ paused: false, running: 2, queued: 1 })
    expect(await stopped).toEqual(report({ succeeded: 3 }))
    expect(tasks.map(({ state }) => state)).toEqual(['succeeded', 'succeeded', 'succeeded'])
    await clock.turn()
  })

  it('starts no task that a pause had held back when a listener of `stopping` has used up the grace', async () => {
    const { clock, pool } = startedPool()
    pool.pause()
    const task = pool.queueTask(never)
    pool.on('stopping', () => clock.block(50))
    const stopped = pool.stop({ graceMs: 50 })
    expect(task.state).toBe('canceled')
    expect(await stopped).toMatchObject({ durationMs: 50, unstarted: { count: 1, ids: [task.id] } })
    expect(pool.stats().peakRunning).toBe(0)
  })

  it('cannot be paused, and an earlier pause does not come back', async () => {
    const { clock, pool } = watchedPool()
    pool.start().pause()
    const task = pool.queueTask(() => {})
    const other = pool.queueTask(() => {})
    void pool.stop({ graceMs: 1_000 })
    pool.pause()
    expect(pool.stats().paused).toBe(false)
    await clock.turn()
    expect([task.state, other.state]).toEqual(['succeeded', 'succeeded'])
    expect(pool.state).toBe('stopped')
    pool.pause()
    pool.resume()
    expect(pool.stats()).toMatchObject({ paused: false, state: 'stopped' })
  })

  it('B7 at its end, a task that ends on the abort is canceled, and so are queued and delayed tasks', async () => {
    const { clock, pool } = startedPool()
    const retried = pool.queueTask(
      () => {
        throw new Error('again')
      },
      { retry: { attempts: 5, backoffMs: () => 60_000 } }
    )
    await clock.turn()
    const running = pool.queueTask(untilAborted)
    const queued = pool.queueTask(never)
    await clock.turn()
    const stopped = pool.stop({ graceMs: 1_000, reason: 'deploy' })
    await clock.advance(999)
    expect([retried, running, queued].map(({ state }) => state)).toEqual(['queued', 'running', 'queued'])
    await clock.advance(1)
    expect(await stopped).toEqual(
      report({
        reason: 'deploy',
        durationMs: 1_000,
        canceled: 3,
        unstarted: { count: 1, ids: [queued.id] },
        aborted: { count: 2, ids: [retried.id, running.id] }
      })
    )
    const error = await running.result().catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(TaskCanceledError)
    expect(error).toMatchObject({ id: running.id, reason: 'pool_stopped', cause: { code: 'ERR_POOL_STOPPED' } })
    for (const task of [retried, running, queued]) {
      expect(task.record()).toMatchObject({
        state: 'canceled',
        reason: 'pool_stopped',
        cancelRequestedAt: '2030-01-01T00:00:01.000Z',
        settledAt: '2030-01-01T00:00:01.000Z'
      })
    }
    expect(queued.record()).not.toHaveProperty('startedAt')
    expect(clock.timers('alive')).toBe(0)
  })

  it('does not exist for a pool that was never started', async () => {
    const { clock, pool } = watchedPool()
    const task = pool.queueTask(never)
    const stopped = pool.stop({ graceMs: 60_000 })
    expect(task.state).toBe('canceled')
    expect(await stopped).toEqual(report({ canceled: 1, unstarted: { count: 1, ids: [task.id] } }))
    await clock.turn()
  })

  it('a task whose function ends well after the abort has succeeded, one that fails by itself has failed', async () => {
    const { clock, pool } = startedPool({ concurrency: 3 })
    const mistake = new Error('a mistake')
    const well = gate<string>()
    const badly = gate()
    const good = pool.queueTask(() => well.promise)
    const bad = pool.queueTask(() => badly.promise, { retry: { attempts: 5, backoffMs: 0 } })
    const asked = pool.queueTask(untilAborted)
    await clock.turn()
    asked.cancel('the user')
    const stopped = pool.stop({ graceMs: 0, forceMs: 1_000 })
    await clock.advance(10)
    well.open('saved')
    badly.fail(mistake)
    expect(await stopped).toEqual(report({ durationMs: 10, succeeded: 1, failed: 1, canceled: 1 }))
    expect(await good.result()).toBe('saved')
    expect(good.record()).toHaveProperty('cancelRequestedAt')
    await expect(bad.result()).rejects.toBe(mistake)
    expect(bad.record().attempt).toBe(1)
    expect(asked.record().reason).toBe('user')
  })
})

describe('a stop without options', () => {
  it('loses nothing that was accepted: nine tasks are called and succeed', async () => {
    const { clock, pool } = startedPool({ concurrency: 1, queueCapacity: 100 })
    for (let n = 0; n < 9; n++) pool.queueTask(() => new Promise((done) => clock.timer(() => done(n)).set(2_000)))
    const stopped = pool.stop()
    expect(pool.stats()).toMatchObject({ running: 1, queued: 8 })
    await clock.advance(18_000)
    expect(await stopped).toEqual(report({ durationMs: 18_000, succeeded: 9 }))
  })

  it('has a grace of 20 seconds and a force time of five', async () => {
    const { clock, pool } = startedPool({ concurrency: 1, queueCapacity: 1 })
    const deaf = pool.queueTask(never)
    const queued = pool.queueTask(never)
    await clock.turn()
    const stopped = pool.stop()
    await clock.advance(19_999)
    expect([deaf.state, queued.state]).toEqual(['running', 'queued'])
    await clock.advance(1)
    expect([deaf.state, queued.state]).toEqual(['running', 'canceled'])
    await clock.advance(4_999)
    expect(pool.state).toBe('stopping')
    await clock.advance(1)
    expect(await stopped).toMatchObject({ durationMs: 25_000, unstarted: { count: 1 }, interrupted: { count: 1 } })
  })
})

describe('the force deadline', () => {
  it('B8 a task that ignores the abort for ever has failed at grace + force, and is listed', async () => {
    const { clock, pool, witness } = startedPool()
    const { promise, open } = gate<string>()
    let context!: TaskContext
    const deaf = pool.queueTask(
      (ctx) => {
        context = ctx
        return promise
      },
      { retry: { attempts: 5, backoffMs: 0 } }
    )
    await clock.turn()
    const stopped = pool.stop({ graceMs: 1_000, forceMs: 500 })
    await clock.advance(1_499)
    expect(clock.timers('alive'), 'the process lives until then').toBe(1)
    expect(deaf.state).toBe('running')
    expect(pool.state).toBe('stopping')
    await clock.advance(1)
    expect(deaf.state).toBe('failed')
    expect(await stopped).toEqual(report({ durationMs: 1_500, failed: 1, interrupted: { count: 1, ids: [deaf.id] } }))
    const error = await deaf.result().catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(TaskInterruptedError)
    expect(error).toMatchObject({ code: 'ERR_TASK_INTERRUPTED', id: deaf.id })
    const record = deaf.record()
    expect(record).toMatchObject({ state: 'failed', attempt: 1, error: { code: 'ERR_TASK_INTERRUPTED' } })
    const told = witness.told.length
    context.progress(1, 'still here')
    open('too late')
    await clock.advance(10_000)
    expect(deaf.record()).toEqual(record)
    expect(witness.told.length).toBe(told)
    expect(expectBalance(pool).totals).toMatchObject({ failed: 1, succeeded: 0 })
    expect(clock.timers()).toBe(0)
  })

  it('is five seconds after the abort by default', async () => {
    const { clock, pool } = startedPool()
    pool.queueTask(never)
    await clock.turn()
    const stopped = pool.stop({ graceMs: 0 })
    await clock.advance(4_999)
    expect(pool.state).toBe('stopping')
    await clock.advance(1)
    expect(await stopped).toMatchObject({ durationMs: 5_000, interrupted: { count: 1 } })
  })

  it('comes from the options of the pool, as the grace does', async () => {
    const { clock, pool } = startedPool({ graceMs: 100, forceMs: 10 })
    pool.queueTask(never)
    await clock.turn()
    const stopped = pool.stop()
    await clock.advance(109)
    expect(pool.state).toBe('stopping')
    await clock.advance(1)
    expect(await stopped).toMatchObject({ durationMs: 110, failed: 1 })
  })

  it('of zero takes no time: a task that does not end in the same turn of the event loop fails', async () => {
    const { clock, pool } = startedPool({ concurrency: 2 })
    const tasks = [pool.queueTask(never), pool.queueTask(never)]
    await clock.turn()
    const stopped = pool.stop({ graceMs: 0, forceMs: 0 })
    await clock.turn()
    expect(await stopped).toEqual(
      report({ durationMs: 0, failed: 2, interrupted: { count: 2, ids: tasks.map(({ id }) => id) } })
    )
  })

  it.each([
    { graceMs: 0, forceMs: 0 },
    { graceMs: 50, forceMs: 20 }
  ])('lets who ends on its signal end, also when it has passed with the grace already (%o)', async (limits) => {
    const { clock, pool } = startedPool()
    const task = pool.queueTask(
      ({ signal }) => new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    )
    await clock.turn()
    const stopped = pool.stop(limits)
    clock.block(100)
    await clock.advance(0)
    expect(await stopped).toMatchObject({
      aborted: { count: 1, ids: [task.id] },
      interrupted: { count: 0, ids: [] }
    })
    expect(task.state).toBe('canceled')
  })

  it('of zero after a grace aborts the signals and cancels queued tasks before it fails the rest', async () => {
    const { clock, pool } = startedPool()
    let context!: TaskContext
    const deaf = pool.queueTask((ctx) => {
      context = ctx
      return never()
    })
    const queued = pool.queueTask(never)
    await clock.turn()
    const { signal } = context
    const order: string[] = []
    signal.addEventListener('abort', () => order.push(`abort, ${deaf.state}`))
    pool.on('settled', ({ state }) => order.push(state))
    const stopped = pool.stop({ graceMs: 100, forceMs: 0 })
    await clock.advance(99)
    expect(order).toEqual([])
    await clock.advance(1)
    expect(order).toEqual(['canceled', 'abort, running', 'failed'])
    expect(await stopped).toEqual(
      report({
        durationMs: 100,
        failed: 1,
        canceled: 1,
        unstarted: { count: 1, ids: [queued.id] },
        interrupted: { count: 1, ids: [deaf.id] }
      })
    )
  })

  it('of Infinity waits for ever, and is shortened by a later call', async () => {
    const { clock, pool } = startedPool()
    pool.queueTask(never)
    await clock.turn()
    const stopped = pool.stop({ graceMs: Number.POSITIVE_INFINITY, forceMs: Number.POSITIVE_INFINITY })
    await clock.advance(2 ** 40)
    expect(pool.state).toBe('stopping')
    void pool.stop({ graceMs: 0, forceMs: 7 })
    await clock.advance(7)
    expect(await stopped).toMatchObject({ durationMs: 2 ** 40 + 7, interrupted: { count: 1 } })
  })

  it('a stop called by a listener of an interrupted task reports each interrupted task once', async () => {
    const { clock, pool, witness } = startedPool({ concurrency: 3 })
    const tasks = [1, 2, 3].map(() => pool.queueTask(never))
    await clock.turn()
    pool.on('failed', () => {
      void pool.stop({ graceMs: 0, forceMs: 0 })
      for (const task of tasks) task.cancel()
    })
    const stopped = pool.stop({ graceMs: 0, forceMs: 10 })
    await clock.advance(10)
    expect(await stopped).toMatchObject({ failed: 3, interrupted: { count: 3, ids: tasks.map(({ id }) => id) } })
    expect(tasks.map((task) => witness.names(task))).toEqual(
      tasks.map(() => ['queued', 'started', 'failed', 'settled'])
    )
  })

  it.each(['a listener of its start', 'the hook that decides on its retry'])(
    'a task is interrupted once if the deadline of the stop passes inside %s',
    async (where) => {
      const { clock, pool, witness } = startedPool({
        retry: {
          attempts: 2,
          backoffMs: 0,
          when: () => {
            stop()
            return true
          }
        }
      })
      const stop = (): void => {
        void pool.stop({ graceMs: 0, forceMs: 10 })
        clock.tick(10)
      }
      if (where === 'a listener of its start') pool.on('started', stop)
      let calls = 0
      const task = pool.queueTask(() => {
        calls++
        throw new Error('not now')
      })
      await clock.turn()
      expect(await pool.closed).toMatchObject({ failed: 1, interrupted: { count: 1, ids: [task.id] } })
      expect(witness.names(task)).toEqual(['queued', 'started', 'failed', 'settled'])
      expect(calls).toBe(where === 'a listener of its start' ? 0 : 1)
      await expect(task.result()).rejects.toBeInstanceOf(TaskInterruptedError)
    }
  )
})

describe('stop again', () => {
  it('B2 always returns the same promise, which is `closed`, before and after the end', async () => {
    const { clock, pool, witness } = watchedPool()
    const { closed } = pool
    pool.start()
    pool.queueTask(untilAborted)
    await clock.turn()
    const promises = Array.from({ length: 1_000 }, () => pool.stop({ graceMs: 0 }))
    expect(new Set([...promises, closed, pool.closed]).size).toBe(1)
    const first = await closed
    expect(pool.stop({ graceMs: 0, reason: 'again' })).toBe(closed)
    expect(await pool.stop({ graceMs: 10 })).toBe(first)
    expect(witness.names().filter((name) => name === 'stopping' || name === 'stopped')).toEqual(['stopping', 'stopped'])
    expect(pool.state).toBe('stopped')
  })

  it('B11 escalates at once from a grace to none', async () => {
    const { clock, pool } = startedPool()
    const running = pool.queueTask(untilAborted)
    const queued = pool.queueTask(never)
    await clock.turn()
    const stopped = pool.stop({ graceMs: 60_000 })
    await clock.advance(1_000)
    expect([running.state, queued.state]).toEqual(['running', 'queued'])
    void pool.stop({ graceMs: 0 })
    expect(queued.state).toBe('canceled')
    expect(await stopped).toMatchObject({ durationMs: 1_000, canceled: 2, aborted: { count: 1 } })
    expect(running.state).toBe('canceled')
    expect(clock.timers('alive')).toBe(0)
  })

  it('shortens both deadlines, never extends them: min(old, now + grace) and min(old, now + grace + force)', async () => {
    const cases: [at: number, again: StopOptions, abortAt: number, endAt: number][] = [
      [100, { graceMs: 5_000, forceMs: 5_000 }, 1_000, 1_500],
      [100, { graceMs: 300, forceMs: 5_000 }, 400, 1_500],
      [100, { graceMs: 300, forceMs: 200 }, 400, 600],
      [100, { graceMs: 1_200, forceMs: 0 }, 1_000, 1_300],
      [100, { graceMs: 900, forceMs: 500 }, 1_000, 1_500],
      [1_100, { graceMs: 100, forceMs: 100 }, 1_000, 1_300],
      [1_100, { graceMs: 100, forceMs: 1_000 }, 1_000, 1_500]
    ]
    for (const [at, again, abortAt, endAt] of cases) {
      const { clock, pool } = startedPool()
      let abortedAt = -1
      const beganAt = clock.now()
      pool.queueTask(({ signal }) => {
        signal.addEventListener('abort', () => {
          abortedAt = clock.now() - beganAt
        })
        return never()
      })
      await clock.turn()
      const stopped = pool.stop({ graceMs: 1_000, forceMs: 500 })
      await clock.advance(at)
      void pool.stop(again)
      await clock.advance(10_000)
      expect({ again, abortedAt, endedAt: (await stopped).durationMs }).toEqual({
        again,
        abortedAt: abortAt,
        endedAt: endAt
      })
    }
  })

  it('keeps the first reason, also if it is undefined', async () => {
    for (const first of ['first', undefined]) {
      const { clock, pool, witness } = startedPool()
      pool.queueTask(untilAborted)
      await clock.turn()
      void pool.stop({ graceMs: 1_000, reason: first })
      const stopped = pool.stop({ graceMs: 0, reason: 'second' })
      expect(await stopped).toMatchObject({ reason: first })
      expect(witness.told.filter(({ event }) => event === 'stopping')).toEqual([
        { event: 'stopping', args: [{ reason: first }] }
      ])
    }
  })

  it('accepts any value as a reason, and returns it unchanged', async () => {
    for (const reason of [null, 0, '', Symbol('s'), { a: 1 }, new Error('x')]) {
      const { pool } = watchedPool()
      expect((await pool.stop({ graceMs: 0, reason })).reason).toBe(reason)
    }
  })

  it('refuses wrong options and does not stop', () => {
    const { pool, witness } = startedPool()
    expect(thrown(() => pool.stop({ graceMs: -1 }))).toEqual(
      new RangeError('Expected `graceMs` to be a number of milliseconds from 0, got `-1` (number)')
    )
    expect(thrown(() => pool.stop({ graceMs: 0, forceMs: '5' as never }))).toBeInstanceOf(TypeError)
    expect(thrown(() => pool.stop({ graceMs: 0, grace: 5 } as never))).toBeInstanceOf(TypeError)
    expect(thrown(() => pool.stop(null as never))).toBeInstanceOf(TypeError)
    expect(pool.state).toBe('running')
    expect(witness.told).toEqual([])
  })
})

describe('stop from anywhere', () => {
  it('B3 before start: queued tasks are canceled, and start is refused from then on', async () => {
    const { clock, pool, witness } = watchedPool()
    const tasks = [pool.queueTask(never), pool.queueTask(never)]
    const stopped = pool.stop({ graceMs: 1_000 })
    expect(thrown(() => pool.start())).toMatchObject({ code: 'ERR_POOL_STOPPED', state: 'stopping' })
    expect(await stopped).toEqual(report({ canceled: 2, unstarted: { count: 2, ids: tasks.map(({ id }) => id) } }))
    expect(thrown(() => pool.start())).toMatchObject({ code: 'ERR_POOL_STOPPED', state: 'stopped' })
    expect(pool.stats().totals).toMatchObject({ started: 0, canceled: 2 })
    expect(witness.names()).toEqual([
      'queued',
      'queued',
      'stopping',
      'canceled',
      'settled',
      'canceled',
      'settled',
      'idle',
      'stopped'
    ])
    await clock.turn()
  })

  it('while paused, without a grace: queued tasks are canceled', async () => {
    const { pool } = watchedPool()
    pool.start().pause()
    const task = pool.queueTask(never)
    expect(await pool.stop({ graceMs: 0 })).toEqual(report({ canceled: 1, unstarted: { count: 1, ids: [task.id] } }))
    expect(pool.stats().paused).toBe(false)
  })

  it('B5 between stop and its end nothing is accepted', async () => {
    const { clock, pool } = startedPool()
    pool.queueTask(untilAborted)
    await clock.turn()
    void pool.stop({ graceMs: 100 })
    expect(thrown(() => pool.queueTask(never))).toMatchObject({ code: 'ERR_POOL_STOPPED', state: 'stopping' })
    await expect(pool.queueTaskWhenFree(never)).rejects.toMatchObject({ code: 'ERR_POOL_STOPPED', state: 'stopping' })
    await clock.advance(100)
    expect(pool.state).toBe('stopped')
    expect(thrown(() => pool.queueTask(never))).toMatchObject({ code: 'ERR_POOL_STOPPED', state: 'stopped' })
    await expect(pool.queueTaskWhenFree(never)).rejects.toMatchObject({ code: 'ERR_POOL_STOPPED', state: 'stopped' })
    expect(pool.stats().totals).toMatchObject({ submitted: 5, accepted: 1, refused: 4 })
  })

  it('B2 inside a task it acts at once and returns the same promise; awaiting it there takes grace and force', async () => {
    const { clock, pool } = startedPool()
    let inside: Promise<StopReport> | undefined
    const seen: unknown[] = []
    const task = pool.queueTask(async ({ signal, stopping }) => {
      inside = pool.stop({ graceMs: 100, forceMs: 50 })
      seen.push(pool.state, stopping.aborted, signal.aborted)
      await inside
    })
    const behind = pool.queueTask(() => 'never called')
    await clock.advance(100)
    expect(seen).toEqual(['stopping', true, false])
    expect(behind.state).toBe('canceled')
    await clock.advance(50)
    expect(inside).toBe(pool.closed)
    expect(await pool.closed).toEqual(
      report({
        durationMs: 150,
        failed: 1,
        canceled: 1,
        unstarted: { count: 1, ids: [behind.id] },
        interrupted: { count: 1, ids: [task.id] }
      })
    )
    await clock.turn()
  })

  it('B2 inside a task that then returns, the task has succeeded', async () => {
    const { clock, pool } = startedPool()
    const task = pool.queueTask(() => {
      void pool.stop({ graceMs: 0 })
      return 'last words'
    })
    await clock.turn()
    expect(await pool.closed).toEqual(report({ succeeded: 1 }))
    expect(await task.result()).toBe('last words')
  })

  it('B2 in a listener of any event of a task ends the pool, and every task settles once', async () => {
    const events = ['queued', 'started', 'retrying', 'progress', 'succeeded', 'failed', 'canceled', 'settled'] as const
    for (const event of events) {
      const { clock, pool, witness } = startedPool({ concurrency: 5, onUnobservedError: () => {} })
      pool.once(event, () => void pool.stop({ graceMs: 0, forceMs: 0 }))
      const work: ((ctx: TaskContext) => unknown)[] = [
        () => 'done',
        async ({ progress }) => {
          progress(0.5)
          await clock.turn()
        },
        () => Promise.reject(new Error('failed')),
        untilAborted,
        never
      ]
      const tasks: Task[] = []
      for (const run of work) {
        try {
          tasks.push(pool.queueTask(run, { retry: { attempts: 2, backoffMs: () => 10 } }))
        } catch (error) {
          expect(error).toBeInstanceOf(PoolStoppedError)
        }
      }
      await clock.advance(20)
      if (event === 'canceled') tasks[3]?.cancel()
      await clock.advance(20)
      expect({ event, state: pool.state }).toEqual({ event, state: 'stopped' })
      for (const task of tasks) {
        const names = witness.names(task)
        expect(names.slice(-1)).toEqual(['settled'])
        expect(names.filter((name) => ['succeeded', 'failed', 'canceled'].includes(name))).toHaveLength(1)
      }
      expect(witness.names().slice(-1)).toEqual(['stopped'])
    }
  })

  it('B2 in a listener of `queued` the caller still receives its task, canceled', async () => {
    const { clock, pool } = startedPool()
    pool.on('queued', () => void pool.stop({ graceMs: 0 }))
    const task = pool.queueTask(never)
    expect(task.state).toBe('canceled')
    expect(task.record()).toMatchObject({ reason: 'pool_stopped', attempt: 0 })
    await clock.turn()
    expect(pool.state).toBe('stopped')
  })

  it('in a listener of `canceled`, of `stopping`, of `idle`: no event is emitted twice', async () => {
    for (const event of ['canceled', 'stopping', 'idle', 'stopped'] as const) {
      const { clock, pool, witness } = startedPool({ concurrency: 2 })
      pool.on(event, () => void pool.stop({ graceMs: 0 }))
      const tasks = [1, 2, 3, 4].map(() => pool.queueTask(never))
      const stopped = pool.stop({ graceMs: 0 })
      expect(await stopped).toMatchObject({ canceled: 4, unstarted: { count: 4 } })
      expect(tasks.every(({ state }) => state === 'canceled')).toBe(true)
      expect(witness.names().filter((name) => name === 'stopping' || name === 'stopped' || name === 'idle')).toEqual([
        'stopping',
        'idle',
        'stopped'
      ])
      await clock.turn()
    }
  })

  it('in a listener of each of many settles does not grow the stack', async () => {
    const unobserved: unknown[] = []
    const { pool } = startedPool({ queueCapacity: 20_000, onUnobservedError: (error) => unobserved.push(error) })
    pool.pause()
    for (let n = 0; n < 20_000; n++) pool.queueTask(never)
    pool.on('canceled', () => void pool.stop({ graceMs: 0 }))
    expect(await pool.stop({ graceMs: 0 })).toMatchObject({ canceled: 20_000, unstarted: { count: 20_000 } })
    expect(unobserved).toEqual([])
  })

  it('listeners may cancel other tasks while stop cancels them', async () => {
    const { clock, pool } = startedPool({ concurrency: 4 })
    const heard = pool.queueTask((ctx) => {
      ctx.signal.addEventListener('abort', () => {
        for (const task of pool.tasks()) task.cancel()
      })
      return untilAborted(ctx)
    })
    await clock.turn()
    const tasks = Array.from({ length: 8 }, () => pool.queueTask(never))
    pool.on('canceled', () => {
      for (const task of pool.tasks()) if (task !== heard) task.cancel('by a listener')
    })
    const stopped = await pool.stop({ graceMs: 0 })
    expect(stopped).toMatchObject({ canceled: 9, aborted: { count: 1, ids: [heard.id] } })
    expect(tasks.every(({ state }) => state === 'canceled')).toBe(true)
    expect(stopped.unstarted.count).toBeLessThanOrEqual(8)
  })

  it('in an abort listener of ctx.stopping', async () => {
    const { clock, pool, witness } = startedPool()
    const task = pool.queueTask((ctx) => {
      ctx.stopping.addEventListener('abort', () => void pool.stop({ graceMs: 0, reason: 'second' }))
      return untilAborted(ctx)
    })
    await clock.turn()
    expect(await pool.stop({ graceMs: 1_000, reason: 'first' })).toEqual(
      report({ reason: 'first', canceled: 1, aborted: { count: 1, ids: [task.id] } })
    )
    expect(witness.names()).toEqual(['queued', 'started', 'stopping', 'canceled', 'settled', 'idle', 'stopped'])
  })
})

describe('the parent signal', () => {
  it('B16 aborting is the same as stop with its reason and the deadlines of the pool', async () => {
    const { clock, pool } = watchedPool({ graceMs: 100, forceMs: 50 })
    const controller = new AbortController()
    expect(pool.start({ signal: controller.signal })).toBe(pool)
    expect(listenersOn(controller.signal)).toBe(1)
    const task = pool.queueTask(never)
    await clock.turn()
    const reason = new Error('the process ends')
    controller.abort(reason)
    expect(pool.state).toBe('stopping')
    expect(() => pool.queueTask(never)).toThrow(PoolStoppedError)
    await clock.advance(149)
    expect(pool.state).toBe('stopping')
    await clock.advance(1)
    expect(await pool.closed).toEqual(
      report({ reason, durationMs: 150, failed: 1, interrupted: { count: 1, ids: [task.id] } })
    )
    expect(listenersOn(controller.signal)).toBe(0)
  })

  it('B16 that has already aborted: the pool stops at once and never stays open without running', async () => {
    const { clock, pool } = watchedPool({ graceMs: 0 })
    const task = pool.queueTask(never)
    const signal = AbortSignal.abort('too late')
    expect(pool.start({ signal })).toBe(pool)
    expect(pool.state).toBe('stopping')
    expect(task.state).toBe('canceled')
    expect(await pool.closed).toMatchObject({ reason: 'too late', canceled: 1, unstarted: { count: 1 } })
    expect(listenersOn(signal)).toBe(0)
    await clock.turn()
  })

  it('B16 is released when the pool has stopped otherwise', async () => {
    const { pool } = watchedPool()
    const { signal } = new AbortController()
    pool.start({ signal })
    await pool.stop({ graceMs: 0 })
    expect(listenersOn(signal)).toBe(0)
  })

  it('B16 of a second start has no effect', async () => {
    const { pool, witness } = watchedPool()
    const second = new AbortController()
    pool.start()
    expect(pool.start({ signal: second.signal })).toBe(pool)
    expect(listenersOn(second.signal)).toBe(0)
    second.abort()
    expect(pool.state).toBe('running')
    expect(() => pool.start({ signal: {} as AbortSignal })).toThrow(TypeError)
    expect(witness.told).toEqual([])
  })

  it('B16 may be shared with tasks and waits: one listener for all, and each is notified', async () => {
    const { clock, pool } = watchedPool({ queueCapacity: 1 })
    const controller = new AbortController()
    const { signal } = controller
    pool.start({ signal })
    const running = pool.queueTask(untilAborted, { signal })
    const queued = pool.queueTask(never, { signal })
    const waiter = pool.queueTaskWhenFree(never, { signal }).catch((error: unknown) => error)
    const drained = pool.drain({ signal }).catch((error: unknown) => error)
    await clock.turn()
    expect(listenersOn(signal)).toBe(1)
    controller.abort('all of it')
    await clock.turn()
    expect([running.state, queued.state, pool.state]).toEqual(['canceled', 'canceled', 'stopped'])
    expect([await drained, (await pool.closed).reason]).toEqual(['all of it', 'all of it'])
    expect(['all of it', 'ERR_POOL_STOPPED']).toContain(
      await waiter.then((error) => (error as PoolStoppedError).code ?? error)
    )
    expect(listenersOn(signal)).toBe(0)
  })
})

describe('await using', () => {
  it('B17 loses nothing that was accepted', async () => {
    const pool = new WorkerPool({ concurrency: 1, queueCapacity: 100 })
    const tasks: Task[] = []
    {
      await using using = pool.start()
      for (let n = 0; n < 9; n++) tasks.push(using.queueTask(() => nextTurn(n)))
    }
    expect(tasks.map(({ state }) => state)).toEqual(Array(9).fill('succeeded'))
    expect(await Promise.all(tasks.map((task) => task.result()))).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8])
  })

  it('B17 without a grace stops the pool at the end of the block', async () => {
    const { clock, pool } = watchedPool({ graceMs: 0 })
    let task!: Task
    {
      await using using = pool
      using.start()
      task = using.queueTask(untilAborted)
      await clock.turn()
    }
    expect(pool.state).toBe('stopped')
    expect(task.state).toBe('canceled')
  })

  it('B17 stops the pool after an error in the block, and the error stays the same', async () => {
    const { pool } = watchedPool({ graceMs: 0 })
    const mistake = new Error('in the block')
    const block = async () => {
      await using using = pool
      using.start().queueTask(never)
      throw mistake
    }
    await expect(block()).rejects.toBe(mistake)
    expect(pool.state).toBe('stopped')
  })

  it('B17 disposing of a stopped pool has no effect', async () => {
    const { pool, witness } = watchedPool()
    await pool.stop({ graceMs: 0 })
    const told = witness.told.length
    expect(await pool[Symbol.asyncDispose]()).toBeUndefined()
    expect(witness.told.length).toBe(told)
  })
})

describe('the report', () => {
  it('counts the tasks that settled since stop, not before', async () => {
    const { clock, pool } = startedPool({ concurrency: 3, onUnobservedError: () => {} })
    pool.queueTask(() => {})
    pool.queueTask(() => Promise.reject(new Error('x')))
    pool.queueTask(never).cancel()
    await clock.turn()
    expect(pool.stats().totals).toMatchObject({ succeeded: 1, failed: 1, canceled: 1 })
    const before = pool.queueTask(untilAborted)
    const { promise, open } = gate()
    pool.queueTask(() => promise)
    await clock.turn()
    const stopped = pool.stop({ graceMs: 100 })
    before.cancel()
    open()
    expect(await stopped).toEqual(report({ succeeded: 1, canceled: 1 }))
    await clock.turn()
  })

  it('is the argument of the event, and agrees with stats', async () => {
    const { pool, witness } = startedPool({ concurrency: 2 })
    for (let n = 0; n < 5; n++) pool.queueTask(never)
    const stopped = await pool.stop({ graceMs: 0 })
    expect(witness.told.at(-1)).toEqual({ event: 'stopped', args: [stopped] })
    expect(witness.told.at(-1)?.args[0]).toBe(stopped)
    expect(pool.stats()).toMatchObject({ state: 'stopped', running: 0, queued: 0, totals: { canceled: 5, started: 0 } })
    expect(stopped).toMatchObject({ canceled: 5, unstarted: { count: 5 } })
  })

  it('`closed` is pending until the pool has stopped; state, event and promise agree', async () => {
    const { clock, pool } = watchedPool()
    expect(await isSettled(clock, pool.closed)).toBe(false)
    const states: string[] = []
    pool.on('stopping', () => states.push(`stopping: ${pool.state}`))
    pool.on('idle', () => states.push(`idle: ${pool.state}`))
    pool.on('stopped', () => states.push(`stopped: ${pool.state}`))
    pool.queueTask(never)
    await pool.stop({ graceMs: 0 })
    states.push(`resolved: ${pool.state}`)
    expect(states).toEqual(['stopping: stopping', 'idle: stopping', 'stopped: stopped', 'resolved: stopped'])
  })

  it('records stay readable after stop, without a timer, and expire at the next look-up', async () => {
    const { clock, pool } = startedPool({ retention: { ms: 1_000 } })
    const task = pool.queueTask(() => 'kept')
    await clock.turn()
    const { id } = task
    await pool.stop({ graceMs: 0 })
    expect(clock.timers()).toBe(0)
    expect(pool.task(id)?.record()).toMatchObject({ state: 'succeeded', result: 'kept' })
    expect(pool.tasks()).toEqual([task])
    await clock.advance(999)
    expect(pool.task(id)).toBe(task)
    await clock.advance(1)
    expect(pool.task(id)).toBeUndefined()
    expect(pool.stats().retained).toBe(0)
    expect(clock.timers()).toBe(0)
    expect(task.record()).toMatchObject({ state: 'succeeded', result: 'kept' })
  })

  it('lists at most 1,000 ids of each kind, and counts all', async () => {
    const { pool } = watchedPool({ queueCapacity: 2_500 })
    const first = Array.from({ length: 2_500 }, () => pool.queueTask(never)).slice(0, 1_000)
    const { unstarted, canceled } = await pool.stop({ graceMs: 0 })
    expect(canceled).toBe(2_500)
    expect(unstarted.count).toBe(2_500)
    expect(unstarted.ids).toEqual(first.map(({ id }) => id))
  })
})

describe('a large queue', () => {
  it('B13 of a million tasks is canceled in slices: the loop turns, timers fire, the report is bounded', async () => {
    const COUNT = 1_000_000
    const pool = new WorkerPool({ concurrency: 4, queueCapacity: COUNT })
    for (let n = 0; n < COUNT; n++) pool.queueTask(never)

    const stopped = pool.stop({ graceMs: 0, reason: 'a million' })
    const atReturn = pool.stats()
    expect(atReturn.queued).toBeGreaterThan(0)
    expect(atReturn.queued).toBeLessThan(COUNT)
    let timers = 0
    const timer = setInterval(() => timers++, 1)
    const left: number[] = []
    while (pool.state !== 'stopped') {
      left.push(expectBalance(pool).queued)
      await nextTurn()
    }
    clearInterval(timer)

    expect(left.length).toBeGreaterThan(5)
    expect(timers).toBeGreaterThan(2)
    expect(left).toEqual(left.toSorted((a, b) => b - a))
    const { unstarted, canceled, reason } = await stopped
    expect({ canceled, reason, count: unstarted.count }).toEqual({ canceled: COUNT, reason: 'a million', count: COUNT })
    expect(unstarted.ids).toHaveLength(1_000)
    expect(new Set(unstarted.ids).size).toBe(1_000)
    expect(pool.stats()).toMatchObject({ queued: 0, totals: { canceled: COUNT, started: 0 } })
    expect(pool.stats().retention, 'those that the report names').toMatchObject({ retained: 1_000, forgottenEarly: 0 })
    expect(unstarted.ids.every((id) => pool.task(id)?.state === 'canceled')).toBe(true)
  })

  it('B13 is canceled in slices also at the end of a grace, while running tasks end', async () => {
    const COUNT = 300_000
    const pool = new WorkerPool({ concurrency: 2, queueCapacity: COUNT, forceMs: 60_000 }).start()
    const running = [pool.queueTask(untilAborted), pool.queueTask(untilAborted)]
    await nextTurn()
    for (let n = 0; n < COUNT; n++) pool.queueTask(never)
    void pool.stop({ graceMs: 60_000 })
    await nextTurn()
    expect(pool.stats()).toMatchObject({ queued: COUNT, running: 2 })
    const stopped = pool.stop({ graceMs: 0 })
    let turns = 0
    while (pool.state !== 'stopped') {
      expectBalance(pool)
      turns++
      await nextTurn()
    }
    expect(turns).toBeGreaterThan(2)
    expect(await stopped).toMatchObject({
      canceled: COUNT + 2,
      unstarted: { count: COUNT },
      aborted: { count: 2, ids: running.map(({ id }) => id) }
    })
  })

  it('B13 a force deadline between the slices lets them finish', async () => {
    const clock = new TimerTurns()
    const COUNT = 1_000
    const pool = new WorkerPool({ concurrency: 1, queueCapacity: COUNT, clock, forceMs: 50 }).start()
    const deaf = pool.queueTask(never)
    void deaf.settled()
    await clock.turn()
    for (let n = 0; n < COUNT; n++) pool.queueTask(never)
    let canceled = 0
    pool.on('canceled', () => {
      if (++canceled % 64 === 0) clock.block(20)
    })
    const stopped = pool.stop({ graceMs: 0 })
    expect(pool.stats().queued).toBe(COUNT - 64)
    for (let slices = 0; deaf.state === 'running' && slices < 10; slices++) await clock.advance(10)
    expect(deaf.state).toBe('failed')
    expect(pool.stats()).toMatchObject({ state: 'stopping', running: 0 })
    expect(pool.stats().queued).toBeGreaterThan(0)
    await clock.advance(1_000)
    expect(await stopped).toMatchObject({
      failed: 1,
      canceled: COUNT,
      unstarted: { count: COUNT },
      interrupted: { count: 1, ids: [deaf.id] }
    })
    expectBalance(pool)
  })
})

describe('a stop inside a stop', () => {
  it('aborts `stopping` of every running task before it aborts the first `signal`', async () => {
    const { clock, pool, witness } = startedPool({ concurrency: 2 })
    const order: string[] = []
    const listening = (name: string) => (ctx: TaskContext) => {
      ctx.stopping.addEventListener('abort', () => {
        order.push(`${name} stopping`)
        if (name === 'first') void pool.stop({ graceMs: 0 })
      })
      ctx.signal.addEventListener('abort', () => order.push(`${name} aborted`))
      return never()
    }
    pool.queueTask(listening('first'))
    pool.queueTask(listening('second'))
    await clock.turn()
    void pool.stop({ graceMs: 1_000 })
    expect(order).toEqual(['first stopping', 'second stopping', 'first aborted', 'second aborted'])
    expect(witness.names().slice(-1)).toEqual(['stopping'])
  })
})

describe('a stop without grace or force from a hook at the end of a turn', () => {
  it('gives tasks that end on their signal one turn to do so', async () => {
    const clock = new ManualClock()
    const pool = new WorkerPool({
      concurrency: 2,
      queueCapacity: 0,
      clock,
      onUnobservedError: () => void pool.stop({ graceMs: 0, forceMs: 0 })
    }).start()
    const task = pool.queueTask(
      ({ signal }) => new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    )
    pool.queueTask(() => {
      throw new Error('nobody looks')
    })
    await clock.turn()
    expect(await pool.closed).toMatchObject({ aborted: { count: 1, ids: [task.id] }, interrupted: { count: 0 } })
  })
})
