import { describe, expect, it } from 'vitest'
import {
  type PoolEventName,
  type PoolListener,
  QueueFullError,
  snooze,
  type Task,
  type TaskContext,
  type UnobservedSource,
  WorkerPool,
  type WorkerPoolOptions
} from '../../src/index.js'
import { type MemoryStore, memoryStore } from '../../src/testing/index.js'
import { EVENTS, expectBalance, Witness } from '../support/books.js'
import { gate } from '../support/gate.js'
import { ManualClock } from '../support/manual-clock.js'

const make = (options: Partial<WorkerPoolOptions> = {}) => {
  const clock = new ManualClock()
  const told: [unknown, UnobservedSource][] = []
  const pool = new WorkerPool({
    concurrency: 1,
    queueCapacity: 10,
    clock,
    stuckAfterMs: 100,
    onUnobservedError: (error, source) => told.push([error, source]),
    ...options
  })
  return { clock, pool, told }
}

/** The same with a store, for the events that only it causes. */
const makeDurable = () => {
  const store = memoryStore()
  return { store, ...make({ store, handlers: { kept: () => 'kept' } }) }
}

const hang = () => new Promise<never>(() => {})
const obedient = ({ signal }: TaskContext) =>
  new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))

/** Causes every event, most of them more than once. */
async function everything(pool: WorkerPool, clock: ManualClock, store?: MemoryStore): Promise<Task[]> {
  const tasks: Task[] = []
  const queue = (run: (ctx: TaskContext) => unknown, more = {}) => {
    try {
      tasks.push(pool.queueTask(run, { ...more, volatile: true }))
    } catch {
      // a listener has filled or stopped the pool
    }
  }
  queue(async ({ progress }) => {
    progress(0.5, 'half')
    await clock.turn()
    return 'done'
  })
  queue(() => 'done')
  await clock.turn()
  if (store !== undefined) {
    store.failNext({ after: 1 }) // the start is written, the end at the second try
    try {
      tasks.push((pool as WorkerPool<{ kept: () => string }>).queueTask('kept'))
    } catch {
      // as above
    }
    await clock.advance(20)
  }
  queue(() => Promise.reject(new Error('failed')), { retry: { attempts: 2, backoffMs: () => 10 } })
  await clock.advance(10)
  let snoozes = 0
  queue(() => {
    if (snoozes++ === 0) throw snooze(5)
  })
  await clock.advance(5)
  queue(obedient)
  tasks.at(-1)?.cancel()
  await clock.turn()
  const { promise, open } = gate()
  queue(() => promise, { timeoutMs: 10 })
  await clock.advance(200)
  for (let n = 0; n < 12; n++) queue(() => 'filling up')
  open()
  await clock.turn()
  queue(hang)
  await clock.turn()
  void pool.stop({ graceMs: 20, forceMs: 20 })
  await clock.advance(1_000)
  return tasks
}

describe('listeners', () => {
  it('F1 a listener that throws at any event: later listeners run, the pool is unharmed, and each error is reported once', async () => {
    for (const event of EVENTS) {
      const { clock, pool, store, told } = makeDurable()
      const witness = new Witness(pool)
      const mistakes: Error[] = []
      const subjects: unknown[] = []
      const after: unknown[] = []
      pool.on(event, (...args: unknown[]) => {
        const mistake = new Error(`in ${event}`)
        mistakes.push(mistake)
        subjects.push(args[0])
        throw mistake
      })
      pool.on(event, (...args: unknown[]) => after.push(args[0]))
      pool.start()
      const tasks = await everything(pool, clock, store)

      expect({ event, happened: mistakes.length > 0 }).toEqual({ event, happened: true })
      expect(after).toEqual(subjects)
      const reported = told.filter(([error]) => mistakes.includes(error as Error))
      expect(reported.map(([error]) => error)).toEqual(mistakes)
      for (const [n, [, source]] of reported.entries()) {
        const subject = subjects[n]
        expect(source).toEqual(tasks.includes(subject as Task) ? { event, task: subject } : { event })
      }
      expect(pool.stats()).toMatchObject({ state: 'stopped', running: 0, queued: 0, delayed: 0 })
      expect(await pool.closed).toBeDefined()
      witness.check()
    }
  })

  it('F2 an async listener that rejects is reported like one that throws, for every event', async () => {
    for (const event of EVENTS) {
      const { clock, pool, store, told } = makeDurable()
      const mistake = new Error(`in ${event}`)
      let calls = 0
      pool.on(event, async () => {
        calls++
        await undefined
        throw mistake
      })
      pool.start()
      await everything(pool, clock, store)
      await clock.turn()
      const reported = told.filter(([error]) => error === mistake)
      expect({ event, reported: reported.length }).toEqual({ event, reported: calls })
      expect(calls).toBeGreaterThan(0)
      expect(reported.every(([, source]) => source.event === event)).toBe(true)
      expect(pool.state).toBe('stopped')
    }
  })

  it('F2 a listener may return any value, also a hostile thenable', async () => {
    const mistake = new Error('a getter')
    const values: unknown[] = [
      undefined,
      null,
      4,
      {},
      () => {},
      Promise.resolve(),
      {
        // biome-ignore lint/suspicious/noThenProperty: the test needs a thenable
        get then() {
          throw mistake
        }
      },
      {
        // biome-ignore lint/suspicious/noThenProperty: the test needs a thenable
        then(_: unknown, reject: (error: Error) => void) {
          reject(mistake)
          reject(mistake)
          throw new Error('again')
        }
      }
    ]
    const { clock, pool, told } = make()
    for (const value of values) pool.on('queued', () => value)
    pool.start().queueTask(() => {})
    await clock.turn()
    expect(told.map(([error]) => error)).toEqual([mistake, mistake])
  })

  it('on, once and off return the pool, know their events and take functions only', async () => {
    const { clock, pool } = make()
    const calls: string[] = []
    const listener: PoolListener<'started'> = (task) => calls.push(`on ${task.name}`)
    const once: PoolListener<'started'> = (task) => calls.push(`once ${task.name}`)
    const gone: PoolListener<'started'> = () => calls.push('never')
    expect(pool.on('started', listener)).toBe(pool)
    expect(pool.once('started', once)).toBe(pool)
    expect(pool.on('started', gone)).toBe(pool)
    expect(pool.off('started', gone)).toBe(pool)
    expect(pool.off('started', () => {})).toBe(pool)
    expect(pool.off('settled', listener as never)).toBe(pool)
    pool.start()
    pool.queueTask(() => {}, { name: 'a' })
    await clock.turn()
    pool.queueTask(() => {}, { name: 'b' })
    await clock.turn()
    pool.off('started', listener)
    pool.queueTask(() => {}, { name: 'c' })
    await clock.turn()
    expect(calls).toEqual(['on a', 'once a', 'on b'])
    for (const method of ['on', 'once', 'off'] as const) {
      expect(() => pool[method]('nothing' as 'idle', () => {})).toThrow(RangeError)
      expect(() => pool[method]('__proto__' as 'idle', () => {})).toThrow(RangeError)
      expect(() => pool[method]('idle', null as never)).toThrow(TypeError)
      expect(() => pool[method](undefined as never, () => {})).toThrow(TypeError)
    }
    expect(pool).not.toHaveProperty('emit')
  })

  it('a removed listener, or one of once that was called, is no observer: the failure goes to onUnobservedError', async () => {
    for (const event of ['failed', 'settled'] as const) {
      const { clock, pool, told } = make()
      const fail = async (message: string) => {
        pool.queueTask(() => {
          throw new Error(message)
        })
        await clock.turn()
        return told.map(([error]) => (error as Error).message)
      }
      pool.start()
      const listener = () => {}
      pool.on(event, listener)
      expect(await fail('heard')).toEqual([])
      pool.off(event, listener)
      expect(await fail('taken away')).toEqual(['taken away'])
      pool.once(event, listener)
      expect(await fail('heard once')).toEqual(['taken away'])
      expect(await fail('not again')).toEqual(['taken away', 'not again'])
    }
  })

  it('one listener may be added to two events, and removed from one of them', async () => {
    const { clock, pool } = make()
    const calls: string[] = []
    const listener = (task: Task) => calls.push(task.state)
    pool.on('queued', listener).on('settled', listener).on('started', listener)
    pool.off('started', listener)
    pool.start().queueTask(() => {})
    await clock.turn()
    expect(calls).toEqual(['running', 'succeeded'])
  })

  it('listeners added or removed by a listener count from the next event on', async () => {
    const { clock, pool } = make()
    const calls: string[] = []
    const second = () => calls.push('second')
    const first = () => {
      calls.push('first')
      pool.off('queued', first)
      pool.on('queued', second)
    }
    pool.on('queued', first)
    pool.queueTask(hang)
    pool.queueTask(hang)
    expect(calls).toEqual(['first', 'second'])
    await clock.turn()
  })

  it.each<[string, (pool: WorkerPool, tasks: Task[]) => void]>([
    ['queueTask', (pool) => void pool.queueTask(() => 'by a listener', { volatile: true })],
    [
      'cancel',
      (pool, tasks) => {
        for (const task of tasks) task.cancel('by a listener')
        for (const { id } of pool.tasks()) pool.cancel(id)
      }
    ],
    ['stop', (pool) => void pool.stop({ graceMs: 10, forceMs: 10 })],
    ['stop at once', (pool) => void pool.stop({ graceMs: 0, forceMs: 0 })],
    [
      'resize',
      (pool) => {
        const { concurrency } = pool.stats()
        pool.resize({ concurrency: concurrency === 1 ? 3 : 1, queueCapacity: concurrency })
      }
    ],
    ['drain', (pool) => void pool.drain({ timeoutMs: 10 }).catch(() => {})],
    ['pause and resume', (pool) => (pool.stats().paused ? pool.resume() : pool.pause())],
    ['start', (pool) => void pool.start()],
    [
      'queueTaskWhenFree',
      (pool) =>
        void pool
          .queueTaskWhenFree(() => 'by a listener', { waitMs: 5, volatile: true })
          .then(
            () => {},
            () => {}
          )
    ],
    [
      'stats, tasks, record and inspect',
      (pool) => {
        expectBalance(pool)
        for (const task of pool.tasks({ limit: 1_000 })) task.record()
        String(pool)
      }
    ]
  ])('F5 a listener of every event may call %s', async (_, act) => {
    for (const event of EVENTS) {
      const { clock, pool, store } = makeDurable()
      const seen = new Set<Task>()
      const witness = new Witness(pool)
      pool.on('queued', (task) => seen.add(task))
      let left = 20
      let inside = false
      pool.on(event, () => {
        if (--left < 0 || inside) return
        inside = true
        try {
          act(pool, [...seen])
        } catch (error) {
          expect(error).toHaveProperty('code')
        } finally {
          inside = false
        }
      })
      pool.start()
      await everything(pool, clock, store)
      pool.resume()
      void pool.stop({ graceMs: 0, forceMs: 0 })
      await clock.advance(1_000)
      expect({ event, state: pool.state }).toEqual({ event, state: 'stopped' })
      expect(left).toBeLessThan(20)
      const report = await pool.closed
      for (const task of seen) {
        if (report.left.ids.includes(task.id)) continue
        const names = witness.names(task)
        expect(['succeeded', 'failed', 'canceled']).toContain(task.state)
        expect(names.filter((name) => name === task.state)).toHaveLength(1)
        expect(names.slice(-1)).toEqual(['settled'])
        expect(names.filter((name) => ['succeeded', 'failed', 'canceled', 'settled'].includes(name))).toHaveLength(2)
      }
      expect(clock.timers()).toBe(0)
      witness.check()
    }
  })
})

describe('the order', () => {
  it('F6 per task: queued, started, retrying, started, the end, settled', async () => {
    const { clock, pool } = make()
    const witness = new Witness(pool)
    pool.start()
    const error = new Error('not yet')
    let calls = 0
    const task = pool.queueTask(
      async ({ progress }) => {
        progress(0.1)
        progress(0.2)
        await clock.turn()
        if (++calls < 3) throw error
      },
      { retry: { attempts: 3, backoffMs: () => 10 } }
    )
    for (let n = 0; n < 10; n++) await clock.advance(10)
    expect(witness.names(task)).toEqual([
      'queued',
      'started',
      'progress',
      'retrying',
      'started',
      'progress',
      'retrying',
      'started',
      'progress',
      'succeeded',
      'settled'
    ])
    expect(witness.told.filter(({ event }) => event === 'retrying').map(({ args }) => args)).toEqual([
      [task, { error, delayMs: 10 }],
      [task, { error, delayMs: 10 }]
    ])
    expect(witness.told.every(({ event, args }) => event === 'idle' || args[0] === task)).toBe(true)
    witness.check()
  })

  it('F6 straight from queued or retrying there is only canceled', async () => {
    const { clock, pool } = make()
    const witness = new Witness(pool)
    const queued = pool.queueTask(hang)
    queued.cancel()
    pool.start()
    const retrying = pool.queueTask(() => Promise.reject(new Error('again')), {
      retry: { attempts: 9, backoffMs: () => 10 }
    })
    await clock.turn()
    retrying.cancel()
    expect(witness.names(queued)).toEqual(['queued', 'canceled', 'settled'])
    expect(witness.names(retrying)).toEqual(['queued', 'started', 'retrying', 'canceled', 'settled'])
    await clock.turn()
    witness.check()
  })

  it('F6 at a settle: counters, the freed place to the next task and the waiters, promises, events, drains, idle', async () => {
    const { clock, pool } = make({ concurrency: 1, queueCapacity: 1, waiterCapacity: 1 })
    pool.start()
    const log: string[] = []
    const say = (what: string) => {
      const { running, queued, waiting, totals } = pool.stats()
      log.push(`${what}: ${running} running, ${queued} queued, ${waiting} waiting, ${totals.succeeded} succeeded`)
    }
    const { promise, open } = gate()
    const first = pool.queueTask(() => promise, { name: 'first' })
    pool.queueTask(() => {}, { name: 'second' })
    const waiter = pool.queueTaskWhenFree(() => {}, { name: 'third' })
    await clock.turn()
    for (const event of ['queued', 'started', 'succeeded', 'settled'] as const) {
      pool.on(event, ({ name, state }) => say(`${name} ${event} (${state})`))
    }
    pool.on('idle', () => say('idle'))
    void first.result().then(() => log.push('(first result)'))
    void first.settled().then(() => log.push('(first settled)'))
    void pool.drain().then(() => log.push('(drained)'))
    open()
    await clock.turn()
    expect(log).toEqual([
      'third queued (queued): 1 running, 1 queued, 0 waiting, 1 succeeded',
      'first succeeded (succeeded): 1 running, 1 queued, 0 waiting, 1 succeeded',
      'first settled (succeeded): 1 running, 1 queued, 0 waiting, 1 succeeded',
      'second started (running): 1 running, 1 queued, 0 waiting, 1 succeeded',
      'second succeeded (succeeded): 1 running, 0 queued, 0 waiting, 2 succeeded',
      'second settled (succeeded): 1 running, 0 queued, 0 waiting, 2 succeeded',
      'third started (running): 1 running, 0 queued, 0 waiting, 2 succeeded',
      'third succeeded (succeeded): 0 running, 0 queued, 0 waiting, 3 succeeded',
      'third settled (succeeded): 0 running, 0 queued, 0 waiting, 3 succeeded',
      'idle: 0 running, 0 queued, 0 waiting, 3 succeeded',
      '(first result)',
      '(first settled)',
      '(drained)'
    ])
    expect((await waiter).name).toBe('third')
  })

  it('F6 idle comes after the settle of every task, also if the freed place went to a task that ended at once', async () => {
    const { clock, pool } = make({ concurrency: 1, queueCapacity: 0, waiterCapacity: 1 })
    const witness = new Witness(pool)
    pool.start()
    const { promise, open } = gate()
    pool.queueTask(() => promise)
    const waiter = pool.queueTaskWhenFree(hang)
    await clock.turn()
    pool.on('queued', (task) => task.cancel())
    open()
    await clock.turn()
    expect((await waiter).state).toBe('canceled')
    expect(witness.names().slice(-1)).toEqual(['idle'])
    expect(witness.names().filter((name) => name === 'idle')).toHaveLength(1)
    witness.check()
  })

  it('F6 idle comes after the settle of every task, also if a listener of a settle stops the pool', async () => {
    for (const event of ['failed', 'settled'] as const) {
      const { clock, pool } = make({ concurrency: 1 })
      const witness = new Witness(pool)
      pool.start()
      const first = pool.queueTask(() => Promise.reject(new Error('the first failure')))
      const rest = [pool.queueTask(hang), pool.queueTask(hang)]
      pool.once(event, () => void pool.stop({ graceMs: 0 }))
      const drained = pool.drain().then(() => witness.names().length)
      await clock.turn()
      expect(rest.map(({ state }) => state)).toEqual(['canceled', 'canceled'])
      expect(witness.names(first)).toEqual(['queued', 'started', 'failed', 'settled'])
      expect(witness.names().slice(-2)).toEqual(['idle', 'stopped'])
      expect(await drained).toBeGreaterThanOrEqual(witness.names().length - 1)
      witness.check()
    }
  })

  it('F6 a listener of idle may queue a task and stop the pool: the task has the grace, and idle is emitted again', async () => {
    const { clock, pool } = make()
    const witness = new Witness(pool)
    pool.start()
    pool.queueTask(() => 'first')
    const { promise, open } = gate<string>()
    let task: Task | undefined
    pool.once('idle', () => {
      task = pool.queueTask(() => promise)
      void pool.stop({ graceMs: 1_000 })
    })
    await clock.turn()
    expect([task?.state, pool.state]).toEqual(['running', 'stopping'])
    open('in the grace')
    await clock.turn()
    expect([task?.state, pool.state]).toEqual(['succeeded', 'stopped'])
    expect(witness.names().filter((name) => name === 'idle' || name === 'stopped')).toEqual(['idle', 'idle', 'stopped'])
    expect(await pool.closed).toMatchObject({ succeeded: 1, canceled: 0 })
    witness.check()
  })

  it('F6 the record matches in every event: promise, event and record agree', async () => {
    const { clock, pool } = make()
    const wrong: unknown[] = []
    const expected: Partial<Record<PoolEventName, readonly string[]>> = {
      queued: ['queued', 'running'],
      started: ['running'],
      retrying: ['queued'],
      snoozed: ['queued'],
      progress: ['running'],
      stuck: ['running'],
      succeeded: ['succeeded'],
      failed: ['failed'],
      canceled: ['canceled'],
      settled: ['succeeded', 'failed', 'canceled']
    }
    const last = new Map<Task, number>()
    let checked = 0
    for (const [event, states] of Object.entries(expected)) {
      pool.on(event as 'queued', (task) => {
        checked++
        const record = task.record()
        const terminal = ['succeeded', 'failed', 'canceled'].includes(record.state)
        const { [record.state as 'succeeded']: count } = pool.stats().totals
        if (record.state !== task.state || !states.includes(record.state)) wrong.push([event, record])
        if (terminal !== 'settledAt' in record || (terminal && count === 0)) wrong.push([event, record])
        if (event === 'started' && (record.attempt < 1 || !('startedAt' in record))) wrong.push([event, record])
        if (event === 'queued' && record.attempt !== 0) wrong.push([event, record])
        if (pool.task(record.id) !== task) wrong.push([event, 'not found'])
        const before = last.get(task) ?? 0
        const same = event === 'settled' || event === 'stuck'
        if (same ? record.revision < before : record.revision <= before) wrong.push([event, before, record])
        last.set(task, record.revision)
      })
    }
    pool.start()
    await everything(pool, clock)
    expect(wrong).toEqual([])
    expect(checked).toBeGreaterThan(40)
  })

  it('F6 stopped is the last event, with the report', async () => {
    const { clock, pool } = make()
    const witness = new Witness(pool)
    pool.start()
    await everything(pool, clock)
    expect(witness.names().filter((name) => name === 'stopped')).toHaveLength(1)
    expect(witness.told.at(-1)).toEqual({ event: 'stopped', args: [await pool.closed] })
    witness.check()
  })

  it('emits queued for every accepted task before queueTask returns, with its state at that time', () => {
    const { pool } = make({ queueCapacity: 1 })
    const log: unknown[] = []
    pool.on('queued', (task) => log.push([task, task.state]))
    pool.start()
    const running = pool.queueTask(hang)
    log.push('returned')
    const queued = pool.queueTask(hang)
    log.push('returned')
    expect(log).toEqual([[running, 'running'], 'returned', [queued, 'queued'], 'returned'])
  })

  it('emits refused before the throw', () => {
    const { pool } = make({ queueCapacity: 0 })
    const log: unknown[] = []
    pool.on('refused', (refusal) => log.push(refusal))
    try {
      pool.queueTask(hang)
    } catch (error) {
      log.push(error)
    }
    expect(log[1]).toBeInstanceOf(QueueFullError)
    expect(log).toEqual([{ error: log[1] }, log[1]])
  })

  it('emits refused with the name and the key of the task: a handler has its own name', () => {
    const pool = new WorkerPool({ concurrency: 1, queueCapacity: 0, handlers: { resize: () => {} } })
    const log: unknown[] = []
    pool.on('refused', ({ error: _, ...rest }) => log.push(rest))
    expect(() => pool.queueTask('resize', undefined, { key: 'k' })).toThrow(QueueFullError)
    expect(() => pool.queueTask(hang, { name: 'n' })).toThrow(QueueFullError)
    expect(log).toEqual([{ name: 'resize', key: 'k' }, { name: 'n' }])
  })
})

describe('the cost of events', () => {
  class CountingClock extends ManualClock {
    bytes = 0
    override randomBytes(count: number): Uint8Array {
      this.bytes += count
      return super.randomBytes(count)
    }
  }

  it('F8 without a listener nothing is created for a task that is not observed, not even an id', async () => {
    const clock = new CountingClock()
    const pool = new WorkerPool({ concurrency: 2, queueCapacity: 100, clock }).start()
    for (let n = 0; n < 50; n++) pool.queueTask(() => n)
    await clock.turn()
    const report = await pool.stop({ graceMs: 0 })
    expect(report.canceled).toBe(0)
    expect(pool.stats().totals.succeeded).toBe(50)
    expect(clock.bytes).toBe(0)
  })

  it('F8 with listeners that do not read the id, none is generated', async () => {
    const clock = new CountingClock()
    const pool = new WorkerPool({ concurrency: 2, queueCapacity: 100, clock }).start()
    let settled = 0
    pool.on('settled', () => settled++)
    for (let n = 0; n < 50; n++) pool.queueTask(() => n)
    await clock.turn()
    expect([settled, clock.bytes]).toEqual([50, 0])
    expect(pool.tasks({ limit: 1 })[0]?.id).toHaveLength(28)
    expect(clock.bytes).toBeGreaterThan(0)
  })

  it('F8 a listener of canceled that does not read the error displaces no ticket', async () => {
    const { clock, pool } = make({ retention: { count: 1 } })
    const notices: { readonly error: unknown }[] = []
    pool.start().on('canceled', (_, notice) => notices.push(notice))
    const { id } = pool.queueTask(() => 'done')
    await clock.turn()
    const canceled = pool.queueTask(hang)
    canceled.cancel()
    expect(notices).toHaveLength(1)
    expect(pool.task(id)?.state).toBe('succeeded')
    expect(notices[0]?.error).toBe(canceled.error)
    expect(notices[0]?.error).toHaveProperty('id', canceled.id)
  })

  it('F8 progress without a listener is still in the record, once per turn in its revision', async () => {
    const { clock, pool } = make()
    pool.start()
    let context!: TaskContext
    const task = pool.queueTask((ctx) => {
      context = ctx
      return hang()
    })
    await clock.turn()
    const { revision } = task.record()
    context.progress(0.25)
    context.progress(0.5, 'half')
    expect(task.record()).toMatchObject({ revision, progress: { ratio: 0.5, message: 'half' } })
    await clock.turn()
    expect(task.record()).toMatchObject({ revision: revision + 1, progress: { ratio: 0.5, message: 'half' } })
  })
})

describe('a promise created before a task ended', () => {
  it('is settled, also when another one is created by a listener of the next task', async () => {
    const clock = new ManualClock()
    const pool = new WorkerPool({ concurrency: 1, queueCapacity: 0, clock }).start()
    const end = gate<string>()
    const task = pool.queueTask(() => end.promise)
    const asked = [task.result(), task.settled()]
    void pool.queueTaskWhenFree(() => 'next')
    await clock.turn()
    pool.on('queued', () => asked.push(task.result(), task.settled()))
    end.open('done')
    await clock.turn()
    expect(await Promise.all(asked)).toEqual(['done', task, 'done', task])
  })
})
