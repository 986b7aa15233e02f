import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import {
  PoolStoppedError,
  QueueFullError,
  type Task,
  TaskCanceledError,
  type TaskContext,
  TaskTimeoutError
} from '../../src/index.js'
import { expectBalance } from '../support/books.js'
import { gate } from '../support/gate.js'
import { microtasks } from '../support/manual-clock.js'
import {
  listenersOn,
  never,
  rejection,
  startedPool,
  statesOf,
  thrown,
  untilAborted,
  watchedPool
} from '../support/pools.js'
import { uncaughtIn } from '../support/process-errors.js'

const START = '2030-01-01T00:00:00.000Z'

describe('canceling a queued task', () => {
  it('C1 settles it at once, never calls it, and frees its place', async () => {
    const { clock, pool, witness } = startedPool({ concurrency: 1, queueCapacity: 1 })
    const blocker = pool.queueTask(untilAborted)
    await clock.advance(5)
    const calls: string[] = []
    const queued = pool.queueTask(() => calls.push('queued'))
    await clock.advance(7)
    expect(() => pool.queueTask(() => calls.push('third'))).toThrow(QueueFullError)

    expect(queued.cancel('changed my mind')).toBe(true)
    expect(queued.state).toBe('canceled')
    expect(queued.record()).toEqual({
      id: queued.id,
      state: 'canceled',
      attempt: 0,
      revision: 2,
      queuedAt: '2030-01-01T00:00:00.005Z',
      settledAt: '2030-01-01T00:00:00.012Z',
      expiresAt: '2030-01-01T00:10:00.012Z',
      cancelRequestedAt: '2030-01-01T00:00:00.012Z',
      reason: 'user',
      error: { name: 'TaskCanceledError', code: 'ERR_TASK_CANCELED', message: 'changed my mind' }
    })
    expect(witness.names(queued)).toEqual(['queued', 'canceled', 'settled'])

    const next = pool.queueTask(() => calls.push('next'))
    expect(next.state).toBe('queued')
    blocker.cancel()
    await clock.turn()
    expect(calls).toEqual(['next'])
    expect(expectBalance(pool).totals).toEqual({
      submitted: 4,
      refused: 1,
      accepted: 3,
      snoozed: 0,
      started: 2,
      retried: 0,
      succeeded: 1,
      failed: 0,
      canceled: 2
    })
  })

  it('C1 gives the freed place to the first waiter in the same step', async () => {
    const { clock, pool } = startedPool({ concurrency: 1, queueCapacity: 1, waiterCapacity: 2 })
    pool.queueTask(never)
    const queued = pool.queueTask(never)
    const granted: string[] = []
    const first = pool.queueTaskWhenFree(never, { name: 'first' }).then(({ name }) => granted.push(name as string))
    void pool.queueTaskWhenFree(never, { name: 'second' }).then(({ name }) => granted.push(name as string))
    await clock.turn()
    expect(pool.stats()).toMatchObject({ running: 1, queued: 1, waiting: 2 })
    queued.cancel()
    expect(pool.stats()).toMatchObject({ running: 1, queued: 1, waiting: 1 })
    await first
    expect(granted).toEqual(['first'])
  })

  it('C2 takes back a worker whose task was not called yet: no call, no start, the place is free', async () => {
    const { clock, pool, witness } = startedPool({ concurrency: 1, queueCapacity: 0 })
    let called = false
    const task = pool.queueTask(() => {
      called = true
    })
    expect(task.state).toBe('running')
    expect(task.record()).toMatchObject({ attempt: 0 })
    expect(expectBalance(pool)).toMatchObject({ running: 1, totals: { started: 0 } })

    expect(pool.cancel(task.id)).toBe('canceled')
    expect(task.record()).toEqual({
      id: task.id,
      state: 'canceled',
      attempt: 0,
      revision: 3,
      queuedAt: START,
      settledAt: START,
      expiresAt: '2030-01-01T00:10:00.000Z',
      cancelRequestedAt: START,
      reason: 'user',
      error: { name: 'TaskCanceledError', code: 'ERR_TASK_CANCELED', message: expect.any(String) }
    })
    const next = pool.queueTask(() => 'ran')
    await expect(next.result()).resolves.toBe('ran')
    await clock.turn()
    expect(called).toBe(false)
    expect(witness.names(task)).toEqual(['queued', 'canceled', 'settled'])
    expect(pool.stats().totals).toMatchObject({ started: 1, canceled: 1 })
  })

  it('C2 returns the start of the rate limit that the uncalled task had taken', async () => {
    const { clock, pool } = startedPool({ concurrency: 2, rateLimit: { starts: 1, intervalMs: 1_000 } })
    const canceled = pool.queueTask(() => 1)
    const queued = pool.queueTask(() => 2)
    expect(statesOf([canceled, queued])).toEqual(['running', 'queued'])
    canceled.cancel()
    expect(queued.state).toBe('running')
    await clock.turn()
    expect(queued.state).toBe('succeeded')
  })

  it('C2 does not call a function whose task a listener of `queued` or `started` canceled', async () => {
    const { clock, pool, witness } = startedPool({ concurrency: 2 })
    const answers: boolean[] = []
    pool.on('queued', (task) => task.name === 'at queued' && answers.push(task.cancel()))
    pool.on('started', (task) => task.name === 'at started' && answers.push(task.cancel()))
    const calls: string[] = []
    const run = ({ name }: TaskContext) => calls.push(name as string)
    const tasks = ['at queued', 'at started', 'left alone'].map((name) => pool.queueTask(run, { name }))
    await clock.turn()
    expect(answers).toEqual([true, true])
    expect(calls).toEqual(['left alone'])
    expect(statesOf(tasks)).toEqual(['canceled', 'canceled', 'succeeded'])
    expect(witness.names(tasks[0])).toEqual(['queued', 'canceled', 'settled'])
    expect(witness.names(tasks[1])).toEqual(['queued', 'started', 'canceled', 'settled'])
  })

  it('has both cancelRequestedAt and startedAt for a retry canceled before its next call', async () => {
    const { clock, pool, witness } = startedPool()
    const failing = () => {
      throw new Error('again')
    }
    const task = pool.queueTask(failing, { retry: { attempts: 2, backoffMs: () => 100 } })
    await clock.advance(40)
    expect(expectBalance(pool)).toMatchObject({ delayed: 1, running: 0 })
    expect(pool.cancel(task.id, 'enough')).toBe('canceled')
    expect(task.record()).toMatchObject({
      state: 'canceled',
      attempt: 1,
      startedAt: START,
      cancelRequestedAt: '2030-01-01T00:00:00.040Z',
      settledAt: '2030-01-01T00:00:00.040Z',
      reason: 'user',
      error: { message: 'enough' }
    })
    await clock.advance(1_000)
    expect(witness.names(task)).toEqual(['queued', 'started', 'retrying', 'canceled', 'settled'])
    expect(clock.timers('alive')).toBe(0)
  })

  it('increases the revision once per change, also when a retry is canceled between its worker and its call', async () => {
    const { clock, pool } = startedPool()
    const failing = () => {
      throw new Error('again')
    }
    const task = pool.queueTask(failing, { retry: { attempts: 2, backoffMs: () => 100 } })
    await clock.turn()
    const blocker = pool.queueTask(untilAborted)
    await clock.advance(100)
    const seen: [string, number][] = [[task.state, task.record().revision]]
    pool.on('settled', (settled) => {
      if (settled !== blocker) return
      seen.push([task.state, task.record().revision])
      task.cancel()
      seen.push([task.state, task.record().revision])
    })
    blocker.cancel()
    await clock.turn()
    const revision = seen[0]?.[1] as number
    expect(seen).toEqual([
      ['queued', revision],
      ['running', revision + 1],
      ['canceled', revision + 2]
    ])
    expect(task.record()).toMatchObject({ attempt: 1, cancelRequestedAt: '2030-01-01T00:00:00.100Z' })
  })
})

describe('canceling a running task', () => {
  it('C3 aborts its signal with the given reason and frees the worker when the function has ended', async () => {
    const { clock, pool, witness } = startedPool({ concurrency: 1 })
    const reason = { why: 'the client left' }
    const cleanedUp = gate()
    const seen: unknown[] = []
    const task = pool.queueTask(async ({ signal }) => {
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
      seen.push(signal.reason)
      await cleanedUp.promise
      throw signal.reason
    })
    const next = pool.queueTask(() => 'next')
    await clock.advance(3)

    expect(task.cancel(reason)).toBe(true)
    await clock.advance(20)
    expect(seen).toEqual([reason])
    expect(statesOf([task, next])).toEqual(['running', 'queued'])
    expect(task.record()).toMatchObject({ state: 'running', cancelRequestedAt: '2030-01-01T00:00:00.003Z' })

    cleanedUp.open()
    await clock.turn()
    expect(statesOf([task, next])).toEqual(['canceled', 'succeeded'])
    const error = await rejection(task.result())
    expect(error).toBeInstanceOf(TaskCanceledError)
    expect(error).toMatchObject({ code: 'ERR_TASK_CANCELED', id: task.id, reason: 'user' })
    expect((error as Error).cause).toBe(reason)
    expect(task.record()).toMatchObject({
      settledAt: '2030-01-01T00:00:00.023Z',
      cancelRequestedAt: '2030-01-01T00:00:00.003Z',
      reason: 'user'
    })
    expect(witness.names(task)).toEqual(['queued', 'started', 'canceled', 'settled'])
  })

  it('C3 without a reason, `signal.reason` is the same TaskCanceledError that `result()` rejects with', async () => {
    const { clock, pool } = startedPool()
    let signal: AbortSignal | undefined
    const task = pool.queueTask((ctx) => {
      signal = ctx.signal
      return untilAborted(ctx)
    })
    await clock.turn()
    task.cancel()
    await clock.turn()
    const error = await rejection(task.result())
    expect(error).toBe(signal?.reason)
    expect(error).toBeInstanceOf(TaskCanceledError)
    expect(error).toMatchObject({ name: 'TaskCanceledError', id: task.id, reason: 'user' })
    expect(error).not.toHaveProperty('cause')
    await expect(rejection(task.result())).resolves.toBe(error)
  })

  it('C4 leaves the worker to a function that ignores it, and reports it: one event, and a gauge', async () => {
    const { clock, pool, witness } = startedPool({ concurrency: 1, stuckAfterMs: 500 })
    const end = gate<string>()
    const deaf = pool.queueTask(() => end.promise)
    const next = pool.queueTask(() => 'next')
    await clock.advance(10)
    deaf.cancel()
    await clock.advance(499)
    expect(witness.names(deaf)).toEqual(['queued', 'started'])
    expect(expectBalance(pool)).toMatchObject({ running: 1, queued: 1, stuck: 0 })

    await clock.advance(1)
    expect(witness.names(deaf)).toEqual(['queued', 'started', 'stuck'])
    expect(expectBalance(pool)).toMatchObject({ running: 1, queued: 1, stuck: 1 })
    expect(deaf.record()).toMatchObject({ state: 'running', cancelRequestedAt: '2030-01-01T00:00:00.010Z' })

    await clock.advance(100_000)
    expect(next.state).toBe('queued')
    expect(witness.names(deaf)).toEqual(['queued', 'started', 'stuck'])

    end.open('after all')
    await clock.turn()
    expect(pool.stats()).toMatchObject({ stuck: 0, peakRunning: 1 })
    await expect(deaf.result()).resolves.toBe('after all')
    await expect(next.result()).resolves.toBe('next')
    expect(deaf.record()).toMatchObject({ state: 'succeeded', cancelRequestedAt: '2030-01-01T00:00:00.010Z' })
    expect(deaf.record()).not.toHaveProperty('reason')
  })

  it('C4 measures stuck from the first request: a cancel after the time limit does not restart the wait', async () => {
    const { clock, pool, witness } = startedPool({ stuckAfterMs: 500 })
    const task = pool.queueTask(never, { timeoutMs: 100 })
    await clock.advance(100)
    await clock.advance(400)
    expect(task.cancel()).toBe(true)
    await clock.advance(99)
    expect(witness.names(task)).not.toContain('stuck')
    await clock.advance(1)
    expect(witness.names(task)).toEqual(['queued', 'started', 'stuck'])
  })

  it('C4 does not keep the process alive to report a stuck task', async () => {
    const { clock, pool } = startedPool({ stuckAfterMs: 500 })
    pool.queueTask(never).cancel() // not called yet: settles
    const task = pool.queueTask(never)
    await clock.turn()
    expect(clock.timers('alive')).toBe(0)
    task.cancel()
    expect(clock.timers('all')).toBeGreaterThan(0)
    expect(clock.timers('alive')).toBe(0)
  })

  it('C5 a function that ends before the cancel in the same turn has succeeded', async () => {
    const { clock, pool } = startedPool()
    const first = gate<string>()
    const task = pool.queueTask(() => first.promise)
    await clock.turn()
    first.open('done')
    expect(task.cancel()).toBe(true) // its function has ended, the pool is not notified yet
    expect(task.state).toBe('running')
    await clock.turn()
    expect(task.record()).toMatchObject({ state: 'succeeded', result: 'done', cancelRequestedAt: START })
    expect(task.record()).not.toHaveProperty('reason')
  })

  it('C5 a cancel before the end in the same turn does not affect a function that returns', async () => {
    const { clock, pool } = startedPool()
    const first = gate<string>()
    const task = pool.queueTask(() => first.promise)
    await clock.turn()
    expect(task.cancel()).toBe(true)
    first.open('done')
    await clock.turn()
    expect(task.record()).toMatchObject({ state: 'succeeded', result: 'done', cancelRequestedAt: START })
  })

  it('C5 a cancel in the microtask after the end comes too late', async () => {
    const { clock, pool } = startedPool()
    const first = gate<string>()
    const task = pool.queueTask(() => first.promise)
    await clock.turn()
    const answer = task.settled().then(() => task.cancel('late'))
    first.open('done')
    await expect(answer).resolves.toBe(false)
    expect(task.record()).not.toHaveProperty('cancelRequestedAt')
  })

  it.each(['text', 0, 1n, true, undefined, null, Symbol('value')])(
    'C5 a cancel in the microtask after a function returned %s comes too late',
    async (value) => {
      const { clock, pool } = startedPool()
      let answer: boolean | undefined
      const task = pool.queueTask(() => {
        queueMicrotask(() => {
          answer = task.cancel()
        })
        return value
      })
      await clock.turn()
      expect([answer, task.state]).toEqual([false, 'succeeded'])
    }
  )

  it('C5 the task has settled for code that awaits the promise of the function after the pool', async () => {
    const { clock, pool } = startedPool()
    const first = gate<string>()
    const task = pool.queueTask(() => first.promise)
    await clock.turn()
    const answer = first.promise.then(() => task.cancel())
    first.open('done')
    expect([await answer, task.state]).toEqual([false, 'succeeded'])
  })

  it('C6 returns the outcome of a cancel: canceled, requested each time, finished, unknown', async () => {
    const { clock, pool } = startedPool({ concurrency: 1 })
    const running = pool.queueTask(untilAborted)
    const queued = pool.queueTask(untilAborted)
    await clock.turn()
    expect(pool.cancel(queued.id, 'first')).toBe('canceled')
    expect(pool.cancel(queued.id, 'second')).toBe('finished')
    expect(queued.cancel('third')).toBe(false)
    expect(pool.cancel(running.id, 'first')).toBe('requested')
    expect(pool.cancel(running.id, 'second')).toBe('requested')
    expect(running.cancel('third')).toBe(false)
    await clock.turn()
    expect(pool.cancel(running.id)).toBe('finished')
    expect(running.cancel()).toBe(false)
    expect(pool.cancel('nobody')).toBe('unknown')
    for (const task of [running, queued]) {
      expect(task.record()).toMatchObject({ state: 'canceled', error: { message: 'first' } })
      expect(((await rejection(task.result())) as Error).cause).toBe('first')
    }
    expect(pool.stats().totals).toMatchObject({ canceled: 2, started: 1 })
  })

  it.each([
    ['a text', 'because', 'because'],
    ['an error', new RangeError('too far'), 'too far'],
    ['zero', 0, '0'],
    ['null', null, 'null'],
    ['not a number', Number.NaN, 'NaN'],
    ['a symbol', Symbol('why'), 'Symbol(why)'],
    ['false', false, 'false'],
    ['an object with a message', { message: 'from afar' }, 'from afar']
  ])(
    'C3 hands %s over as it is: `signal.reason`, `cause`, and its text in the record',
    async (_kind, given, message) => {
      const { clock, pool } = startedPool({ concurrency: 1 })
      const reasons: unknown[] = []
      const running = pool.queueTask((ctx) => {
        ctx.signal.addEventListener('abort', () => reasons.push(ctx.signal.reason))
        return untilAborted(ctx)
      })
      const queued = pool.queueTask(never)
      await clock.turn()
      running.cancel(given)
      queued.cancel(given)
      await clock.turn()
      expect(reasons).toEqual([given])
      for (const task of [running, queued]) {
        const error = (await rejection(task.result())) as Error
        expect(error).toBeInstanceOf(TaskCanceledError)
        expect('cause' in error).toBe(true)
        expect(Object.is(error.cause, given)).toBe(true)
        expect(task.record().error).toEqual({ name: 'TaskCanceledError', code: 'ERR_TASK_CANCELED', message })
      }
    }
  )

  it('C25 accepts the AbortError of the platform, whose cause is the reason', async () => {
    const { clock, pool } = startedPool()
    const reason = new Error('the client left')
    const task = pool.queueTask(({ signal }) => sleep(2 ** 31 - 1, undefined, { signal, ref: false }))
    await clock.turn()
    task.cancel(reason)
    await clock.turn()
    expect(task.state).toBe('canceled')
    expect(((await rejection(task.result())) as Error).cause).toBe(reason)
  })

  it('distinguishes its own reason from that of a task of the same id in another pool', async () => {
    const outer = startedPool()
    const inner = startedPool()
    outer.pool.queueTask(({ signal }) => inner.pool.queueTask(untilAborted, { id: 'same', signal }).result(), {
      id: 'same'
    })
    await outer.clock.turn()
    outer.pool.cancel('same')
    await outer.clock.turn()
    expect(outer.pool.task('same')?.record()).toMatchObject({ state: 'canceled', reason: 'user' })
    const error = (await rejection((inner.pool.task('same') as Task).result())) as TaskCanceledError
    expect(error.reason).toBe('signal')
    expect(error.cause).toMatchObject({ code: 'ERR_TASK_CANCELED', id: 'same', reason: 'user' })
    expect(inner.pool.task('same')?.record().reason).toBe('signal')
  })

  it('lets a listener of a canceled task cancel the others while the pool stops', async () => {
    const { clock, pool } = startedPool({ concurrency: 3 })
    const tasks = [1, 2, 3].map((n) => pool.queueTask(never, { id: `${n}` }))
    pool.on('canceled', () => {
      for (const task of tasks) task.cancel('all of them')
    })
    const stopped = pool.stop({ graceMs: 0, reason: 'closing' })
    await clock.turn()
    expect(statesOf(tasks)).toEqual(['canceled', 'canceled', 'canceled'])
    expect(await stopped).toMatchObject({
      reason: 'closing',
      canceled: 3,
      unstarted: { count: 1, ids: ['1'] },
      interrupted: { count: 0, ids: [] }
    })
    expect(pool.state).toBe('stopped')
  })
})

describe('the outcome', () => {
  const other = new Error('its own')
  const endings = {
    returns: () => 'done',
    'throws the reason on its signal': (signal: AbortSignal) => {
      throw signal.reason
    },
    'throws an error whose cause is the reason': (signal: AbortSignal) => {
      throw new Error('gave up', { cause: signal.reason })
    },
    'throws an AbortError': () => {
      throw new DOMException('aborted', 'AbortError')
    },
    'throws an object named AbortError': () => {
      throw { name: 'AbortError' }
    },
    'throws another error': () => {
      throw other
    }
  } as const
  const requests = {
    user: 'cancel()',
    signal: 'its own signal',
    pool_stopped: 'stop()',
    timeout: 'its time limit'
  } as const

  for (const [by, asked] of Object.entries(requests) as [keyof typeof requests, string][]) {
    for (const [does, end] of Object.entries(endings)) {
      const expected =
        does === 'returns' ? 'succeeded' : by === 'timeout' || does === 'throws another error' ? 'failed' : 'canceled'
      it(`a function that is aborted by ${asked} and ${does} has ${expected === 'canceled' ? 'been ' : ''}${expected}`, async () => {
        const { clock, pool, witness } = startedPool({ forceMs: 1_000, retry: { attempts: 3, backoffMs: 0 } })
        const controller = new AbortController()
        let reason: unknown
        const task = pool.queueTask(
          async ({ signal }) => {
            await new Promise((resolve) => signal.addEventListener('abort', resolve))
            reason = signal.reason
            return end(signal)
          },
          {
            signal: controller.signal,
            timeoutMs: by === 'timeout' ? 50 : Number.POSITIVE_INFINITY,
            ...(by === 'timeout' ? { retry: { attempts: 1, backoffMs: 0 } } : {})
          }
        )
        await clock.advance(50)
        if (by === 'user') task.cancel(new Error('why'))
        if (by === 'signal') controller.abort(new Error('why'))
        if (by === 'pool_stopped') void pool.stop({ graceMs: 0 })
        await clock.turn()

        expect(task.state).toBe(expected)
        expect(witness.names(task)).toEqual(['queued', 'started', expected, 'settled'])
        const record = task.record()
        expect(record.cancelRequestedAt).toBe(by === 'timeout' ? undefined : '2030-01-01T00:00:00.050Z')
        expect(record.reason).toBe(expected === 'canceled' ? by : undefined)
        if (expected === 'succeeded') return expect(await task.result()).toBe('done')
        const error = await rejection(task.result())
        if (does === 'throws another error') return expect(error).toBe(other)
        if (by === 'timeout') {
          expect(error).toBeInstanceOf(TaskTimeoutError)
          expect(error).toMatchObject({ code: 'ERR_TASK_TIMEOUT', id: task.id, timeoutMs: 50 })
          return expect(error).toBe(reason)
        }
        expect(error).toBeInstanceOf(TaskCanceledError)
        expect(error).toMatchObject({ reason: by, id: task.id })
        expect((error as Error).cause).toBe(reason)
        if (by === 'pool_stopped') expect(reason).toBeInstanceOf(PoolStoppedError)
        else expect(reason).toEqual(new Error('why'))
        expect(record.error).toEqual({
          name: 'TaskCanceledError',
          code: 'ERR_TASK_CANCELED',
          message: (reason as Error).message
        })
      })
    }
  }

  it('an error with another cause fails the task with that error, also after an abort', async () => {
    const { clock, pool } = startedPool()
    const own = new Error('broken', { cause: new Error('disk') })
    const task = pool.queueTask(async ({ signal }) => {
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
      throw own
    })
    await clock.turn()
    task.cancel()
    await clock.turn()
    expect(task.record()).toMatchObject({ state: 'failed', cancelRequestedAt: START, error: { message: 'broken' } })
    await expect(rejection(task.result())).resolves.toBe(own)
  })

  it('an AbortError without an abort is a failure like any other', async () => {
    const { clock, pool } = startedPool()
    const error = new DOMException('aborted', 'AbortError')
    const task = pool.queueTask(() => Promise.reject(error))
    await clock.turn()
    expect(task.state).toBe('failed')
    await expect(rejection(task.result())).resolves.toBe(error)
  })

  it('the first abort decides: a cancel after the time limit leaves the timeout, but rules out the retry', async () => {
    const { clock, pool, witness } = startedPool({ retry: { attempts: 5, backoffMs: 0 } })
    const end = gate()
    const reasons: unknown[] = []
    const task = pool.queueTask(
      async ({ signal }) => {
        await end.promise
        reasons.push(signal.reason)
        throw signal.reason
      },
      { timeoutMs: 100 }
    )
    await clock.advance(110)
    expect(task.cancel('too slow')).toBe(true)
    expect(task.cancel('again')).toBe(false)
    expect(pool.cancel(task.id)).toBe('requested')
    end.open()
    await clock.advance(1_000)
    expect(task.state).toBe('failed')
    expect(task.record()).toMatchObject({
      attempt: 1,
      cancelRequestedAt: '2030-01-01T00:00:00.110Z',
      error: { name: 'TaskTimeoutError', code: 'ERR_TASK_TIMEOUT' }
    })
    expect(task.record()).not.toHaveProperty('reason')
    await expect(rejection(task.result())).resolves.toBe(reasons[0])
    expect(reasons[0]).toBeInstanceOf(TaskTimeoutError)
    expect(witness.names(task)).toEqual(['queued', 'started', 'failed', 'settled'])
  })

  it('the first abort decides: an AbortError after the time limit and a cancel is the timeout’s', async () => {
    const { clock, pool } = startedPool()
    const end = gate()
    const task = pool.queueTask(
      () =>
        end.promise.then(() => {
          throw new DOMException('aborted', 'AbortError')
        }),
      { timeoutMs: 100 }
    )
    await clock.advance(100)
    task.cancel('too late')
    end.open()
    await clock.turn()
    expect(task.record()).toMatchObject({ state: 'failed', error: { code: 'ERR_TASK_TIMEOUT' } })
    expect(task.record()).not.toHaveProperty('reason')
  })

  it('the first abort decides: a time limit that passes after the cancel changes nothing', async () => {
    const { clock, pool } = startedPool()
    const end = gate()
    const task = pool.queueTask(
      async ({ signal }) => {
        await end.promise
        throw signal.reason
      },
      { timeoutMs: 100 }
    )
    await clock.advance(90)
    task.cancel('enough')
    await clock.advance(1_000)
    end.open()
    await clock.turn()
    expect(task.record()).toMatchObject({ state: 'canceled', reason: 'user', error: { message: 'enough' } })
  })

  it('the first abort decides: of its signal and a cancel, whichever came first is the reason', async () => {
    const { clock, pool } = startedPool({ concurrency: 2 })
    const controllers = [new AbortController(), new AbortController()]
    const [bySignal, byUser] = controllers.map(({ signal }) => pool.queueTask(untilAborted, { signal })) as [
      Task<never>,
      Task<never>
    ]
    await clock.turn()
    controllers[0]?.abort('signal first')
    expect(bySignal.cancel('user second')).toBe(false)
    expect(byUser.cancel('user first')).toBe(true)
    controllers[1]?.abort('signal second')
    await clock.turn()
    expect(bySignal.record()).toMatchObject({ reason: 'signal', error: { message: 'signal first' } })
    expect(byUser.record()).toMatchObject({ reason: 'user', error: { message: 'user first' } })
  })

  it('the first abort decides: a cancel after the end of a stop’s grace is not the first', async () => {
    const { clock, pool } = startedPool({ forceMs: 1_000 })
    const end = gate()
    const task = pool.queueTask(async ({ signal }) => {
      await end.promise
      throw signal.reason
    })
    await clock.turn()
    const stopped = pool.stop({ graceMs: 100 })
    await clock.advance(100)
    expect(task.cancel('me too')).toBe(false)
    expect(pool.cancel(task.id)).toBe('requested')
    end.open()
    await clock.turn()
    expect(task.record()).toMatchObject({ reason: 'pool_stopped', cancelRequestedAt: '2030-01-01T00:00:00.100Z' })
    expect(await stopped).toMatchObject({ canceled: 1, aborted: { count: 1, ids: [task.id] } })
  })

  it('a timed-out attempt is retried, each time with its own limit and signal', async () => {
    const { clock, pool, witness } = startedPool({ taskTimeoutMs: 100, retry: { attempts: 2, backoffMs: () => 10 } })
    const signals: AbortSignal[] = []
    const task = pool.queueTask((ctx) => {
      signals.push(ctx.signal)
      return untilAborted(ctx)
    })
    await clock.advance(100)
    expect(witness.names(task)).toEqual(['queued', 'started', 'retrying'])
    expect(witness.told.at(-1)?.args[1]).toEqual({ error: signals[0]?.reason, delayMs: 10 })
    await clock.advance(10)
    expect(task.record()).toMatchObject({ state: 'running', attempt: 2 })
    await clock.advance(99)
    expect(signals[1]?.aborted).toBe(false)
    await clock.advance(1)
    expect(signals).toHaveLength(2)
    expect(new Set(signals).size).toBe(2)
    expect(task.record()).toMatchObject({ state: 'failed', attempt: 2, error: { code: 'ERR_TASK_TIMEOUT' } })
    expect(task.record()).not.toHaveProperty('cancelRequestedAt')
    await expect(rejection(task.result())).resolves.toBe(signals[1]?.reason)
  })
})

describe('signals', () => {
  it('C7 refuses a signal that has already aborted with its reason, before admission: no listener, no event, no count', async () => {
    const { clock, pool, witness } = startedPool({ concurrency: 1, queueCapacity: 0 })
    const reason = new Error('too late')
    const signal = AbortSignal.abort(reason)
    expect(thrown(() => pool.queueTask(never, { signal }))).toBe(reason)
    expect(await rejection(pool.queueTaskWhenFree(never, { signal }))).toBe(reason)
    expect(await rejection(pool.queueTaskWhenFree(never, { waitSignal: signal }))).toBe(reason)
    pool.queueTask(never)
    expect(thrown(() => pool.queueTask(never, { signal }))).toBe(reason) // not: the pool is full
    expect(await rejection(pool.queueTaskWhenFree(never, { signal }))).toBe(reason)
    expect(await rejection(pool.drain({ signal }))).toBe(reason)
    await clock.turn()
    expect(listenersOn(signal)).toBe(0)
    expect(witness.names()).toEqual(['queued', 'started'])
    expect(expectBalance(pool).totals).toMatchObject({ submitted: 1, refused: 0, accepted: 1 })
  })

  it('cancels a queued task at once and aborts the signal of a running one, with the reason of the given signal', async () => {
    const { clock, pool, witness } = startedPool({ concurrency: 1 })
    const controller = new AbortController()
    const reason = new Error('page closed')
    const running = pool.queueTask(untilAborted, { signal: controller.signal })
    const queued = pool.queueTask(never, { signal: controller.signal })
    await clock.advance(2)
    controller.abort(reason)
    expect(statesOf([running, queued])).toEqual(['running', 'canceled'])
    await clock.turn()
    for (const task of [running, queued]) {
      const error = await rejection(task.result())
      expect(error).toBeInstanceOf(TaskCanceledError)
      expect(error).toMatchObject({ reason: 'signal', id: task.id, cause: reason })
      expect(task.record()).toMatchObject({
        state: 'canceled',
        reason: 'signal',
        cancelRequestedAt: '2030-01-01T00:00:00.002Z',
        error: { message: 'page closed' }
      })
    }
    expect(witness.names(running)).toEqual(['queued', 'started', 'canceled', 'settled'])
    expect(witness.names(queued)).toEqual(['queued', 'canceled', 'settled'])
    expect(listenersOn(controller.signal)).toBe(0)
  })

  it('C9 C11 shares one listener on one signal among ten thousand tasks, waits and drains', async () => {
    const { clock, pool } = startedPool({ concurrency: 10, queueCapacity: 9_990, waiterCapacity: 100 })
    const controller = new AbortController()
    const { signal } = controller
    const tasks = Array.from({ length: 10_000 }, () => pool.queueTask(untilAborted, { signal }))
    const waits = Array.from({ length: 100 }, (_, n) =>
      pool.queueTaskWhenFree(never, n % 2 === 0 ? { signal } : { waitSignal: signal })
    )
    const drains = Array.from({ length: 100 }, () => pool.drain({ signal }))
    const ended = Promise.all([...waits, ...drains].map(rejection))
    await clock.turn()
    expect(listenersOn(signal)).toBe(1)
    expect(pool.stats()).toMatchObject({ running: 10, queued: 9_990, waiting: 100 })

    controller.abort('closed')
    await clock.turn()
    expect(new Set(await ended)).toEqual(new Set(['closed']))
    expect(new Set(statesOf(tasks))).toEqual(new Set(['canceled']))
    expect(listenersOn(signal)).toBe(0)
    expect(expectBalance(pool)).toMatchObject({ running: 0, queued: 0, waiting: 0 })
  })

  it('C10 leaves no listener on a long-lived signal once its tasks have settled, with any outcome', async () => {
    const { clock, pool } = startedPool({ concurrency: 100, queueCapacity: 10_000 })
    const { signal } = new AbortController()
    const endings = [
      () => 'well',
      () => Promise.reject(new Error('badly')),
      async () => 'later',
      ({ signal }: TaskContext) => signal.aborted
    ]
    const tasks = Array.from({ length: 10_000 }, (_, n) => pool.queueTask(endings[n % 4] as () => unknown, { signal }))
    for (let n = 0; n < tasks.length; n += 5) tasks[n]?.cancel()
    await pool.drain()
    await clock.turn()
    expect(listenersOn(signal)).toBe(0)
    expect(pool.stats().totals).toMatchObject({ accepted: 10_000, canceled: 2_000, failed: 2_000, succeeded: 6_000 })
  })

  it('listens again when a signal is reused after the last of its tasks has settled', async () => {
    const { clock, pool } = startedPool()
    const controller = new AbortController()
    for (let round = 0; round < 3; round++) {
      const task = pool.queueTask(() => round, { signal: controller.signal })
      expect(listenersOn(controller.signal)).toBe(1)
      await task.settled()
      expect(listenersOn(controller.signal)).toBe(0)
    }
    const task = pool.queueTask(untilAborted, { signal: controller.signal })
    await clock.turn()
    controller.abort()
    await clock.turn()
    expect(task.state).toBe('canceled')
  })

  it('keeps listening while a task waits for its retry, and cancels it there', async () => {
    const { clock, pool } = startedPool()
    const controller = new AbortController()
    const task = pool.queueTask(() => Promise.reject(new Error('again')), {
      signal: controller.signal,
      retry: { attempts: 2, backoffMs: () => 1_000 }
    })
    await clock.advance(10)
    expect(listenersOn(controller.signal)).toBe(1)
    controller.abort('gone')
    expect(task.record()).toMatchObject({
      state: 'canceled',
      reason: 'signal',
      attempt: 1,
      cancelRequestedAt: '2030-01-01T00:00:00.010Z'
    })
    expect(listenersOn(controller.signal)).toBe(0)
    expect(clock.timers('alive')).toBe(0)
  })

  it.each(['signal', 'waitSignal'] as const)(
    'A19 never grants a waiter whose %s has aborted, even if the same abort freed the place',
    async (option) => {
      const { clock, pool } = startedPool({ concurrency: 1, queueCapacity: 1, waiterCapacity: 2 })
      const controller = new AbortController()
      const { signal } = controller
      let called = false
      pool.queueTask(never)
      const queued = pool.queueTask(never, { signal })
      const leaving = rejection(
        pool.queueTaskWhenFree(
          () => {
            called = true
          },
          { [option]: signal }
        )
      )
      const next = pool.queueTaskWhenFree(never, { name: 'next' })
      await clock.turn()
      controller.abort('closed')
      expect(queued.state).toBe('canceled')
      expect(await leaving).toBe('closed')
      expect((await next).name).toBe('next')
      await clock.turn()
      expect(listenersOn(signal)).toBe(0)
      expect(called).toBe(false)
      expect(expectBalance(pool)).toMatchObject({ running: 1, queued: 1, waiting: 0, totals: { refused: 1 } })
    }
  )

  it('C12 works although another listener on the same signal throws', async () => {
    const { clock, pool } = startedPool({ concurrency: 1 })
    const controller = new AbortController()
    const broken = new Error('in a listener of the user')
    const throwing = () => {
      throw broken
    }
    controller.signal.addEventListener('abort', throwing)
    const running = pool.queueTask(untilAborted, { signal: controller.signal })
    const queued = pool.queueTask(never, { signal: controller.signal })
    controller.signal.addEventListener('abort', throwing)
    await clock.turn()
    const caught = await uncaughtIn('uncaughtException', () => controller.abort())
    expect(caught).toEqual([broken])
    expect(statesOf([running, queued])).toEqual(['canceled', 'canceled'])
    expect(listenersOn(controller.signal)).toBe(1) // the listener of the user
  })

  it('C12 a listener on `ctx.signal` that throws is an uncaught exception, and harms no other task', async () => {
    const { clock, pool } = startedPool({ concurrency: 2, forceMs: 10 })
    const broken = new Error('in a listener of the task')
    const first = pool.queueTask((ctx) => {
      ctx.signal.addEventListener('abort', () => {
        throw broken
      })
      return untilAborted(ctx)
    })
    const second = pool.queueTask(untilAborted)
    await clock.turn()
    const caught = await uncaughtIn('uncaughtException', () => void pool.stop({ graceMs: 0 }))
    expect(caught).toEqual([broken])
    expect(statesOf([first, second])).toEqual(['canceled', 'canceled'])
    expect(pool.state).toBe('stopped')
  })

  it('accepts a foreign signal without reason and throwIfAborted', async () => {
    const { clock, pool } = startedPool()
    class OldSignal extends EventTarget {
      aborted = false
    }
    const signal = new OldSignal()
    const task = pool.queueTask(untilAborted, { signal: signal as AbortSignal })
    await clock.turn()
    signal.aborted = true
    signal.dispatchEvent(new Event('abort'))
    await clock.turn()
    expect(task.record()).toMatchObject({ state: 'canceled', reason: 'signal' })
  })
})

describe('limits', () => {
  it('C14 a function that returns after its timeout has succeeded', async () => {
    const { clock, pool, witness } = startedPool({ stuckAfterMs: 10 })
    const end = gate<string>()
    const task = pool.queueTask(() => end.promise, { timeoutMs: 100 })
    await clock.advance(200)
    expect(expectBalance(pool)).toMatchObject({ running: 1, stuck: 1 })
    end.open('late')
    await clock.turn()
    expect(task.record()).toMatchObject({ state: 'succeeded', result: 'late', attempt: 1 })
    expect(task.record()).not.toHaveProperty('cancelRequestedAt')
    expect(witness.names(task)).toEqual(['queued', 'started', 'stuck', 'succeeded', 'settled'])
  })

  it('C14 a function that never ends keeps its worker after its timeout', async () => {
    const { clock, pool, witness } = startedPool({ concurrency: 1, stuckAfterMs: 10 })
    const task = pool.queueTask(never, { timeoutMs: 100 })
    const next = pool.queueTask(never)
    await clock.advance(1_000_000)
    expect(statesOf([task, next])).toEqual(['running', 'queued'])
    expect(witness.names(task)).toEqual(['queued', 'started', 'stuck'])
    expect(pool.stats()).toMatchObject({ stuck: 1, peakRunning: 1 })
  })

  it('C14 keeps the process alive until the time limit, not until it counts as stuck', async () => {
    const { clock, pool } = startedPool()
    pool.queueTask(never, { timeoutMs: 100 })
    await clock.advance(99)
    expect([clock.timers(), clock.timers('alive')]).toEqual([1, 1])
    await clock.advance(1)
    expect([clock.timers(), clock.timers('alive')]).toEqual([1, 0])
  })

  it('C15 measures `timeoutMs` from the start of the attempt, not in the queue', async () => {
    const { clock, pool } = startedPool({ concurrency: 1 })
    const blocker = pool.queueTask(untilAborted)
    const reasons: unknown[] = []
    const task = pool.queueTask(
      (ctx) => {
        ctx.signal.addEventListener('abort', () => reasons.push(ctx.signal.reason))
        return untilAborted(ctx)
      },
      { timeoutMs: 100 }
    )
    await clock.advance(10_000)
    blocker.cancel()
    await clock.advance(99)
    expect(task.state).toBe('running')
    await clock.advance(1)
    expect(task.record()).toMatchObject({
      state: 'failed',
      queuedAt: START,
      startedAt: '2030-01-01T00:00:10.000Z',
      settledAt: '2030-01-01T00:00:10.100Z'
    })
    expect(reasons).toHaveLength(1)
    expect(reasons[0]).toBeInstanceOf(TaskTimeoutError)
    expect(reasons[0]).toMatchObject({ code: 'ERR_TASK_TIMEOUT', id: task.id, timeoutMs: 100 })
  })

  it('uses `timeoutMs` of the task instead of the default of the pool, also 0 and Infinity', async () => {
    const { clock, pool } = startedPool({ concurrency: 4, taskTimeoutMs: 100 })
    const tasks = [undefined, 0, 50, Number.POSITIVE_INFINITY].map((timeoutMs) =>
      pool.queueTask(untilAborted, { timeoutMs })
    )
    await clock.advance(0)
    expect(statesOf(tasks)).toEqual(['running', 'failed', 'running', 'running'])
    await clock.advance(50)
    expect(statesOf(tasks)).toEqual(['running', 'failed', 'failed', 'running'])
    await clock.advance(50)
    expect(statesOf(tasks)).toEqual(['failed', 'failed', 'failed', 'running'])
    await clock.advance(10_000_000)
    expect(tasks[3]?.state).toBe('running')
    expect(await rejection((tasks[1] as Task).result())).toMatchObject({ timeoutMs: 0 })
  })

  it('supports limits beyond the longest timer of the platform without firing early', async () => {
    const { clock, pool } = startedPool()
    const task = pool.queueTask(untilAborted, { timeoutMs: 2 ** 31 + 1_000 })
    await clock.advance(2 ** 31 + 999)
    expect(task.state).toBe('running')
    await clock.advance(1)
    expect(task.state).toBe('failed')
  })

  it('C16 cancels a task that waited longer than `queueTimeoutMs` and never calls it', async () => {
    const { clock, pool, witness } = startedPool({ concurrency: 1, queueCapacity: 2, queueTimeoutMs: 300 })
    const blocker = pool.queueTask(untilAborted)
    const calls: string[] = []
    const byPool = pool.queueTask(() => calls.push('pool'))
    const byTask = pool.queueTask(() => calls.push('task'), { queueTimeoutMs: 100 })
    expect(() => pool.queueTask(never)).toThrow(QueueFullError)
    await clock.advance(99)
    expect(byTask.state).toBe('queued')
    await clock.advance(1)
    expect(byTask.record()).toEqual({
      id: byTask.id,
      state: 'canceled',
      attempt: 0,
      revision: 2,
      queuedAt: START,
      settledAt: '2030-01-01T00:00:00.100Z',
      expiresAt: '2030-01-01T00:10:00.100Z',
      reason: 'queue_timeout',
      error: { name: 'TaskCanceledError', code: 'ERR_TASK_CANCELED', message: expect.stringContaining('queue_timeout') }
    })
    expect(await rejection(byTask.result())).toMatchObject({ reason: 'queue_timeout', id: byTask.id })
    const patient = pool.queueTask(() => calls.push('patient'), { queueTimeoutMs: Number.POSITIVE_INFINITY })
    await clock.advance(200)
    expect(byPool.record()).toMatchObject({ state: 'canceled', reason: 'queue_timeout' })
    await clock.advance(1_000)
    expect(blocker.state).toBe('running') // it had not waited
    blocker.cancel()
    await clock.turn()
    expect(calls).toEqual(['patient'])
    expect(patient.state).toBe('succeeded')
    expect(witness.names(byTask)).toEqual(['queued', 'canceled', 'settled'])
  })

  it('C16 keeps the process alive until `queueTimeoutMs` has passed', async () => {
    const { clock, pool } = watchedPool({ queueTimeoutMs: 100 })
    const task = pool.queueTask(never)
    expect(clock.timers('alive')).toBe(1)
    await clock.advance(100)
    expect([task.state, clock.timers('alive')]).toEqual(['canceled', 0])
  })

  it('C16 limits the wait until the first start only: neither the run nor the wait for a retry', async () => {
    const { clock, pool } = startedPool({ concurrency: 1, queueTimeoutMs: 100 })
    const first = pool.queueTask(untilAborted)
    let calls = 0
    const task = pool.queueTask(
      () => {
        if (++calls === 1) throw new Error('once')
        return calls
      },
      { retry: { attempts: 2, backoffMs: () => 500 } }
    )
    await clock.advance(99)
    first.cancel()
    await clock.advance(0)
    const blocker = pool.queueTask(untilAborted)
    await clock.advance(1_000)
    expect(task.state).toBe('queued')
    expect(pool.stats()).toMatchObject({ queued: 1, delayed: 0 })
    blocker.cancel()
    await clock.turn()
    expect(await task.result()).toBe(2)
  })

  it('C17 clears every timer of a task when it succeeds, fails or is canceled', async () => {
    const { clock, pool } = startedPool({
      taskTimeoutMs: 1_000,
      queueTimeoutMs: 1_000,
      retention: { ms: Number.POSITIVE_INFINITY }
    })
    pool.queueTask(() => 1)
    pool.queueTask(() => Promise.reject(new Error('no')))
    pool.queueTask(untilAborted)
    const last = pool.queueTask(never)
    await clock.turn()
    expect(clock.timers('alive')).toBe(1)
    last.cancel()
    for (const task of pool.tasks({ state: 'running' })) task.cancel()
    await clock.turn()
    expect(pool.stats()).toMatchObject({ running: 0, queued: 0 })
    expect(clock.timers('alive')).toBe(0)
  })

  it('C19 uses the monotonic clock when the wall clock jumps a day', async () => {
    const { clock, pool } = startedPool({ concurrency: 2 })
    const limited = pool.queueTask(untilAborted, { timeoutMs: 1_000 })
    let calls = 0
    const retried = pool.queueTask(
      () => {
        if (++calls === 1) throw new Error('once')
      },
      { retry: { attempts: 2, backoffMs: () => 500 } }
    )
    await clock.advance(100)
    clock.stepWall(86_400_000)
    await clock.advance(399)
    expect(calls).toBe(1)
    await clock.advance(1)
    expect(calls).toBe(2)
    clock.stepWall(-2 * 86_400_000)
    await clock.advance(499)
    expect(limited.state).toBe('running')
    await clock.advance(1)
    expect(limited.record()).toMatchObject({
      state: 'failed',
      queuedAt: START,
      startedAt: START,
      settledAt: '2030-01-01T00:00:01.000Z'
    })
    expect(retried.record()).toMatchObject({
      state: 'succeeded',
      queuedAt: START,
      settledAt: '2030-01-01T00:00:00.500Z'
    })
    expect(pool.stats().runMs.max).toBeLessThan(1_100)
  })

  it('C21 applies limits late that became due while the loop was blocked, and loses none', async () => {
    const { clock, pool } = startedPool({ concurrency: 2, stuckAfterMs: 1_000_000 })
    const limited = pool.queueTask(untilAborted, { timeoutMs: 1_000 })
    let calls = 0
    const retried = pool.queueTask(
      () => {
        if (++calls === 1) throw new Error('once')
      },
      { retry: { attempts: 2, backoffMs: () => 2_000 } }
    )
    await clock.turn()
    const deaf = pool.queueTask(never)
    const impatient = pool.queueTask(never, { queueTimeoutMs: 3_000 })
    await clock.turn()
    clock.block(5_000)
    expect(statesOf([limited, retried, deaf, impatient])).toEqual(['running', 'queued', 'running', 'queued'])
    await clock.advance(0)
    expect(statesOf([limited, deaf, impatient])).toEqual(['failed', 'running', 'canceled'])
    expect(retried.state).toBe('succeeded')
    expect(calls).toBe(2)
    expect(expectBalance(pool).totals).toMatchObject({ accepted: 4, succeeded: 1, failed: 1, canceled: 1 })
  })
})

describe('the context of a task', () => {
  it('may be destructured, and has the fields of its task', async () => {
    const { clock, pool } = startedPool({ retry: { attempts: 2, backoffMs: 0 } })
    const seen: unknown[] = []
    const metadata = { tenant: 'acme' }
    const task = pool.queueTask(
      ({ id, name, key, attempt, signal, stopping, metadata, progress }) => {
        progress(0.5, 'half')
        seen.push({ id, name, key, attempt, metadata, aborted: [signal.aborted, stopping.aborted] })
        if (attempt === 1) throw new Error('again')
      },
      { name: 'render', key: 'acme', id: 'ticket', metadata }
    )
    metadata.tenant = 'changed'
    await clock.advance(100)
    const common = { id: 'ticket', name: 'render', key: 'acme', metadata: { tenant: 'acme' }, aborted: [false, false] }
    expect(seen).toEqual([
      { ...common, attempt: 1 },
      { ...common, attempt: 2 }
    ])
    expect(task.record()).toMatchObject({ state: 'succeeded', progress: { ratio: 0.5, message: 'half' } })
  })

  it('creates its signals when they are first read', async () => {
    const { clock, pool } = startedPool({ concurrency: 4, forceMs: 0 })
    const Real = globalThis.AbortController
    let made = 0
    globalThis.AbortController = class extends Real {
      constructor() {
        super()
        made++
      }
    }
    try {
      pool.queueTask(() => 'no look', { timeoutMs: 10 })
      pool.queueTask(never, { timeoutMs: 10 })
      await clock.advance(10)
      expect(made).toBe(0)
      pool.queueTask(({ signal }) => [signal, signal])
      await clock.turn()
      expect(made).toBe(1)
      pool.queueTask((ctx) => expect(ctx.stopping).toBe(ctx.stopping))
      await clock.turn()
      expect(made).toBe(2)
    } finally {
      globalThis.AbortController = Real
    }
  })

  it('has an aborted signal if it is first read after the abort', async () => {
    const { clock, pool } = startedPool({ forceMs: 1_000 })
    const look = gate()
    const seen: unknown[] = []
    const task = pool.queueTask(async (ctx) => {
      await look.promise
      seen.push(ctx.signal.aborted, ctx.signal.reason, ctx.stopping.aborted)
      ctx.signal.throwIfAborted()
    })
    await clock.turn()
    task.cancel('while nobody looked')
    look.open()
    await clock.turn()
    expect(seen).toEqual([true, 'while nobody looked', false])
    expect(task.state).toBe('canceled')
  })

  it('aborts `stopping` before `stop()` returns, `signal` at the end of the grace', async () => {
    const { clock, pool } = startedPool({ forceMs: 1_000 })
    const contexts: TaskContext[] = []
    const task = pool.queueTask((ctx) => {
      contexts.push(ctx)
      ctx.stopping.addEventListener('abort', () => ctx.progress(0.3, 'checkpoint'))
      return untilAborted(ctx)
    })
    await clock.turn()
    const [ctx] = contexts as [TaskContext]
    const stopped = pool.stop({ graceMs: 500, reason: 'deploy' })
    expect([ctx.stopping.aborted, ctx.signal.aborted]).toEqual([true, false])
    expect(ctx.stopping.reason).toBeInstanceOf(PoolStoppedError)
    expect(ctx.stopping.reason).toMatchObject({ state: 'stopping', cause: 'deploy' })
    expect(task.record().progress).toEqual({ ratio: 0.3, message: 'checkpoint' })
    await clock.advance(499)
    expect(ctx.signal.aborted).toBe(false)
    await clock.advance(1)
    expect(ctx.signal.reason).toBeInstanceOf(PoolStoppedError)
    expect(await stopped).toMatchObject({ reason: 'deploy', canceled: 1, aborted: { count: 1, ids: [task.id] } })
  })

  it('has an aborted `stopping` for a task that starts in the grace', async () => {
    const { clock, pool } = startedPool({ concurrency: 1, forceMs: 1_000 })
    const first = gate()
    pool.queueTask(() => first.promise)
    const late = pool.queueTask(({ stopping, signal }) => [stopping.aborted, signal.aborted])
    await clock.turn()
    void pool.stop({ graceMs: 500 })
    first.open()
    await clock.turn()
    expect(await late.result()).toEqual([true, false])
  })

  it('stores progress at once, and emits it once per turn', async () => {
    const { clock, pool, witness } = startedPool()
    const contexts: TaskContext[] = []
    const task = pool.queueTask((ctx) => {
      contexts.push(ctx)
      return never()
    })
    await clock.turn()
    const [{ progress }] = contexts as [TaskContext]
    const before = task.record().revision
    expect(task.record()).not.toHaveProperty('progress')
    for (let n = 1; n <= 100; n++) {
      progress(n / 100, `step ${n}`)
      expect(task.record()).toMatchObject({ revision: before, progress: { ratio: n / 100, message: `step ${n}` } })
    }
    expect(witness.names(task)).toEqual(['queued', 'started'])
    await clock.turn()
    expect(witness.names(task)).toEqual(['queued', 'started', 'progress'])
    expect(task.record()).toMatchObject({ revision: before + 1, progress: { ratio: 1, message: 'step 100' } })
    progress(0.2)
    await clock.turn()
    expect(witness.names(task)).toEqual(['queued', 'started', 'progress', 'progress'])
    expect(task.record()).toMatchObject({ revision: before + 2 })
    expect(task.record().progress).toStrictEqual({ ratio: 0.2 })
  })

  it.each([
    [0.25, 0.25],
    [0, 0],
    [-0, 0],
    [1, 1],
    [1.5, 1],
    [Number.POSITIVE_INFINITY, 1],
    [-1, 0],
    [Number.NEGATIVE_INFINITY, 0],
    [Number.NaN, 0]
  ])('cuts a ratio of %s to %s', async (given, kept) => {
    const { clock, pool } = startedPool()
    const task = pool.queueTask(({ progress }) => progress(given, 'x'.repeat(3_000)))
    await clock.turn()
    expect(task.record().progress).toEqual({ ratio: kept, message: 'x'.repeat(2_000) })
  })

  it.each([
    ['ratio', ['0.5'], /^Expected `ratio` to be .*number.*, got `"0\.5"` \(string\)$/],
    ['ratio', [undefined], /^Expected `ratio` to be .*number.*, got `undefined` \(undefined\)$/],
    ['ratio', [null], /^Expected `ratio` to be .*number.*, got `null` \(null\)$/],
    ['ratio', [1n], /^Expected `ratio` to be .*number.*, got `1` \(bigint\)$/],
    ['message', [0.5, 5], /^Expected `message` to be .*string.*, got `5` \(number\)$/],
    ['message', [0.5, null], /^Expected `message` to be .*string.*, got `null` \(null\)$/]
  ])('refuses a wrong %s by name (%#)', async (_what, args, message) => {
    const { clock, pool } = startedPool()
    const task = pool.queueTask(({ progress }) => (progress as (...args: unknown[]) => void)(...(args as unknown[])))
    await clock.turn()
    const error = await rejection(task.result())
    expect(error).toBeInstanceOf(TypeError)
    expect((error as Error).message).toMatch(message)
    expect((error as Error).message).not.toMatch(/milliseconds|256/)
    expect(task.record()).not.toHaveProperty('progress')
  })

  it('emits no progress once its task has ended in the same turn; the value stays', async () => {
    const { clock, pool, witness } = startedPool()
    const task = pool.queueTask(({ progress }) => progress(0.9))
    await clock.turn()
    expect(witness.names(task)).toEqual(['queued', 'started', 'succeeded', 'settled'])
    expect(task.record()).toMatchObject({ revision: 4, progress: { ratio: 0.9 } })
  })

  it('emits no progress once the next attempt has begun in the same turn', async () => {
    const { clock, pool, witness } = startedPool()
    const task = pool.queueTask(
      ({ attempt, progress }) => {
        if (attempt === 2) return never()
        progress(0.9)
        throw new Error('again')
      },
      { retry: { attempts: 2, backoffMs: () => 0 } }
    )
    await microtasks()
    clock.tick(0)
    await microtasks()
    const { attempt, revision } = task.record()
    expect(attempt).toBe(2)
    await clock.turn()
    expect(witness.names(task)).toEqual(['queued', 'started', 'retrying', 'started'])
    expect(task.record().revision).toBe(revision)
  })

  it('ignores progress of an attempt that has ended', async () => {
    const { clock, pool, witness } = startedPool()
    const contexts: TaskContext[] = []
    const retried = pool.queueTask(
      (ctx) => {
        contexts.push(ctx)
        ctx.progress(0.9)
        if (ctx.attempt === 1) throw new Error('again')
        return never()
      },
      { retry: { attempts: 2, backoffMs: () => 100 } }
    )
    await clock.turn()
    expect(retried.record()).not.toHaveProperty('progress') // cleared with the attempt
    contexts[0]?.progress(0.1)
    expect(retried.record()).not.toHaveProperty('progress')
    await clock.advance(100)
    expect(retried.record().progress).toEqual({ ratio: 0.9 })
    contexts[0]?.progress(0.1)
    await clock.turn()
    expect(retried.record().progress).toEqual({ ratio: 0.9 })
    expect(witness.names(retried)).toEqual(['queued', 'started', 'retrying', 'started', 'progress'])
    retried.cancel()
    expect(contexts[1]?.signal.aborted).toBe(true)
    expect(contexts[0]?.signal.aborted).toBe(false)
  })
})

describe('before the pool has started', () => {
  it('a task can be canceled, by a call or by its signal, and its place is free', async () => {
    const { clock, pool } = watchedPool({ concurrency: 1, queueCapacity: 2 })
    const controller = new AbortController()
    const first = pool.queueTask(never)
    const second = pool.queueTask(never, { signal: controller.signal })
    expect(() => pool.queueTask(never)).toThrow(QueueFullError)
    first.cancel()
    controller.abort()
    expect(statesOf([first, second])).toEqual(['canceled', 'canceled'])
    const third = pool.queueTask(() => 3)
    pool.start()
    await clock.turn()
    expect(third.state).toBe('succeeded')
    expect(pool.stats().totals).toMatchObject({ started: 1, canceled: 2 })
  })
})
