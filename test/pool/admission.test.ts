import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import {
  DuplicateTaskError,
  PoolStoppedError,
  QueueFullError,
  type Task,
  type TaskOptions,
  WaitFullError,
  WorkerPool
} from '../../src/index.js'
import { expectBalance, Witness } from '../support/books.js'
import { gate } from '../support/gate.js'
import { ManualClock, microtasks } from '../support/manual-clock.js'
import { listenersOn, never, thrown, untilAborted, watchedPool } from '../support/pools.js'

/** A pool with one worker and a queue of one, not started. */
const make = (options: Parameters<typeof watchedPool>[0] = {}) => watchedPool({ queueCapacity: 1, ...options })

describe('the bound', () => {
  it('A1 refuses the task beyond concurrency + queueCapacity and leaves nothing behind', async () => {
    const { clock, pool, witness } = make({ concurrency: 2, queueCapacity: 3 })
    pool.start()
    const tasks = Array.from({ length: 5 }, () => pool.queueTask(never))
    await clock.turn()
    const before = pool.stats()
    const timers = clock.timers()
    const { signal } = new AbortController()
    let called = 0
    const options: TaskOptions = {
      id: 'one-too-many',
      name: 'late',
      key: 'a key',
      timeoutMs: 10,
      queueTimeoutMs: 10,
      signal,
      metadata: { a: 1 }
    }

    const error = thrown(() => pool.queueTask(() => called++, options))

    expect(error).toBeInstanceOf(QueueFullError)
    expect(error).toMatchObject({
      name: 'QueueFullError',
      code: 'ERR_QUEUE_FULL',
      concurrency: 2,
      queueCapacity: 3,
      running: 2,
      queued: 3,
      retryAfterMs: 1_000,
      message: 'The pool is full: 2 of 2 running, 3 of 3 queued. Try again in 1000 ms, or answer 503.'
    })
    expect(pool.stats()).toEqual({
      ...before,
      totals: { ...before.totals, submitted: 6, refused: 1 }
    })
    expect(pool.task('one-too-many')).toBeUndefined()
    expect(pool.tasks()).toEqual(tasks.toReversed())
    expect(listenersOn(signal)).toBe(0)
    expect(clock.timers()).toBe(timers)
    expect(witness.names().slice(-1)).toEqual(['refused'])
    expect(witness.told.at(-1)?.args).toEqual([{ error, name: 'late', key: 'a key' }])
    await clock.advance(1_000)
    expect(called).toBe(0)
  })

  it('A1 refuses with an error that names the line of the caller, and captures no other stack within a second', () => {
    const { clock, pool } = make({ queueCapacity: 0 })
    const refused = (): QueueFullError => thrown(() => pool.queueTask(never)) as QueueFullError
    const first = refused()
    expect(first.stack).toContain(`QueueFullError: ${first.message}\n`)
    expect(first.stack).toContain('admission.test')
    for (let n = 0; n < 3; n++) {
      const error = refused()
      expect(error.stack).toBe(`QueueFullError: ${error.message}`)
    }
    expect(Error.stackTraceLimit).toBeGreaterThan(0)
    clock.block(1_000)
    expect(refused().stack).toContain('admission.test')
  })

  it('A5 `retryAfterMs` knows the rate: with 60 queued at one start a second a place is a minute away', async () => {
    const { clock, pool } = make({ queueCapacity: 60, rateLimit: { starts: 1, intervalMs: 1_000 } })
    pool.start()
    for (let n = 0; n < 60; n++) pool.queueTask(() => n)
    await clock.turn()
    pool.queueTask(() => 'the last')
    expect(thrown(() => pool.queueTask(never))).toMatchObject({ queued: 60, retryAfterMs: 60_000 })
    await clock.advance(50_500)
    while (pool.stats().queued < 11) pool.queueTask(() => 'more')
    pool.resize({ queueCapacity: 11 })
    expect(thrown(() => pool.queueTask(never))).toMatchObject({ queued: 11, retryAfterMs: 11_500 })
  })

  it('A5 `retryAfterMs` knows the delays: five seats whose retries are five minutes away', async () => {
    const { clock, pool } = make({ concurrency: 2, queueCapacity: 3, onUnobservedError: () => {} })
    pool.start()
    const retry = { attempts: 2, backoffMs: () => 300_000 }
    for (let n = 0; n < 5; n++) pool.queueTask(() => Promise.reject(new Error('x')), { retry })
    await clock.turn()
    expect(pool.stats()).toMatchObject({ delayed: 5, running: 0 })
    expect(thrown(() => pool.queueTask(never))).toMatchObject({ retryAfterMs: 60_000 })
    await clock.advance(290_000)
    expect(thrown(() => pool.queueTask(never))).toMatchObject({ retryAfterMs: 10_000 })
  })

  it('A2 without a queue gives a task to the free worker, and refuses the next', async () => {
    const { clock, pool } = make({ queueCapacity: 0 })
    pool.start()
    const first = pool.queueTask(() => 'done')
    expect(first.state).toBe('running')
    expect(() => pool.queueTask(never)).toThrow(QueueFullError)
    await clock.turn()
    expect(first.state).toBe('succeeded')
    const second = pool.queueTask(() => 'again')
    await expect(second.result()).resolves.toBe('again')
    expect(pool.stats()).toMatchObject({ peakRunning: 1, peakQueued: 0, totals: { submitted: 3, refused: 1 } })
  })

  it('A2 without a queue, and not started or paused, has no place', () => {
    const { pool } = make({ queueCapacity: 0 })
    expect(() => pool.queueTask(never)).toThrow(QueueFullError)
    pool.start().pause()
    expect(() => pool.queueTask(never)).toThrow(QueueFullError)
    pool.resume()
    expect(pool.queueTask(never).state).toBe('running')
  })

  it('A3 accepts queueCapacity tasks before the start, and runs them all after it', async () => {
    const { clock, pool } = make({ concurrency: 2, queueCapacity: 3 })
    const order: number[] = []
    const tasks = [1, 2, 3].map((n) => pool.queueTask(() => order.push(n)))
    expect(thrown(() => pool.queueTask(never))).toMatchObject({ running: 0, queued: 3, queueCapacity: 3 })
    await clock.turn()
    expect(pool.stats()).toMatchObject({ running: 0, queued: 3, totals: { started: 0 } })
    pool.start()
    expect(pool.stats()).toMatchObject({ running: 2, queued: 1, totals: { started: 0 } })
    await clock.turn()
    expect(order).toEqual([1, 2, 3])
    expect(tasks.map((task) => task.state)).toEqual(['succeeded', 'succeeded', 'succeeded'])
  })

  it('A20 is queueCapacity while paused: free workers are not places', () => {
    const { pool } = make({ concurrency: 4, queueCapacity: 2 })
    pool.start().pause()
    pool.queueTask(never)
    pool.queueTask(never)
    expect(thrown(() => pool.queueTask(never))).toMatchObject({ running: 0, queued: 2 })
    pool.resume()
    expect(pool.stats()).toMatchObject({ running: 2, queued: 0 })
    const more = Array.from({ length: 4 }, () => pool.queueTask(never))
    expect(more.map(({ state }) => state)).toEqual(['running', 'running', 'queued', 'queued'])
    expect(() => pool.queueTask(never)).toThrow(QueueFullError)
  })

  it('A20 holds while tasks wait for a retry: each keeps its place', async () => {
    const { clock, pool } = make({ concurrency: 2, queueCapacity: 1 })
    pool.start()
    const retry = { attempts: 2, backoffMs: () => 1_000 }
    const failing = Array.from({ length: 3 }, () =>
      pool.queueTask(
        () => {
          throw new Error('not yet')
        },
        { retry }
      )
    )
    for (const task of failing) void task.result().catch(() => {})
    await clock.turn()
    expect(pool.stats()).toMatchObject({ running: 0, queued: 0, delayed: 3 })
    expect(thrown(() => pool.queueTask(never))).toMatchObject({ running: 0, queued: 3, queueCapacity: 1 })
    await clock.advance(1_000)
    expect(failing.map((task) => task.state)).toEqual(['failed', 'failed', 'failed'])
    expect(pool.queueTask(never).state).toBe('running')
  })

  it('accepts a task for a free worker although the queue is full of tasks that wait for a retry', async () => {
    const { clock, pool } = make({ concurrency: 2, queueCapacity: 1 })
    pool.start()
    const retry = { attempts: 2, backoffMs: () => 1_000 }
    const failing = pool.queueTask(() => Promise.reject(new Error('not yet')), { retry })
    void failing.result().catch(() => {})
    await clock.turn()
    expect(pool.stats()).toMatchObject({ running: 0, queued: 0, delayed: 1 })
    pool.pause()
    expect(thrown(() => pool.queueTask(never))).toMatchObject({ running: 0, queued: 1, queueCapacity: 1 })
    pool.resume()
    const next = [pool.queueTask(never), pool.queueTask(never)]
    expect(next.map(({ state }) => state)).toEqual(['running', 'running'])
    expect(() => pool.queueTask(never)).toThrow(QueueFullError)
    expectBalance(pool)
  })

  it('an infinite queue has to be given explicitly, and is never full', () => {
    const { pool } = make({ queueCapacity: Number.POSITIVE_INFINITY })
    for (let n = 0; n < 10_000; n++) pool.queueTask(never)
    expect(pool.stats()).toMatchObject({ queued: 10_000, queueCapacity: Number.POSITIVE_INFINITY })
  })

  it('frees the place of a settled task in the same step: its listeners may queue the next', async () => {
    const { clock, pool } = make({ queueCapacity: 0 })
    pool.start()
    const states: string[] = []
    pool.once('settled', () => states.push(pool.queueTask(() => {}).state))
    pool.queueTask(() => {})
    await clock.turn()
    expect(states).toEqual(['running'])
    expect(pool.stats().totals).toMatchObject({ accepted: 2, refused: 0, succeeded: 2 })
  })

  it('refuses all new tasks while there is a waiter, also if they could take a free place', async () => {
    const { clock, pool } = make({
      concurrency: 2,
      queueCapacity: 0,
      waiterCapacity: 1,
      perKey: { concurrency: 1 }
    })
    pool.start()
    const { promise, open } = gate()
    pool.queueTask(() => promise, { key: 'a' })
    const waiter = pool.queueTaskWhenFree(never, { key: 'a' })
    await clock.turn()
    expect(pool.stats()).toMatchObject({ waiting: 1, running: 1 })
    expect(thrown(() => pool.queueTask(never))).toBeInstanceOf(QueueFullError)
    await expect(pool.queueTaskWhenFree(never)).rejects.toThrow(WaitFullError)
    open()
    await clock.turn()
    expect((await waiter).state).toBe('running')
    expect(pool.queueTask(never).state).toBe('running')
  })

  it('grants waiters when the pool starts', async () => {
    const { clock, pool } = make({ queueCapacity: 0 })
    const waiter = pool.queueTaskWhenFree(() => 'in')
    await clock.turn()
    expect(pool.stats()).toMatchObject({ waiting: 1, queued: 0, running: 0 })
    pool.start()
    expect(await (await waiter).result()).toBe('in')
  })
})

describe('a task that has a worker', () => {
  it('is running from the step that accepts it; attempt, startedAt, the count and the event come with the call', async () => {
    const { clock, pool, witness } = make()
    pool.start()
    let called = false
    const task = pool.queueTask(() => {
      called = true
      return never()
    })
    expect(task.record()).toEqual({
      id: task.id,
      state: 'running',
      attempt: 0,
      revision: 2,
      queuedAt: '2030-01-01T00:00:00.000Z'
    })
    expect(pool.stats()).toMatchObject({ running: 1, queued: 0, totals: { accepted: 1, started: 0 } })
    expect(witness.names()).toEqual(['queued'])
    expect(called).toBe(false)
    await Promise.resolve()
    expect(called).toBe(true)
    expect(task.record()).toEqual({
      id: task.id,
      state: 'running',
      attempt: 1,
      revision: 3,
      queuedAt: '2030-01-01T00:00:00.000Z',
      startedAt: '2030-01-01T00:00:00.000Z'
    })
    expect(pool.stats()).toMatchObject({ running: 1, totals: { accepted: 1, started: 1 } })
    expect(witness.names()).toEqual(['queued', 'started'])
    await clock.turn()
  })

  it('has waited from the moment it was queued, however old the pool is', async () => {
    const { clock, pool } = make()
    pool.start()
    await clock.advance(500)
    const first = gate()
    pool.queueTask(() => first.promise)
    pool.queueTask(() => {})
    await clock.advance(20)
    first.open()
    await clock.turn()
    expect(pool.stats().waitMs).toMatchObject({ mean: 10, max: 20 })
  })

  it('is called before the event loop turns, also if the task before it ended in this turn', async () => {
    const { clock, pool } = make()
    pool.start()
    const first = gate()
    pool.queueTask(() => first.promise)
    await microtasks()
    first.open()
    await microtasks()
    let called = false
    pool.queueTask(() => {
      called = true
    })
    await microtasks()
    expect(called).toBe(true)
    await clock.turn()
  })

  it('is never called inside queueTask, wherever that is called: outside, in a task, in a listener', async () => {
    const { clock, pool } = make({ concurrency: 8, queueCapacity: 8 })
    pool.start()
    const log: string[] = []
    const queue = (name: string, more?: () => void) => {
      log.push(`> ${name}`)
      pool.queueTask(() => {
        log.push(name)
        more?.()
      })
      log.push(`< ${name}`)
    }
    pool.once('queued', () => queue('in queued'))
    pool.once('started', () => queue('in started'))
    pool.once('settled', () => queue('in settled'))
    queue('outside', () => queue('in task'))
    await clock.turn()
    expect(log).toEqual([
      '> outside',
      '> in queued',
      '< in queued',
      '< outside',
      '> in started',
      '< in started',
      'outside',
      '> in task',
      '< in task',
      '> in settled',
      '< in settled',
      'in queued',
      'in started',
      'in task',
      'in settled'
    ])
  })

  it('C2 canceled before its call settles at once, was never called, has no startedAt, and frees its place', async () => {
    const { clock, pool, witness } = make({ queueCapacity: 0 })
    pool.start()
    let called = false
    const task = pool.queueTask(() => {
      called = true
    })
    expect(task.cancel()).toBe(true)
    expect(task.state).toBe('canceled')
    const next = pool.queueTask(() => 'next')
    await expect(next.result()).resolves.toBe('next')
    expect(called).toBe(false)
    expect(task.record()).not.toHaveProperty('startedAt')
    expect(task.record()).toMatchObject({ attempt: 0, revision: 3, reason: 'user' })
    expect(pool.stats().totals).toMatchObject({ started: 1, accepted: 2, canceled: 1 })
    expect(witness.names(task)).toEqual(['queued', 'canceled', 'settled'])
    await clock.turn()
  })
})

describe('a task that the rate limit holds back', () => {
  it('is called when the rate allows it, without any other event until then', async () => {
    const { clock, pool } = make({ rateLimit: { starts: 1, intervalMs: 100 } })
    pool.start()
    pool.queueTask(() => 'first')
    await clock.turn()
    const second = pool.queueTask(() => 'second')
    await clock.advance(99)
    expect([second.state, clock.timers('alive')]).toEqual(['queued', 1])
    await clock.advance(1)
    expect(second.state).toBe('succeeded')
  })

  it('is called when the rate allows it, also if the task before it was canceled', async () => {
    const { clock, pool } = make({ rateLimit: { starts: 1, intervalMs: 100 } })
    pool.start()
    pool.queueTask(() => 'first')
    await clock.turn()
    pool.queueTask(() => 'second').cancel()
    expect(clock.timers('alive')).toBe(0)
    const third = pool.queueTask(() => 'third')
    await clock.advance(100)
    expect(third.state).toBe('succeeded')
  })
})

describe('retryAfterMs', () => {
  const refusal = (pool: WorkerPool): unknown => {
    const error = thrown(() => pool.queueTask(never)) as QueueFullError
    return error.retryAfterMs
  }

  it('A5 is one second without data', () => {
    const { pool } = make({ queueCapacity: 0 })
    expect(refusal(pool)).toBe(1_000)
  })

  it('A5 is one second, the least, after tasks that took no time', async () => {
    const { clock, pool } = make({ queueCapacity: 0 })
    pool.start()
    pool.queueTask(() => {})
    await clock.turn()
    pool.queueTask(never)
    expect(refusal(pool)).toBe(1_000)
  })

  it('A5 is one minute, the most, after tasks of an hour', async () => {
    const { clock, pool } = make({ queueCapacity: 0 })
    pool.start()
    const { promise, open } = gate()
    pool.queueTask(() => promise)
    await clock.advance(3_600_000)
    open()
    await clock.turn()
    pool.queueTask(never)
    expect(refusal(pool)).toBe(60_000)
  })

  it('A5 is the run time × (queued + delayed + 1) / concurrency in between, an integer', async () => {
    const { clock, pool } = make({ concurrency: 3, queueCapacity: 4 })
    pool.start()
    const { promise, open } = gate()
    pool.queueTask(() => promise)
    await clock.advance(2_000)
    open()
    await clock.turn()
    for (let n = 0; n < 7; n++) pool.queueTask(never)
    const value = refusal(pool) as number
    expect(Number.isInteger(value)).toBe(true)
    expect(Math.abs(value - (2_000 * 5) / 3)).toBeLessThanOrEqual(1)
  })

  it('A5 is a moving average: recent run times weigh more than older ones', async () => {
    const { clock, pool } = make({ queueCapacity: 0 })
    pool.start()
    const run = async (ms: number) => {
      const { promise, open } = gate()
      pool.queueTask(() => promise)
      await clock.advance(ms)
      open()
      await clock.turn()
    }
    const full = () => {
      const blocker = pool.queueTask(never)
      const value = refusal(pool) as number
      blocker.cancel()
      return value
    }
    await run(10_000)
    const first = full()
    await run(40_000)
    const second = full()
    for (let n = 0; n < 100; n++) await run(2_000)
    expect(first).toBe(10_000)
    expect(second).toBeGreaterThan(10_000)
    expect(second).toBeLessThan(40_000)
    expect(full()).toBeLessThan(2_100)
  })
})

describe('wrong arguments', () => {
  const pool = () =>
    new WorkerPool({
      concurrency: 1,
      queueCapacity: 1,
      handlers: Object.assign(Object.create(Object.assign(Object.create(null), { inherited() {} })), {
        known: async () => 1
      })
    })

  const WRONG: [string, unknown][] = [
    ['a promise', Promise.resolve()],
    ['a class', class Work {}],
    ['a built-in class', Date],
    ['null', null],
    ['nothing', undefined],
    ['a number', 4],
    ['an object', { run() {} }],
    ['the name of no handler', 'unknown'],
    ['"__proto__"', '__proto__'],
    ['"constructor"', 'constructor'],
    ['"toString"', 'toString'],
    ['an inherited handler', 'inherited'],
    ['an empty string', '']
  ]

  it.each(WRONG)('A8 refuses %s as a task by a TypeError and counts it nowhere', async (_, wrong) => {
    const it = pool()
    const witness = new Witness(it)
    const before = it.stats()
    const error = thrown(() => it.queueTask(wrong as never)) as Error
    expect(error).toBeInstanceOf(TypeError)
    expect(error.message).toMatch(/^Expected (`task`|the task) to be /)
    await expect(it.queueTaskWhenFree(wrong as never)).rejects.toEqual(error)
    expect(it.stats()).toEqual(before)
    expect(witness.told).toEqual([])
  })

  it('A8 names the existing handlers', () => {
    expect(() => pool().queueTask('konwn' as never)).toThrow(
      new TypeError(
        'Expected the task to be a function or the name of a handler (`known`), got "konwn" (string); did you mean `known`?'
      )
    )
    expect(() => new WorkerPool({ concurrency: 1, queueCapacity: 1 }).queueTask('x' as never)).toThrow(
      new TypeError('Expected the task to be a function or the name of a handler (there is none), got "x" (string)')
    )
    const handlers = { one: () => 1, two: () => 2 }
    expect(() =>
      new WorkerPool({ concurrency: 1, queueCapacity: 1, handlers }).queueTask('x'.repeat(99) as never)
    ).toThrow(
      new TypeError(
        `Expected the task to be a function or the name of a handler (\`one\`, \`two\`), got "${'x'.repeat(60)}" (string)`
      )
    )
  })

  it('throws for wrong options before admission, also when the pool is full or stopped', async () => {
    const { pool: full, clock, witness } = make({ queueCapacity: 0 })
    const wrong: [TaskOptions, typeof TypeError | typeof RangeError][] = [
      [{ priority: 1.5 }, RangeError],
      [{ timeoutMs: -1 }, RangeError],
      [{ id: 4 as never }, TypeError],
      [{ surprise: 1 } as TaskOptions, TypeError],
      [null as never, TypeError],
      [{ onDuplicate: 'replace' as never }, RangeError]
    ]
    const before = full.stats()
    for (const [options, error] of wrong) {
      expect(thrown(() => full.queueTask(never, options))).toBeInstanceOf(error)
      await expect(full.queueTaskWhenFree(never, options)).rejects.toBeInstanceOf(error)
    }
    expect(full.stats()).toEqual(before)
    expect(witness.told).toEqual([])
    await full.stop({ graceMs: 0 })
    const told = witness.told.length
    for (const [options, error] of wrong) {
      expect(thrown(() => full.queueTask(never, options))).toBeInstanceOf(error)
    }
    expect(witness.told.length).toBe(told)
    await clock.turn()
  })

  it('throws the reason of a signal that has aborted, before admission: no submission, no refusal, no event', async () => {
    const { pool: it, witness } = make()
    const reason = { why: 'the client has left' }
    const signal = AbortSignal.abort(reason)
    const before = it.stats()
    expect(thrown(() => it.queueTask(never, { signal, id: 'a' }))).toBe(reason)
    await expect(it.queueTaskWhenFree(never, { signal })).rejects.toBe(reason)
    await expect(it.queueTaskWhenFree(never, { waitSignal: signal })).rejects.toBe(reason)
    expect(it.stats()).toEqual(before)
    expect(it.task('a')).toBeUndefined()
    expect(witness.told).toEqual([])
    expect(listenersOn(signal)).toBe(0)
  })

  it('treats undefined as not given for every option', () => {
    const unobserved: unknown[] = []
    const { pool: it } = make({ onUnobservedError: (error) => unobserved.push(error) })
    const nothing = {
      id: undefined,
      name: undefined,
      key: undefined,
      priority: undefined,
      timeoutMs: undefined,
      queueTimeoutMs: undefined,
      signal: undefined,
      retry: undefined,
      metadata: undefined,
      onDuplicate: undefined
    }
    const task = it.queueTask(never, nothing)
    expect(typeof task.id).toBe('string')
    expect(unobserved).toEqual([])
    expect(task.record()).toStrictEqual({
      id: task.id,
      state: 'queued',
      attempt: 0,
      revision: 1,
      position: 1,
      queuedAt: '2030-01-01T00:00:00.000Z'
    })
  })

  it('accepts all options of a task at once', async () => {
    const { clock, pool: it } = make()
    const { signal } = new AbortController()
    const task = it.queueTask(untilAborted, {
      id: 'a',
      name: 'n',
      key: 'k',
      priority: 1,
      timeoutMs: 10,
      queueTimeoutMs: 1_000,
      signal,
      retry: { attempts: 2, backoffMs: 0 },
      metadata: { m: 1 },
      onDuplicate: 'refuse'
    })
    expect(task.record()).toMatchObject({ id: 'a', name: 'n', key: 'k', metadata: { m: 1 } })
    expect([listenersOn(signal), clock.timers('alive')]).toEqual([1, 1])
    it.start()
    await clock.advance(20)
    expect(task.record()).toMatchObject({ state: 'failed', attempt: 2, error: { code: 'ERR_TASK_TIMEOUT' } })
    expect([listenersOn(signal), clock.timers('alive')]).toEqual([0, 0])
  })

  it('reads each option of a task once', () => {
    const { pool: it } = make()
    const reads: string[] = []
    const options = new Proxy(
      { id: 'a', name: 'n', key: 'k', priority: 1, timeoutMs: 1, metadata: 'm' } as TaskOptions,
      {
        get(target, property, receiver) {
          reads.push(String(property))
          return Reflect.get(target, property, receiver)
        }
      }
    )
    it.queueTask(never, options)
    expect(reads.length).toBe(new Set(reads).size)
  })
})

describe('ids', () => {
  it('A9 the same id is refused while queued, running and retained, and accepted once it has expired', async () => {
    const { clock, pool, witness } = make({ concurrency: 1, queueCapacity: 5, retention: { ms: 1_000 } })
    const { promise, open } = gate()
    const first = pool.queueTask(() => promise, { id: 'a' })
    const again = () => thrown(() => pool.queueTask(never, { id: 'a', name: 'copy' }))

    expect(first.state).toBe('queued')
    const error = again() as DuplicateTaskError
    expect(error).toBeInstanceOf(DuplicateTaskError)
    expect(error).toMatchObject({ code: 'ERR_DUPLICATE_TASK', name: 'DuplicateTaskError', id: 'a' })
    expect(witness.told.at(-1)).toEqual({ event: 'refused', args: [{ error, name: 'copy' }] })

    pool.start()
    await clock.turn()
    expect(first.state).toBe('running')
    expect(again()).toBeInstanceOf(DuplicateTaskError)
    open()
    await clock.turn()
    expect(first.state).toBe('succeeded')
    expect(again()).toBeInstanceOf(DuplicateTaskError)
    await clock.advance(999)
    expect(again()).toBeInstanceOf(DuplicateTaskError)
    await clock.advance(1)
    const second = pool.queueTask(() => 'new', { id: 'a' })
    expect(second).not.toBe(first)
    expect(pool.task('a')).toBe(second)
    expect(pool.stats().totals).toMatchObject({ submitted: 6, accepted: 2, refused: 4 })
  })

  it('A9 a generated id is in use as well', () => {
    const { pool } = make()
    const { id } = pool.queueTask(never)
    expect(thrown(() => pool.queueTask(never, { id }))).toMatchObject({ code: 'ERR_DUPLICATE_TASK', id })
  })

  it('A9 a duplicate in a full pool is refused as a duplicate', () => {
    const { pool } = make({ queueCapacity: 1 })
    const task = pool.queueTask(never, { id: 'a' })
    expect(thrown(() => pool.queueTask(never, { id: 'a' }))).toBeInstanceOf(DuplicateTaskError)
    expect(pool.queueTask(never, { id: 'a', onDuplicate: 'join' })).toBe(task)
  })

  it('A9 join returns the task that has the id, queued, running or retained, and is not a submission', async () => {
    const { clock, pool, witness } = make()
    const join = () => pool.queueTask(() => 'never called', { id: 'a', onDuplicate: 'join' })
    const task = join()
    expect(pool.stats().totals).toMatchObject({ submitted: 1, accepted: 1 })
    expect(join()).toBe(task)
    pool.start()
    expect(join()).toBe(task)
    await clock.turn()
    expect(join()).toBe(task)
    await expect(pool.queueTaskWhenFree(never, { id: 'a', onDuplicate: 'join' })).resolves.toBe(task)
    await pool.stop({ graceMs: 0 })
    expect(join()).toBe(task)
    expect(pool.stats().totals).toMatchObject({ submitted: 1, accepted: 1, refused: 0 })
    expect(witness.names(task)).toEqual(['queued', 'started', 'succeeded', 'settled'])
    expect(thrown(() => pool.queueTask(never, { id: 'b', onDuplicate: 'join' }))).toBeInstanceOf(PoolStoppedError)
  })

  it.each([
    ['empty', ''],
    ['1 MiB long', 'a'.repeat(2 ** 20)],
    ['129 characters long', 'a'.repeat(129)],
    ['a null character', '\0'],
    ['ending in a line break', 'a\n'],
    ['a lone surrogate', '\ud800'],
    ['a path upwards', '../x'],
    ['one dot', '.'],
    ['two dots', '..'],
    ['with a space', 'a b'],
    ['with a slash', 'a/b'],
    ['with a percent sign', '%2e'],
    ['beyond ASCII', 'ä']
  ])('A11 refuses an id that is %s, quotes little of it, and counts it nowhere', (_, id) => {
    const { pool, witness } = make()
    const before = pool.stats()
    const error = thrown(() => pool.queueTask(never, { id })) as RangeError
    expect(error).toBeInstanceOf(RangeError)
    expect(error.message).toMatch(/^Expected `id` to be 1 to 128 characters /)
    expect(error.message.length).toBeLessThan(250)
    expect(pool.stats()).toEqual(before)
    expect(witness.told).toEqual([])
  })

  it.each(['__proto__', 'constructor', 'toString', '...', '.a', 'a'.repeat(128), 'A.z_0:9-'])(
    'A11 accepts %s as an id like any other',
    async (id) => {
      const { clock, pool } = make()
      expect(pool.task(id)).toBeUndefined()
      expect(pool.cancel(id)).toBe('unknown')
      const task = pool.queueTask(() => 'done', { id })
      expect(task.id).toBe(id)
      expect(pool.task(id)).toBe(task)
      pool.start()
      await clock.turn()
      expect(pool.task(id)?.record()).toMatchObject({ id, state: 'succeeded', result: 'done' })
    }
  )

  it('A11 finds nothing for an id that is not a string', () => {
    const { pool } = make()
    for (const wrong of [undefined, null, 4, {}, Symbol.iterator, ['a']]) {
      expect(pool.task(wrong as never)).toBeUndefined()
      expect(pool.cancel(wrong as never)).toBe('unknown')
    }
  })
})

describe('tasks that queue tasks', () => {
  const DEEP = 100_000

  const stackDepth = (): number => {
    const { stackTraceLimit } = Error
    Error.stackTraceLimit = 1_000
    const frames = new Error('how deep?').stack?.split('\n').length ?? 0
    Error.stackTraceLimit = stackTraceLimit
    return frames
  }

  it.each<[string, (next: () => void) => unknown]>([
    ['returns at once', (next) => next()],
    [
      'is asynchronous',
      async (next) => {
        next()
      }
    ],
    [
      'waits first',
      async (next) => {
        await undefined
        next()
      }
    ],
    [
      'throws at once',
      (next) => {
        next()
        throw new Error('done with it')
      }
    ]
  ])('A12 a task that %s and queues the next takes no stack, 100,000 deep', async (_, run) => {
    const pool = new WorkerPool({ concurrency: 1, queueCapacity: 1, retention: { count: 0 } }).start()
    pool.on('settled', () => {})
    let depth = 0
    let deepest = 0
    const next = () => {
      if (depth % 1_000 === 0) deepest = Math.max(deepest, stackDepth())
      if (++depth < DEEP) pool.queueTask(() => run(next))
    }
    pool.queueTask(() => run(next))
    await pool.drain()
    expect(depth).toBe(DEEP)
    expect(deepest).toBeGreaterThan(1)
    expect(deepest).toBeLessThan(60)
    expect(expectBalance(pool).totals.accepted).toBe(DEEP)
    await pool.stop({ graceMs: 0 })
  })

  it('A12 a listener that queues the next task at each settle does not grow the stack, 100,000 deep', async () => {
    const pool = new WorkerPool({ concurrency: 1, queueCapacity: 1, retention: { count: 0 } }).start()
    let left = DEEP
    pool.on('settled', () => {
      if (--left > 0) pool.queueTask(() => {})
    })
    pool.queueTask(() => {})
    while (left > 0) await nextTurn()
    expect(expectBalance(pool).totals).toMatchObject({ accepted: DEEP, succeeded: DEEP, failed: 0 })
    await pool.stop({ graceMs: 0 })
  })

  it('A12 a listener that queues and cancels the next task is called exactly as often as expected', () => {
    const { pool } = make({ concurrency: 1, queueCapacity: 1 })
    let left = 100
    pool.on('queued', (task: Task) => {
      task.cancel()
      if (--left > 0) pool.queueTask(never)
    })
    pool.queueTask(never)
    expect(pool.stats().totals).toMatchObject({ accepted: 100, canceled: 100, started: 0 })
  })
})

describe('the count of refused tasks', () => {
  it('full, stopped and duplicate count, each with one event before the throw', async () => {
    const { pool, witness, clock } = make({ queueCapacity: 1 })
    pool.queueTask(never, { id: 'a' })
    const during: number[] = []
    pool.on('refused', () => during.push(pool.stats().totals.refused))
    const errors = [thrown(() => pool.queueTask(never)), thrown(() => pool.queueTask(never, { id: 'a', key: 'k' }))]
    await pool.stop({ graceMs: 0 })
    errors.push(thrown(() => pool.queueTask(never, { name: 'late' })))
    expect(errors.map((error) => (error as QueueFullError).code)).toEqual([
      'ERR_QUEUE_FULL',
      'ERR_DUPLICATE_TASK',
      'ERR_POOL_STOPPED'
    ])
    expect(during).toEqual([1, 2, 3])
    expect(witness.told.filter(({ event }) => event === 'refused').map(({ args }) => args)).toStrictEqual([
      [{ error: errors[0] }],
      [{ error: errors[1], key: 'k' }],
      [{ error: errors[2], name: 'late' }]
    ])
    expect(pool.stats().totals).toMatchObject({ submitted: 4, refused: 3, accepted: 1 })
    await clock.turn()
  })

  it('a waiter counts as waiting until it is decided, and then as refused or accepted', async () => {
    const { pool, clock } = make({ queueCapacity: 0, waiterCapacity: 3 })
    pool.start()
    const { promise, open } = gate()
    pool.queueTask(() => promise)
    const controller = new AbortController()
    const timesOut = pool.queueTaskWhenFree(never, { waitMs: 10 })
    const leaves = pool.queueTaskWhenFree(never, { waitSignal: controller.signal })
    const stays = pool.queueTaskWhenFree(never)
    const tooMany = pool.queueTaskWhenFree(never)
    const settled = Promise.allSettled([timesOut, leaves, stays, tooMany])
    expect(expectBalance(pool)).toMatchObject({ waiting: 3, totals: { submitted: 5, refused: 1, accepted: 1 } })
    await clock.advance(10)
    expect(expectBalance(pool)).toMatchObject({ waiting: 2, totals: { submitted: 5, refused: 2, accepted: 1 } })
    controller.abort('gone')
    expect(expectBalance(pool)).toMatchObject({ waiting: 1, totals: { submitted: 5, refused: 3, accepted: 1 } })
    open()
    await clock.turn()
    expect(expectBalance(pool)).toMatchObject({ waiting: 0, totals: { submitted: 5, refused: 3, accepted: 2 } })
    const codes = (await settled).map((result) =>
      result.status === 'rejected' ? (result.reason?.code ?? result.reason) : result.value.state
    )
    expect(codes).toEqual(['ERR_WAIT_TIMEOUT', 'gone', 'running', 'ERR_WAIT_FULL'])
  })
})

describe('a full pool in which no task starts', () => {
  const full = (pool: WorkerPool): string => {
    pool.queueTask(() => {})
    try {
      pool.queueTask(() => {})
      return 'accepted'
    } catch (error) {
      return (error as Error).message
    }
  }

  it('reports that it was not started', () => {
    expect(full(new WorkerPool({ concurrency: 1, queueCapacity: 1, clock: new ManualClock() }))).toBe(
      'The pool is full: 0 of 1 running, 1 of 1 queued. The pool was not started. Try again in 1000 ms, or answer 503.'
    )
  })

  it('reports that it is paused', () => {
    const pool = new WorkerPool({ concurrency: 1, queueCapacity: 1, clock: new ManualClock() }).start()
    pool.pause()
    expect(full(pool)).toContain('The pool is paused.')
  })
})
