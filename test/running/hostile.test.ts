import { AsyncLocalStorage } from 'node:async_hooks'
import { runInNewContext } from 'node:vm'
import { describe, expect, it, vi } from 'vitest'
import {
  type PoolEventName,
  snooze,
  type Task,
  type TaskContext,
  TaskInterruptedError,
  type TaskRecord,
  type UnobservedSource,
  WorkerPool
} from '../../src/index.js'
import { memoryStore } from '../../src/testing/index.js'
import { EVENTS, expectBalance } from '../support/books.js'
import { type Gate, gate } from '../support/gate.js'
import { ManualClock } from '../support/manual-clock.js'
import {
  never,
  quietPool,
  rejection,
  rejectsWith,
  startedPool,
  statesOf,
  untilAborted,
  watchedPool
} from '../support/pools.js'
import { uncaughtIn } from '../support/process-errors.js'

const revoked = (): object => {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}

/** An error of which one property cannot be read. */
const unreadable = (property: string): Error =>
  Object.defineProperty(new Error('readable'), property, {
    get() {
      throw new Error(`no ${property} for you`)
    }
  })

/** What a log shows of a ticket. */
const ticketOf = ({ id }: Task): string => id.slice(0, 8)

describe('tasks that throw', () => {
  it('E1 a function that throws synchronously fails and frees its worker for the next', async () => {
    const { clock, pool, witness } = startedPool({ concurrency: 2, queueCapacity: 1_000 })
    const error = new Error('at once')
    const tasks = Array.from({ length: 1_000 }, () =>
      pool.queueTask(() => {
        throw error
      })
    )
    const last = pool.queueTask(() => 'still here')
    await clock.turn()
    expect(new Set(statesOf(tasks))).toEqual(new Set(['failed']))
    expect(await last.result()).toBe('still here')
    await expect(rejection((tasks[0] as (typeof tasks)[0]).result())).resolves.toBe(error)
    expect(witness.names(tasks[7])).toEqual(['queued', 'started', 'failed', 'settled'])
    expect(expectBalance(pool)).toMatchObject({ running: 0, peakRunning: 2, totals: { failed: 1_000, succeeded: 1 } })
  })

  it.each([
    ['undefined', undefined, 'undefined'],
    ['null', null, 'null'],
    ['0', 0, '0'],
    ['not a number', Number.NaN, 'NaN'],
    ['false', false, 'false'],
    ['an empty text', '', ''],
    ['a text', 'why not', 'why not'],
    ['a symbol', Symbol('mine'), 'Symbol(mine)'],
    ['a BigInt', 12n, '12'],
    ['a function', Object.assign(() => 1, { toString: () => 'callable' }), 'callable'],
    ['an object without a message', {}, '[object Object]'],
    ['an object without a prototype', Object.create(null), expect.any(String)],
    ['an object whose message is not a string', { message: 7, toString: () => 'seven' }, 'seven'],
    ['a revoked proxy', revoked(), expect.any(String)],
    [
      'a proxy whose traps throw',
      new Proxy(
        {},
        {
          get() {
            throw new Error('no')
          },
          getPrototypeOf() {
            throw new Error('no')
          }
        }
      ),
      expect.any(String)
    ],
    ['an array', ['a', 'b'], 'a,b']
  ])('E2 takes %s as an error, thrown or rejected with, as it is', async (_kind, value, message) => {
    const { clock, pool } = startedPool({ concurrency: 3 })
    const tasks = [
      pool.queueTask(() => {
        throw value
      }),
      pool.queueTask(() => Promise.reject(value)),
      pool.queueTask(async () => {
        await null
        throw value
      })
    ]
    await clock.turn()
    for (const task of tasks) {
      expect(task.state).toBe('failed')
      expect(await rejectsWith(task.result(), value)).toBe(true)
      expect(task.record().error).toEqual({ name: 'Error', message })
      expect(() => JSON.stringify(task.record())).not.toThrow()
    }
    expect(expectBalance(pool)).toMatchObject({ running: 0, totals: { failed: 3 } })
  })

  it.each([
    ['a cancel whose reason is a revoked proxy', revoked()],
    ['a cancel whose reason cannot be read', unreadable('message')]
  ])('E2 outlives %s', async (_what, reason) => {
    const { clock, pool } = startedPool({ concurrency: 1 })
    const running = pool.queueTask(untilAborted)
    const queued = pool.queueTask(never)
    await clock.turn()
    running.cancel(reason)
    queued.cancel(reason)
    await clock.turn()
    expect(statesOf([running, queued])).toEqual(['canceled', 'canceled'])
    for (const task of [running, queued]) {
      expect(((await rejection(task.result())) as Error).cause === reason).toBe(true)
      expect(task.record().error).toMatchObject({ code: 'ERR_TASK_CANCELED', message: expect.any(String) })
    }
    expect(await pool.queueTask(() => 'fine').result()).toBe('fine')
  })

  it.each(['message', 'name', 'stack', 'cause', 'code', 'toString', 'then', 'constructor'])(
    'E3 describes an error whose %s cannot be read, also after an abort',
    async (property) => {
      const { clock, pool } = startedPool({ concurrency: 2 })
      const error = unreadable(property)
      const failing = pool.queueTask(() => Promise.reject(error))
      const aborted = pool.queueTask(async ({ signal }) => {
        await new Promise((resolve) => signal.addEventListener('abort', resolve))
        throw error
      })
      await clock.turn()
      aborted.cancel()
      await clock.turn()
      for (const task of [failing, aborted]) {
        expect(task.state).toBe('failed')
        expect(await rejectsWith(task.result(), error)).toBe(true)
        const described = task.record().error
        if (property === 'message') expect(described?.message).toEqual(expect.any(String))
        else expect(described).toEqual({ name: 'Error', message: 'readable' })
      }
      expect(pool.stats().running).toBe(0)
    }
  )

  it('E3 keeps at most 2,000 characters of a message, 200 of a name and of a code', async () => {
    const { clock, pool } = startedPool()
    const error = Object.assign(new Error('m'.repeat(5_000)), { name: 'n'.repeat(500), code: 'c'.repeat(500) })
    const task = pool.queueTask(() => Promise.reject(error))
    await clock.turn()
    expect(task.record().error).toEqual({
      name: 'n'.repeat(200),
      code: 'c'.repeat(200),
      message: 'm'.repeat(2_000)
    })
    expect(await rejection(task.result())).toBe(error)
  })

  it('E3 describes an error of another realm by its message', async () => {
    const { clock, pool } = startedPool()
    const error = runInNewContext(`Object.assign(new RangeError('over there'), { code: 'E_FAR' })`)
    const task = pool.queueTask(() => Promise.reject(error))
    await clock.turn()
    expect(task.record().error).toEqual({ name: 'RangeError', code: 'E_FAR', message: 'over there' })
  })

  it.each([
    ['returns', ({ open }: Gate) => open()],
    ['throws', ({ fail }: Gate) => fail(new Error('too late'))]
  ])('B8 a function that %s after the pool has given up on it changes nothing', async (_what, finish) => {
    const asked: unknown[] = []
    const { clock, pool, witness } = startedPool()
    const end = gate()
    const task = pool.queueTask(() => end.promise, {
      retry: { attempts: 5, backoffMs: 0, when: (error) => asked.push(error) > 0 }
    })
    await clock.turn()
    const stopped = pool.stop({ graceMs: 0, forceMs: 500 })
    await clock.advance(500)
    expect(await stopped).toMatchObject({ interrupted: { ids: [task.id] } })
    const [record, told] = [task.record(), witness.told.length]
    const unhandled = await uncaughtIn('unhandledRejection', async () => {
      finish(end)
      await clock.advance(1_000)
    })
    expect(unhandled).toEqual([])
    expect(task.record()).toEqual(record)
    expect(record).toMatchObject({ state: 'failed', error: { code: 'ERR_TASK_INTERRUPTED' } })
    expect([witness.told.length, asked]).toEqual([told, []])
  })
})

describe('thenables', () => {
  type Callbacks = [resolve: (value: unknown) => void, reject: (reason: unknown) => void]

  it.each([
    ['resolves, then rejects', ([yes, no]: Callbacks) => [yes('first'), no(new Error('second'))], 'succeeded'],
    ['rejects, then resolves', ([yes, no]: Callbacks) => [no(new Error('first')), yes('second')], 'failed'],
    ['resolves twice', ([yes]: Callbacks) => [yes('first'), yes('second')], 'succeeded'],
    ['rejects twice', ([, no]: Callbacks) => [no(new Error('first')), no(new Error('second'))], 'failed'],
    [
      'resolves, then throws',
      ([yes]: Callbacks) => {
        yes('first')
        throw new Error('second')
      },
      'succeeded'
    ],
    [
      'throws instead of calling back',
      () => {
        throw new Error('first')
      },
      'failed'
    ]
  ])('E6 a thenable that %s counts once, as the first call says', async (_what, does, state) => {
    const { clock, pool, witness } = startedPool({ concurrency: 1 })
    let callbacks: Callbacks | undefined
    const task = pool.queueTask(() => ({
      // biome-ignore lint/suspicious/noThenProperty: the test needs a thenable
      then(...given: Callbacks) {
        callbacks = given
        does(given)
      }
    }))
    await clock.turn()
    expect(task.state).toBe(state)
    if (state === 'succeeded') expect(await task.result()).toBe('first')
    else expect(await rejection(task.result())).toEqual(new Error('first'))

    // Again later, when the worker has another task: that task is not affected.
    const end = gate<string>()
    const next = pool.queueTask(() => end.promise)
    await clock.turn()
    callbacks?.[0]('third')
    callbacks?.[1](new Error('fourth'))
    await clock.turn()
    expect(next.state).toBe('running')
    end.open('its own')
    expect(await next.result()).toBe('its own')
    expect(witness.names(task)).toEqual(['queued', 'started', state, 'settled'])
    expect(pool.stats().totals).toMatchObject({ accepted: 2, started: 2 })
  })

  it('E7 a `then` that cannot be read fails the task', async () => {
    const { clock, pool } = startedPool({ concurrency: 3 })
    const error = new Error('not even looked at')
    const trap = {
      get() {
        throw error
      }
    }
    const tasks = [
      pool.queueTask(() => Object.defineProperty({}, 'then', trap)),
      pool.queueTask(() => Object.defineProperty(() => 1, 'then', trap)),
      pool.queueTask(() => Object.defineProperty(Promise.resolve(1), 'then', trap))
    ]
    await clock.turn()
    for (const task of tasks) {
      expect(task.state).toBe('failed')
      expect(await rejection(task.result())).toBe(error)
    }
    expect(pool.stats().running).toBe(0)
  })

  it('E7 survives promises that were tampered with', async () => {
    const { clock, pool } = startedPool({ concurrency: 4 })
    class Odd extends Promise<unknown> {
      static override get [Symbol.species](): PromiseConstructor {
        throw new Error('no species')
      }
    }
    const constructorless = Object.defineProperty(Promise.resolve(1), 'constructor', {
      get() {
        throw new Error('no constructor')
      }
    })
    const tasks = [
      pool.queueTask(() => Odd.resolve(1)),
      pool.queueTask(() => constructorless),
      pool.queueTask(() => new Proxy(Promise.resolve(1), {})),
      pool.queueTask(revoked)
    ]
    await clock.turn()
    for (const task of tasks) expect(task.record()).toHaveProperty('settledAt')
    expect(expectBalance(pool)).toMatchObject({ running: 0, queued: 0 })
    expect(await pool.queueTask(() => 'fine').result()).toBe('fine')
  })

  it('E6 a promise whose `then` was replaced counts once', async () => {
    const { clock, pool } = startedPool({ concurrency: 1 })
    let resolve: ((value: string) => void) | undefined
    const promise = Object.assign(Promise.resolve('its own'), {
      // biome-ignore lint/suspicious/noThenProperty: the test needs a thenable
      then(yes: (value: string) => void, no: (reason: unknown) => void) {
        resolve = yes
        yes('first')
        no(new Error('second'))
      }
    })
    const task = pool.queueTask(() => promise as unknown as Promise<string>)
    await clock.turn()
    const next = pool.queueTask(never)
    await clock.turn()
    resolve?.('third')
    await clock.turn()
    expect(await task.result()).toBe('first')
    expect(next.state).toBe('running')
    expect(expectBalance(pool)).toMatchObject({ running: 1, totals: { succeeded: 1, failed: 0 } })
  })

  it('E6 accepts thenables, thenable functions and promises of another realm', async () => {
    const { clock, pool } = startedPool({ concurrency: 4 })
    // biome-ignore lint/suspicious/noThenProperty: the test needs a thenable
    const object = { then: (resolve: (value: string) => void) => resolve('object') }
    const callable = Object.assign(() => 1, object)
    const results = [
      pool.queueTask(() => object).result(),
      pool.queueTask(() => callable).result(),
      pool.queueTask(() => runInNewContext('Promise.resolve("realm")') as Promise<string>).result(),
      pool.queueTask(async () => Promise.resolve(object)).result()
    ]
    await clock.turn()
    expect(await Promise.all(results)).toEqual(['object', 'object', 'realm', 'object'])
  })

  it('E8 a thenable that never calls back holds its worker until the force deadline', async () => {
    const { clock, pool, witness } = startedPool({ concurrency: 1, stuckAfterMs: 100 })
    let late: ((value: unknown) => void) | undefined
    const task = pool.queueTask(() => ({
      // biome-ignore lint/suspicious/noThenProperty: the test needs a thenable
      then(resolve: (value: unknown) => void) {
        late = resolve
      }
    }))
    await clock.advance(1_000_000)
    expect(task.state).toBe('running')
    const stopped = pool.stop({ graceMs: 1_000, forceMs: 500 })
    await clock.advance(1_500)
    expect(await stopped).toMatchObject({ failed: 1, interrupted: { count: 1, ids: [task.id] }, durationMs: 1_500 })
    const error = await rejection(task.result())
    expect(error).toBeInstanceOf(TaskInterruptedError)
    expect(error).toMatchObject({ code: 'ERR_TASK_INTERRUPTED', id: task.id })
    late?.('too late')
    await clock.turn()
    expect(task.record()).toMatchObject({ state: 'failed', error: { code: 'ERR_TASK_INTERRUPTED' } })
    expect(witness.names(task)).toEqual(['queued', 'started', 'stuck', 'failed', 'settled'])
  })
})

describe('results', () => {
  const circular: { self?: unknown } = {}
  circular.self = circular

  it.each([
    ['a circle', circular],
    ['a BigInt', 10n],
    ['an object with a BigInt in it', { deep: [{ n: 1n }] }],
    ['a function', () => 1],
    ['a symbol', Symbol('s')],
    [
      'an object whose toJSON throws',
      {
        toJSON() {
          throw new Error('no JSON')
        }
      }
    ],
    ['an object that is nothing in JSON', { toJSON: () => undefined }],
    [
      'an object whose toJSON throws an unreadable value',
      {
        toJSON() {
          throw revoked()
        }
      }
    ]
  ])('E10 %s is handed to `result()` as it is, and the record says why it has no JSON form', async (_kind, value) => {
    const { clock, pool } = startedPool()
    const task = pool.queueTask(() => ({ value }))
    const plain = pool.queueTask(() => value)
    await clock.turn()
    expect((await task.result()).value).toBe(value)
    expect(plain.state).toBe('succeeded')
    const record = plain.record()
    expect(record).not.toHaveProperty('result')
    expect(record.resultOmitted).toMatch(/\S/)
    expect(JSON.parse(JSON.stringify(record))).toEqual(record)
  })

  it('E10 copies a result once, when it is first read, and freezes the copy', async () => {
    const { clock, pool } = startedPool()
    let copies = 0
    const value = {
      rows: [1, 2],
      toJSON() {
        copies++
        return { rows: [...this.rows] }
      }
    }
    const task = pool.queueTask(() => value)
    await clock.turn()
    expect(copies).toBe(0)
    const record = task.record()
    value.rows.push(3)
    expect(() => (record.result as { rows: number[] }).rows.push(4)).toThrow(TypeError)
    expect(task.record().result).toEqual({ rows: [1, 2] })
    expect(copies).toBe(1)
    expect(await task.result()).toBe(value)
  })

  it('E10 explains why a result that contains its own task is omitted', async () => {
    const { clock, pool } = startedPool()
    const task: Task = pool.queueTask(() => ({ task }))
    await clock.turn()
    const { result, ...rest } = task.record()
    expect(result).toEqual({ task: { ...rest, resultOmitted: 'It holds its own task.' } })
    expect(task.record()).toEqual({ ...rest, result })
  })

  it('E10 distinguishes a result from no result', async () => {
    const { clock, pool } = startedPool({ concurrency: 6 })
    const values = [undefined, null, 0, '', false, Number.NaN]
    const tasks = values.map((value) => pool.queueTask(() => value))
    await clock.turn()
    const results = tasks.map((task) => task.record())
    expect(results.map((record) => 'result' in record)).toEqual([false, true, true, true, true, true])
    expect(results.map(({ result }) => result)).toEqual([undefined, null, 0, '', false, null])
    for (const record of results) expect(record).not.toHaveProperty('resultOmitted')
  })

  it('E10 keeps a huge result', async () => {
    const { clock, pool } = startedPool()
    const text = 'x'.repeat(2 ** 22)
    const task = pool.queueTask(() => ({ text }))
    await clock.turn()
    expect(task.record().result).toEqual({ text })
  })

  it('E10 E14 treats `__proto__` in a result like any other key', async () => {
    const { clock, pool } = startedPool()
    const task = pool.queueTask(() => JSON.parse('{ "__proto__": { "polluted": true } }') as object)
    await clock.turn()
    expect(JSON.stringify(task.record().result)).toBe('{"__proto__":{"polluted":true}}')
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined()
  })
})

describe('unobserved failures', () => {
  const failed = new Error('nobody saw it')
  const failing = () => Promise.reject(failed)

  const listening = (options: object = {}) => {
    const told: [unknown, UnobservedSource][] = []
    const { clock, pool } = quietPool({ onUnobservedError: (...args) => told.push(args), ...options })
    pool.start()
    return { clock, pool, told }
  }

  it('E11 are reported once each, and never become an unhandled rejection', async () => {
    const { clock, pool, told } = listening({ concurrency: 2 })
    const unhandled = await uncaughtIn('unhandledRejection', async () => {
      const tasks = [
        pool.queueTask(failing),
        pool.queueTask(() => {
          throw failed
        }),
        pool.queueTask(failing, { retry: { attempts: 3, backoffMs: 0 } })
      ]
      await clock.advance(100)
      expect(statesOf(tasks)).toEqual(['failed', 'failed', 'failed'])
      expect(told.map(([error]) => error)).toEqual([failed, failed, failed])
      expect(new Set(told.map(([, { task }]) => task))).toEqual(new Set(tasks))
      expect(told.map(([, source]) => Object.keys(source))).toEqual([['task'], ['task'], ['task']])
      await clock.advance(1_000)
      expect(told).toHaveLength(3)
    })
    expect(unhandled).toEqual([])
  })

  it('E11 are reported with their error unchanged, whatever it is', async () => {
    const { clock, pool, told } = listening()
    pool.queueTask(() => Promise.reject(undefined))
    await clock.turn()
    expect(told).toHaveLength(1)
    expect(told[0]?.[0]).toBeUndefined()
  })

  it.each<[string, (pool: WorkerPool, task: () => ReturnType<typeof pool.queueTask>) => unknown]>([
    ['`result()` was asked for before', (_pool, task) => rejection(task().result())],
    ['`settled()` was asked for before', (_pool, task) => task().settled()],
    [
      'somebody listens to `failed`',
      (pool, task) => {
        pool.on('failed', () => {})
        task()
      }
    ],
    [
      'somebody listens to `settled`',
      (pool, task) => {
        pool.on('settled', () => {})
        task()
      }
    ],
    [
      'a listener asks for `result()` in the same turn',
      (pool, task) => {
        pool.once('idle', () => void rejection(pool.tasks()[0]?.result() as Promise<never>))
        task()
      }
    ],
    [
      'a listener asks for `settled()` in the same turn',
      (pool, task) => {
        pool.once('idle', () => void pool.tasks()[0]?.settled())
        task()
      }
    ]
  ])('E11 are not told when %s', async (_what, look) => {
    const { clock, pool, told } = listening()
    void look(pool, () => pool.queueTask(failing))
    await clock.turn()
    await clock.turn()
    expect(pool.stats().totals).toMatchObject({ failed: 1 })
    expect(told).toEqual([])
  })

  it('E11 are reported although somebody follows the changes, or reads the error', async () => {
    const { clock, pool, told } = listening()
    const task = pool.queueTask(() => clock.turn().then(failing))
    const followed = (async () => {
      for await (const record of task.changes()) expect(record).toBeDefined()
    })()
    await clock.turn()
    await followed
    expect(task.error).toBe(failed)
    await clock.turn()
    expect(told).toEqual([[failed, { task }]])
  })

  it('E11 are reported although other events have listeners', async () => {
    const { clock, pool, told } = listening()
    for (const event of EVENTS) if (event !== 'failed' && event !== 'settled') pool.on(event, () => {})
    pool.queueTask(failing)
    await clock.turn()
    expect(told).toHaveLength(1)
  })

  it('E11 are reported again once the last listener of `failed` is removed', async () => {
    const { clock, pool, told } = listening()
    const listener = () => {}
    pool.on('failed', listener)
    pool.queueTask(failing)
    await clock.turn()
    expect(told).toHaveLength(0)
    pool.off('failed', listener)
    pool.queueTask(failing)
    await clock.turn()
    expect(told).toHaveLength(1)
  })

  it('E11 a cancel is no failure, an interruption is one', async () => {
    const { clock, pool, told } = listening({ concurrency: 2, forceMs: 100 })
    pool.queueTask(untilAborted)
    const deaf = pool.queueTask(never)
    await clock.turn()
    const stopped = pool.stop({ graceMs: 0 })
    await clock.advance(100)
    expect(await stopped).toMatchObject({ canceled: 1, failed: 1 })
    expect(told).toEqual([[expect.any(TaskInterruptedError), { task: deaf }]])
  })

  it('E11 a promise that was created and dropped is an unhandled rejection, like any promise', async () => {
    const { clock, pool, told } = listening()
    const unhandled = await uncaughtIn('unhandledRejection', async () => {
      void pool.queueTask(failing).result()
      await clock.turn()
    })
    expect(unhandled).toEqual([failed])
    expect(told).toEqual([])
  })

  it('E11 are printed as one line and the error itself, with the name and the first characters of the ticket', async () => {
    const lines = vi.spyOn(console, 'error').mockImplementation(() => {})
    try {
      const { clock, pool } = quietPool({ handlers: { render: failing } })
      pool.start()
      const render = (pool as WorkerPool<{ render: () => Promise<never> }>).queueTask('render')
      const nameless = pool.queueTask(() => Promise.reject(new Error('forged\ncoatcheck: all is well\r\n')))
      await clock.turn()
      expect(lines.mock.calls).toEqual([
        [`coatcheck: unobserved error of task "render" ${ticketOf(render)}: Error: nobody saw it\n`, expect.any(Error)],
        [
          `coatcheck: unobserved error of task ${ticketOf(nameless)}: Error: forged coatcheck: all is well \n`,
          expect.any(Error)
        ]
      ])
    } finally {
      lines.mockRestore()
    }
  })

  it('E11 a hook that throws, or is async and rejects, does no harm: both errors are printed', async () => {
    const lines = vi.spyOn(console, 'error').mockImplementation(() => {})
    try {
      for (const onUnobservedError of [
        () => {
          throw new Error('in the hook')
        },
        () => Promise.reject(new Error('in the hook'))
      ]) {
        lines.mockClear()
        const { clock, pool } = quietPool({ onUnobservedError })
        pool.start()
        const unhandled = await uncaughtIn('unhandledRejection', async () => {
          const task = pool.queueTask(failing)
          await clock.turn()
          expect(lines.mock.calls).toEqual([
            [`coatcheck: unobserved error of task ${ticketOf(task)}: Error: nobody saw it\n`, expect.any(Error)],
            ['coatcheck: unobserved error: Error: in the hook\n', expect.any(Error)]
          ])
        })
        expect(unhandled).toEqual([])
        expect(await pool.queueTask(() => 'fine').result()).toBe('fine')
      }
    } finally {
      lines.mockRestore()
    }
  })

  it('E11 a console that throws does no harm', async () => {
    const lines = vi.spyOn(console, 'error').mockImplementation(() => {
      throw new Error('no console here')
    })
    try {
      const { clock, pool } = quietPool({ concurrency: 1, queueCapacity: 100 })
      pool.start()
      // Each takes so long that the pool has to go on in the next turn, after the report.
      const tasks = Array.from({ length: 20 }, () =>
        pool.queueTask(() => {
          clock.block(20)
          throw failed
        })
      )
      await clock.turn()
      expect(lines).toHaveBeenCalled()
      expect(new Set(statesOf(tasks))).toEqual(new Set(['failed']))
    } finally {
      lines.mockRestore()
    }
  })

  it('E11 does not report a rejection elsewhere in the process', async () => {
    const { clock, pool, told } = listening()
    const elsewhere = new Error('elsewhere')
    const unhandled = await uncaughtIn('unhandledRejection', async () => {
      const task = pool.queueTask(() => {
        void Promise.reject(elsewhere)
        return 'done'
      })
      await clock.turn()
      expect(task.state).toBe('succeeded')
    })
    expect(unhandled).toEqual([elsewhere])
    expect(told).toEqual([])
  })
})

describe('listeners that fail', () => {
  /** A pool in which every event is emitted. */
  const everything = async (prepare: (pool: WorkerPool) => void, onUnobservedError: (...args: never[]) => void) => {
    const store = memoryStore()
    const { clock, pool, witness } = watchedPool({
      concurrency: 1,
      queueCapacity: 3,
      stuckAfterMs: 10,
      store,
      handlers: { kept: () => 1 },
      onUnobservedError: onUnobservedError as never
    })
    prepare(pool)
    pool.start()
    let calls = 0
    const tasks = [
      pool.queueTask(
        ({ progress }) => {
          progress(0.5)
          if (++calls === 1) throw new Error('again')
          if (calls === 2) throw snooze(1)
          return clock.turn()
        },
        { retry: { attempts: 2, backoffMs: () => 5 }, name: 'retried', volatile: true }
      ),
      pool.queueTask(() => Promise.reject(new Error('failing')), { name: 'failing', volatile: true }),
      pool.queueTask(untilAborted, { name: 'canceled', volatile: true }),
      pool.queueTask(() => 1, { name: 'plain', volatile: true })
    ]
    expect(() => pool.queueTask(never, { name: 'refused', key: 'k', volatile: true })).toThrow('full')
    const deaf = gate()
    await clock.turn()
    tasks[2]?.cancel()
    await clock.advance(20)
    const last = pool.queueTask(() => deaf.promise, { name: 'deaf', volatile: true })
    await clock.turn()
    last.cancel()
    await clock.advance(20)
    deaf.open()
    await clock.turn()
    store.failNext({ after: 1 }) // the start is written, the end at the second try
    ;(pool as WorkerPool<{ kept: () => number }>).queueTask('kept')
    await clock.advance(20)
    const report = await pool.stop({ graceMs: 0, reason: 'end' })
    return { tasks: [...tasks, last], witness, report, pool }
  }

  const outcomes = ['succeeded', 'failed', 'canceled', 'succeeded', 'succeeded']

  it('the scenario emits every event', async () => {
    const { tasks, witness } = await everything(
      () => {},
      () => {}
    )
    expect(new Set(witness.names())).toEqual(new Set(EVENTS))
    expect(statesOf(tasks)).toEqual(outcomes)
  })

  it.each(EVENTS)(
    'F1 F2 one of `%s` that throws or rejects harms neither the pool nor the next listener',
    async (event) => {
      const told: [unknown, UnobservedSource][] = []
      const heard: string[] = []
      const { tasks, witness, report, pool } = await everything(
        (pool) => {
          pool.on(event, () => {
            throw new Error('thrown')
          })
          pool.on(event, async () => {
            throw new Error('rejected')
          })
          pool.once(event, () => {
            throw revoked()
          })
          pool.on(event, () => heard.push(event))
        },
        (error: unknown, source: UnobservedSource) => told.push([error, source])
      )
      const times = witness.names().filter((name) => name === event).length
      expect(times).toBeGreaterThan(0)
      expect(heard).toHaveLength(times)
      expect(told).toHaveLength(2 * times + 1)
      expect(new Set(told.map(([, source]) => source.event))).toEqual(new Set<PoolEventName>([event]))
      const ofTasks = ['refused', 'idle', 'stopping', 'stopped', 'store'].every((name) => name !== event)
      for (const [, source] of told) expect('task' in source).toBe(ofTasks)
      expect(statesOf(tasks)).toEqual(outcomes)
      expect(report).toMatchObject({ reason: 'end', interrupted: { count: 0 } })
      expect(pool.state).toBe('stopped')
    }
  )

  it('F1 print their errors with the event and the task where there is no hook', async () => {
    const lines = vi.spyOn(console, 'error').mockImplementation(() => {})
    try {
      const { clock, pool } = startedPool()
      for (const event of ['succeeded', 'idle'] as const) {
        pool.on(event, () => {
          throw new Error('in the listener')
        })
      }
      const task = pool.queueTask(() => 1, { name: 'render' })
      await clock.turn()
      expect(lines.mock.calls).toEqual([
        [
          `coatcheck: error in a listener of "succeeded" of task "render" ${ticketOf(task)}: Error: in the listener\n`,
          expect.any(Error)
        ],
        ['coatcheck: error in a listener of "idle": Error: in the listener\n', expect.any(Error)]
      ])
    } finally {
      lines.mockRestore()
    }
  })

  it('F2 a listener may return any value', async () => {
    const told: unknown[] = []
    const { clock, pool } = startedPool({ onUnobservedError: (error) => told.push(error) })
    const error = new Error('no then')
    const returned = [
      revoked(),
      Object.defineProperty({}, 'then', {
        get() {
          throw error
        }
      }),
      // biome-ignore lint/suspicious/noThenProperty: the test needs a thenable
      { then: (_resolve: unknown, reject: (reason: unknown) => void) => [reject(error), reject(error)] },
      Promise.resolve('fine'),
      () => 1,
      7
    ]
    for (const value of returned) pool.on('queued', () => value)
    const task = pool.queueTask(() => 1)
    await clock.turn()
    expect(task.state).toBe('succeeded')
    expect(told.filter((one) => one === error)).toHaveLength(2)
    expect(told.length).toBeLessThanOrEqual(3) // reading a revoked proxy throws, which may be reported, too
  })
})

describe('tasks that change their arguments', () => {
  it('E14 the pool is unaffected by properties that a task sets on its context', async () => {
    const { clock, pool } = startedPool({ concurrency: 1, stuckAfterMs: 10, forceMs: 100 })
    const spoil = (ctx: TaskContext): string[] => {
      const names = new Set<string>()
      for (let o: object | null = ctx; o !== null && o !== Object.prototype; o = Object.getPrototypeOf(o))
        for (const name of Object.getOwnPropertyNames(o)) names.add(name)
      for (const name of [...names, 'abort', 'end', 'stop', 'aborted', 'task', 'owner']) {
        try {
          Object.defineProperty(ctx, name, {
            get() {
              throw new Error(`spoilt ${name}`)
            }
          })
        } catch {
          // A property that is not writable cannot be changed.
        }
      }
      return [...names]
    }
    const ways: ((ctx: TaskContext) => unknown)[] = [
      (ctx) => void spoil(ctx),
      (ctx) => {
        spoil(ctx)
        throw new Error('and fails')
      },
      (ctx) => {
        const ended = untilAborted(ctx)
        spoil(ctx)
        return ended
      },
      (ctx) => {
        ctx.progress(0.1)
        const { stopping } = ctx
        spoil(ctx)
        return new Promise((resolve) => stopping.addEventListener('abort', resolve))
      }
    ]
    const tasks = ways.map((way) => pool.queueTask(way, { timeoutMs: 1_000 }))
    await clock.turn()
    tasks[2]?.cancel()
    await clock.turn()
    expect(statesOf(tasks)).toEqual(['succeeded', 'failed', 'canceled', 'running'])
    const stopped = pool.stop({ graceMs: 50 })
    await clock.turn()
    expect(tasks[3]?.state).toBe('succeeded')
    expect(await stopped).toMatchObject({ succeeded: 1, interrupted: { count: 0 } })
  })

  it('E14 a function is called itself, whatever properties it has', async () => {
    const { clock, pool } = startedPool()
    const hijacked = (): string => 'hijacked'
    const run = Object.assign(({ attempt }: TaskContext) => attempt, {
      call: hijacked,
      apply: hijacked,
      bind: hijacked
    })
    const task = pool.queueTask(run)
    await clock.turn()
    expect(await task.result()).toBe(1)
  })

  it('E14 exposes only the documented properties on the context', async () => {
    const { clock, pool } = startedPool()
    const promised = ['id', 'name', 'key', 'attempt', 'signal', 'stopping', 'metadata', 'progress', 'toString']
    const task = pool.queueTask((ctx) => {
      const names: string[] = []
      for (let o: object | null = ctx; o !== null && o !== Object.prototype; o = Object.getPrototypeOf(o))
        names.push(...Object.getOwnPropertyNames(o))
      return [...new Set(names)].filter((name) => name !== 'constructor').sort()
    })
    await clock.turn()
    expect(await task.result()).toEqual(promised.sort())
  })

  it('E14 a record is a copy: changes to it have no effect', async () => {
    const { clock, pool } = startedPool()
    const metadata = { deep: { list: [1, 2] } }
    const task = pool.queueTask(
      ({ progress, metadata: own }) => {
        progress(0.5, 'half')
        const deep = (own as { deep: { list: number[] } }).deep
        expect(() => deep.list.push(3)).toThrow(TypeError)
        return { rows: [1] }
      },
      { metadata }
    )
    metadata.deep.list.push(9)
    await clock.turn()
    const before = structuredClone(task.record())
    const record = task.record() as { -readonly [K in keyof TaskRecord]?: unknown }
    for (const key of Object.keys(record) as (keyof TaskRecord)[]) {
      const value = record[key]
      if (typeof value === 'object' && value !== null) Reflect.set(value, 'spoilt', true)
      record[key] = 'spoilt'
    }
    expect(task.record()).toEqual(before)
    expect(before).toMatchObject({ metadata: { deep: { list: [1, 2] } }, result: { rows: [1] } })
  })

  it('E14 a polluted Object.prototype affects neither records nor counters', async () => {
    const { clock, pool } = startedPool({ concurrency: 1 })
    const prototype = Object.prototype as unknown as Record<string, unknown>
    try {
      const task = pool.queueTask(() => {
        prototype['polluted'] = 'yes'
        prototype['cause'] = 'nothing'
        return { ok: true }
      })
      const next = pool.queueTask(() => Promise.reject({ message: 'plain' }), { metadata: { a: 1 } })
      await clock.turn()
      const third = pool.queueTask(untilAborted, { key: 'k', timeoutMs: 10 })
      await clock.advance(10)
      expect(Object.keys(task.record())).not.toContain('polluted')
      expect(task.record().result).toEqual({ ok: true })
      expect(next.record()).toMatchObject({ state: 'failed', error: { message: 'plain' }, metadata: { a: 1 } })
      expect(third.record()).toMatchObject({ state: 'failed', error: { code: 'ERR_TASK_TIMEOUT' } })
      expect(JSON.stringify([task.record(), next.record(), third.record(), pool.stats()])).not.toContain('polluted')
    } finally {
      delete prototype['polluted']
      delete prototype['cause']
    }
    expectBalance(pool)
  })

  it('E14 changes to the stats have no effect', async () => {
    const { pool } = startedPool()
    const stats = pool.stats() as unknown as { running: number; totals: { accepted: number } }
    stats.running = 99
    stats.totals.accepted = 99
    expect(expectBalance(pool)).toMatchObject({ running: 0, totals: { accepted: 0 } })
  })
})

describe('the context of the caller', () => {
  const caller = new AsyncLocalStorage<string>()

  it.each([false, true])(
    'E19 is that of each task, at concurrency 1, before and after it has waited, and in its retry (`detectSelfWait: %s`)',
    async (detectSelfWait) => {
      const { clock, pool } = startedPool({
        detectSelfWait,
        concurrency: 1,
        queueCapacity: 10,
        retry: { attempts: 2, backoffMs: () => 10 },
        handlers: { read: async () => caller.getStore() }
      })
      const seen: [string, ...unknown[]][] = []
      const blocker = gate()
      pool.queueTask(() => blocker.promise)
      for (const name of ['a', 'b', 'c']) {
        caller.run(name, () => {
          pool.queueTask(async ({ attempt }) => {
            const atFirst = caller.getStore()
            await null
            seen.push([name, attempt, atFirst, caller.getStore()])
            if (attempt === 1) throw new Error('again')
          })
        })
      }
      const handled = ['d', 'e'].map((name) =>
        caller.run(name, () => (pool as WorkerPool<{ read: () => Promise<string> }>).queueTask('read').result())
      )
      await clock.turn()
      caller.run('stranger', () => blocker.open())
      await caller.run('stranger', () => clock.advance(100))
      expect(seen.sort()).toEqual([
        ['a', 1, 'a', 'a'],
        ['a', 2, 'a', 'a'],
        ['b', 1, 'b', 'b'],
        ['b', 2, 'b', 'b'],
        ['c', 1, 'c', 'c'],
        ['c', 2, 'c', 'c']
      ])
      expect(await Promise.all(handled)).toEqual(['d', 'e'])
    }
  )

  it('E19 is that of the call for a caller that had to wait for room', async () => {
    const { clock, pool } = startedPool({ concurrency: 1, queueCapacity: 0, waiterCapacity: 3 })
    const first = gate()
    pool.queueTask(() => first.promise)
    const waits = ['a', 'b', 'c'].map((name) =>
      caller.run(name, () => pool.queueTaskWhenFree(() => caller.getStore()).then((task) => task.result()))
    )
    await clock.turn()
    caller.run('stranger', () => first.open())
    await clock.turn()
    expect(await Promise.all(waits)).toEqual(['a', 'b', 'c'])
  })

  it('E19 is not captured with `captureContext: false`', async () => {
    const { clock, pool } = startedPool({ concurrency: 1, captureContext: false })
    const first = gate()
    pool.queueTask(() => first.promise)
    await clock.turn()
    const tasks = ['a', 'b'].map((name) => caller.run(name, () => pool.queueTask(() => caller.getStore() ?? 'none')))
    first.open()
    await clock.turn()
    expect(await Promise.all(tasks.map((task) => task.result()))).toEqual(['none', 'none'])
  })

  it('E19 with `captureContext: false` a task is retried as well', async () => {
    const { clock, pool } = startedPool({ captureContext: false })
    const task = pool.queueTask(
      ({ attempt }) => {
        if (attempt === 1) throw new Error('again')
        return attempt
      },
      { retry: { attempts: 2, backoffMs: () => 0 } }
    )
    await clock.advance(0)
    expect(await task.result()).toBe(2)
  })

  it('E19 is that of the call in each attempt, whatever the attempt before entered', async () => {
    const { clock, pool } = startedPool({ concurrency: 1, retry: { attempts: 3, backoffMs: () => 1 } })
    const seen: unknown[] = []
    const run = ({ attempt }: { readonly attempt: number }): void => {
      seen.push(caller.getStore())
      caller.enterWith(`entered in attempt ${attempt}`)
      throw new Error('again')
    }
    void caller.run('the call', () => pool.queueTask(run)).settled()
    await clock.advance(10)
    void pool.queueTask(run).settled()
    await clock.advance(10)
    expect(seen).toEqual(['the call', 'the call', 'the call', undefined, undefined, undefined])
  })

  it('E19 applies to the settle of each task: a listener sees the context of its own task', async () => {
    const { clock, pool } = startedPool({ concurrency: 1, queueCapacity: 10 })
    const seen: unknown[] = []
    pool.on('settled', () => seen.push(caller.getStore()))
    for (const name of ['a', 'b', 'c']) caller.run(name, () => pool.queueTask(async () => {}))
    for (const name of ['d', 'e']) caller.run(name, () => pool.queueTask(() => {}))
    await clock.turn()
    expect(seen).toEqual(['a', 'b', 'c', 'd', 'e'])
  })

  it('E19 is inherited by tasks that a task queues', async () => {
    const { clock, pool } = startedPool({ concurrency: 2 })
    const outer = pool.queueTask(() => caller.run('inner', () => pool.queueTask(() => caller.getStore())).result())
    await clock.turn()
    expect(await outer.result()).toBe('inner')
  })
})

describe('deeply nested and reentrant tasks', () => {
  it('A12 a task that queues a task, a hundred thousand deep, does not grow the stack', async () => {
    const clock = new ManualClock()
    const pool = new WorkerPool({ concurrency: 1, queueCapacity: 1, clock, retention: { count: 10 } })
    pool.start()
    let depth = 0
    const next = (): unknown => (++depth < 100_000 ? void pool.queueTask(next) : undefined)
    pool.queueTask(next)
    await clock.turn()
    expect(depth).toBe(100_000)
    expect(expectBalance(pool)).toMatchObject({ running: 0, queued: 0, totals: { succeeded: 100_000, refused: 0 } })
  })

  it('A12 ten thousand retries of functions that throw at once do not grow the stack', async () => {
    const { clock, pool } = startedPool({ concurrency: 2 })
    let calls = 0
    const task = pool.queueTask(
      () => {
        calls++
        throw new Error('never well')
      },
      { retry: { attempts: 10_000, backoffMs: 0 } }
    )
    await clock.advance(1)
    expect(calls).toBe(10_000)
    expect(task.record()).toMatchObject({ state: 'failed', attempt: 10_000 })
    expect(expectBalance(pool).totals).toMatchObject({ started: 10_000, retried: 9_999, failed: 1 })
  })

  it('A12 a task that fails after it has queued its successor does not affect it', async () => {
    const { clock, pool } = startedPool({ concurrency: 1, queueCapacity: 1 })
    let depth = 0
    const next = (): never => {
      if (++depth < 5_000) pool.queueTask(next)
      throw new Error('failed')
    }
    pool.queueTask(next)
    await clock.turn()
    expect(pool.stats().totals).toMatchObject({ failed: 5_000, started: 5_000 })
  })
})

describe('a signal given with a task', () => {
  it('may be a foreign object that throws: the error is reported, and nothing is lost', async () => {
    const errors: unknown[] = []
    const watched = startedPool({ onUnobservedError: (error) => errors.push(error) })
    const bad = {
      aborted: false,
      addEventListener: () => {
        throw new Error('add')
      },
      removeEventListener: () => {
        throw new Error('remove')
      }
    } as unknown as AbortSignal
    const task = watched.pool.queueTask(() => 'done', { signal: bad })
    await watched.clock.turn()
    expect(task.record()).toMatchObject({ state: 'succeeded', result: 'done' })
    expect(errors.map(String)).toEqual(['Error: add', 'Error: remove'])
    expect(expectBalance(watched.pool)).toMatchObject({ running: 0, totals: { accepted: 1, succeeded: 1 } })
  })
})

describe('handlers', () => {
  it('are called as methods of the `handlers` object', async () => {
    const clock = new ManualClock()
    const handlers = {
      factor: () => 7,
      product(input: number) {
        return input * this.factor()
      }
    }
    const pool = new WorkerPool({ concurrency: 1, queueCapacity: 1, clock, handlers }).start()
    const task = pool.queueTask('product', 6)
    await clock.turn()
    expect(await task.result()).toBe(42)
  })

  it.each([
    ['an array', [() => 1]],
    ['a Map', new Map([['a', () => 1]])],
    [
      'an instance of a class',
      new (class {
        resize() {}
      })()
    ],
    ['a function', () => 1]
  ])('are refused as %s, whose functions nobody would find', (_what, handlers) => {
    const make = () => new WorkerPool({ concurrency: 1, queueCapacity: 1, handlers: handlers as never })
    expect(make).toThrow(TypeError)
    expect(make).toThrow(/^Expected `handlers` to be a plain object of functions, got /)
  })

  it('may be frozen functions, but not frozen classes', () => {
    const make = (run: unknown) => new WorkerPool({ concurrency: 1, queueCapacity: 1, handlers: { run } as never })
    make(Object.freeze(function run() {}))
    expect(() => make(Object.freeze(class {}))).toThrow('Expected `handlers.run` to be a function, got a class')
  })
})
