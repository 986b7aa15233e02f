import { AsyncLocalStorage } from 'node:async_hooks'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { type Handlers, type Task, type TaskContext, WorkerPool, type WorkerPoolOptions } from '../src/index.js'
import { RateWindow } from '../src/scheduler/rate-window.js'
import { expectBalance } from './support/books.js'
import { gate } from './support/gate.js'
import { listenersOn, never } from './support/pools.js'

const KIB = 1_024
const MIB = 1_024 * KIB

/** Bytes of the heap that are still in use after a thorough collection. */
async function heap(): Promise<number> {
  for (let round = 0; round < 4; round++) {
    await nextTurn()
    globalThis.gc?.()
  }
  return process.memoryUsage().heapUsed
}

/** A pool on the system's clock: nothing here waits for time. */
function pool(options: Partial<WorkerPoolOptions<Handlers>> = {}): WorkerPool {
  return (new WorkerPool({ concurrency: 4, queueCapacity: 10_000, ...options }) as WorkerPool).start()
}

/**
 * How much more of the heap is in use after each round than after the one before: the median of three parts, after a
 * part of the same length to warm up. What leaks does so in each part; what the engine compiles or throws away comes once,
 * some 250 KB at a time: a round that a leak of a few bytes should show in has to be made often enough.
 */
async function growth(round: () => Promise<void>, rounds: number): Promise<number> {
  const parts: number[] = []
  for (let part = 0; part < 4; part++) {
    const before = await heap()
    for (let n = 0; n < rounds / 3; n++) await round()
    parts.push(((await heap()) - before) / (rounds / 3))
  }
  const [, ...warm] = parts
  return warm.sort((a, b) => a - b)[1] as number
}

it('the collector can be asked', () => {
  expect(globalThis.gc).toBeTypeOf('function')
})

describe('memory in use', () => {
  it('L1 does not grow with the tasks that went through', async () => {
    const { signal } = new AbortController()
    const it = pool({
      concurrency: 16,
      retention: { count: 100 },
      perKey: { concurrency: 4 },
      onUnobservedError: () => {},
      handlers: { echo: async (input: unknown) => input }
    })
    let n = 0
    const endings: (() => Task)[] = [
      () => it.queueTask(() => n),
      () => it.queueTask(async () => ({ n })),
      () => it.queueTask(() => Promise.reject(new Error(`${n}`))),
      () => it.queueTask(async ({ signal, stopping }) => signal.aborted || stopping.aborted, { timeoutMs: 60_000 }),
      () => it.queueTask(({ progress }) => progress(0.5, `${n}`), { metadata: { n }, name: `task ${n}` }),
      () => it.queueTask(() => n, { key: `key ${n}`, priority: n % 50, signal }),
      () =>
        it.queueTask(({ attempt }) => (attempt < 2 ? Promise.reject(n) : n), { retry: { attempts: 2, backoffMs: 0 } }),
      () => it.queueTask(() => n, { queueTimeoutMs: 60_000, id: `id-${n}` }),
      () => (it as unknown as WorkerPool<{ echo: (n: object) => unknown }>).queueTask('echo', { n })
    ]
    const round = async (): Promise<void> => {
      const tasks: Task[] = []
      for (let i = 0; i < 5_000; i++, n++) tasks.push((endings[n % endings.length] as () => Task)())
      for (const task of tasks) {
        if (task.record().attempt === 0 && n % 2 === 0) void task.id
        if (task.state !== 'running') task.cancel()
        else void task.settled().then(() => task.record())
      }
      for (let i = 0; i < 1_000; i++, n++) (endings[n % 7] as () => Task)()
      await it.drain()
    }
    const each = await growth(round, 36)
    const { totals, retained, retention } = expectBalance(it)
    expect(totals.accepted).toBe(48 * 6_000)
    expect([retention.retained, retained]).toEqual([100, 200])
    expect(Math.min(totals.succeeded, totals.failed, totals.canceled)).toBeGreaterThan(1_000)
    expect(listenersOn(signal)).toBe(0)
    expect(each).toBeLessThan(30 * KIB) // five bytes a task would be 30 KiB a round
    await it.stop({ graceMs: 0 })
  })

  it('L1 does not grow over a million tasks whose ticket nobody reads, and keeps every ticket', async () => {
    const it = pool({ concurrency: 10, queueCapacity: 1_000 })
    const tickets = Array.from({ length: 1_000 }, () => it.queueTask(() => 'done').id)
    await it.drain()
    const each = await growth(async () => {
      for (let round = 0; round < 25; round++) {
        for (let n = 0; n < 1_000; n++) it.queueTask(() => n)
        await it.drain()
      }
    }, 39)
    expect(expectBalance(it).totals.accepted).toBe(1_000 + 52 * 25_000)
    expect(each).toBeLessThan(40 * KIB) // two bytes a task
    expect(it.stats()).toMatchObject({ retained: 1_100, retention: { retained: 1_000, forgottenEarly: 0 } })
    expect(tickets.every((id) => it.task(id) !== undefined)).toBe(true)
    await it.stop({ graceMs: 0 })
  })

  it('L4 does not grow with tasks that were queued and canceled behind a task that blocks', async () => {
    const it = pool({ concurrency: 1, queueCapacity: 100, retention: { count: 10 } })
    const blocker = gate()
    it.queueTask(() => blocker.promise)
    const { signal } = new AbortController()
    let n = 0
    const each = await growth(async () => {
      for (let i = 0; i < 10_000; i++, n++)
        it.queueTask(() => n, { signal, key: `${n}`, priority: n % 1_000, timeoutMs: 1e6, queueTimeoutMs: 1e6 }).cancel(
          n
        )
      for (let i = 0; i < 10_000; i++) it.queueTask(never).cancel()
    }, 15)
    expect(each).toBeLessThan(40 * KIB) // two bytes a task
    expect(expectBalance(it)).toMatchObject({ running: 1, queued: 0, totals: { canceled: 400_000 } })
    expect(listenersOn(signal)).toBe(0)
    blocker.open()
    await it.stop({ graceMs: 0 })
  })

  it('L4 does not grow with waits that ended without a place', async () => {
    const it = pool({ concurrency: 1, queueCapacity: 0, waiterCapacity: 1_000 })
    const blocker = gate()
    it.queueTask(() => blocker.promise)
    const { signal } = new AbortController()
    const each = await growth(async () => {
      const controller = new AbortController()
      const waits = Array.from({ length: 1_000 }, (_, n) =>
        it
          .queueTaskWhenFree(never, {
            waitSignal: n % 2 === 0 ? controller.signal : signal,
            waitMs: 1e6,
            signal: controller.signal
          })
          .catch(() => {})
      )
      await nextTurn()
      controller.abort()
      await Promise.all(waits)
    }, 90)
    expect(each).toBeLessThan(10 * KIB) // ten bytes a wait
    expect(expectBalance(it)).toMatchObject({ waiting: 0, totals: { refused: 120_000 } })
    expect(listenersOn(signal)).toBe(0)
    blocker.open()
    await it.stop({ graceMs: 0 })
  })

  it('does not grow with keys, priorities and refusals of the past', async () => {
    const it = pool({
      concurrency: 2,
      queueCapacity: 100,
      perKey: { concurrency: 1, queueCapacity: 1 },
      retention: { count: 0 }
    })
    let n = 0
    const each = await growth(async () => {
      for (let i = 0; i < 5_000; i++, n++) {
        const key = `client ${n}`
        try {
          for (let j = 0; j < 3; j++) it.queueTask(() => n, { key, priority: n })
        } catch {
          // A share of the key is full: that is wanted.
        }
        if (i % 30 === 0) await it.drain()
      }
      await it.drain()
    }, 15)
    expect(each).toBeLessThan(20 * KIB)
    expect(expectBalance(it)).toMatchObject({ running: 0, queued: 0, retained: 0 })
    expect(it.stats().totals.refused).toBeGreaterThan(10_000)
    await it.stop({ graceMs: 0 })
  })

  it.each([
    ['half as many as it may', 1],
    ['one', 10]
  ])('does not grow with the starts that a rate limit has forgotten, where it holds %s', async (_held, passMs) => {
    const rate = new RateWindow(10, 5)
    let now = 0
    const each = await growth(async () => {
      for (let i = 0; i < 100_000; i++, now += passMs) {
        if (!rate.allows(now)) throw new Error('it holds at most five of ten')
        rate.take()
        rate.called(now)
      }
    }, 9)
    expect(each).toBeLessThan(20 * KIB)
  })

  it('L7 is given back after a burst', async () => {
    const it = pool({ concurrency: 4, queueCapacity: Number.POSITIVE_INFINITY, retention: { count: 0 } })
    await it.queueTask(() => 1).settled()
    const before = await heap()
    for (let n = 0; n < 200_000; n++) it.queueTask(() => n, { key: `${n % 1_000}`, priority: n % 10 })
    const during = await heap()
    expect(during - before).toBeGreaterThan(10 * MIB) // else this would measure nothing
    await it.drain()
    expect((await heap()) - before).toBeLessThan(2 * MIB)
    expect(expectBalance(it).totals.succeeded).toBe(200_001)
    await it.stop({ graceMs: 0 })
  })

  it('L6 of pools that were made, used and dropped is given back, and they leave nothing on the process', async () => {
    const listeners = () => process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0)
    const before = listeners()
    const each = await growth(async () => {
      for (let n = 0; n < 200; n++) {
        const it = pool()
        it.on('settled', () => {})
        await it.queueTask(() => n).result()
        await it.stop({ graceMs: 0 })
        new WorkerPool({ concurrency: 1, queueCapacity: 1 })
      }
    }, 36)
    expect(each).toBeLessThan(60 * KIB) // 300 bytes a pool
    expect(listeners()).toBe(before)
  })
})

describe('what a retained task holds', () => {
  /** Watches objects until they are collected. */
  class Watched {
    readonly #refs = new Map<string, WeakRef<object>>()

    add<T extends object>(name: string, object: T): T {
      this.#refs.set(name, new WeakRef(object))
      return object
    }

    /** The names of those that are still held. */
    async left(): Promise<string[]> {
      for (let round = 0; round < 10; round++) {
        await nextTurn()
        globalThis.gc?.()
      }
      return [...this.#refs].filter(([, ref]) => ref.deref() !== undefined).map(([name]) => name)
    }
  }

  const caller = new AsyncLocalStorage<object>()

  const formatted = (error: Error): Error => {
    expect(error.stack).toMatch(/^Error: badly/)
    return error
  }

  /** Queues a task of which all is watched; a function of its own, so that nothing stays on this stack. */
  const queueWatched = (
    it: WorkerPool,
    watched: Watched,
    name: string,
    run: (ctx: TaskContext) => unknown,
    options = {}
  ) => {
    const closure = watched.add(`closure of ${name}`, { large: new Array(100).fill(name) })
    const store = watched.add(`context of ${name}`, { user: name })
    const { signal } = watched.add(`controller of ${name}`, new AbortController())
    watched.add(`signal of ${name}`, signal)
    return caller.run(store, () =>
      it.queueTask(
        watched.add(`function of ${name}`, (ctx: TaskContext) => {
          closure.large.push(name)
          watched.add(`ctx of ${name}`, ctx)
          watched.add(`ctx.signal of ${name}`, ctx.signal)
          watched.add(`ctx.stopping of ${name}`, ctx.stopping)
          return run(ctx)
        }),
        { signal, ...options }
      )
    )
  }

  it('L2 is data and the result: function, closure, signal, context and `ctx` are let go at the settle', async () => {
    const it = pool({ concurrency: 10, onUnobservedError: () => {} })
    const watched = new Watched()
    const ends: Record<string, (ctx: TaskContext) => unknown> = {
      succeeded: () => 'well',
      'succeeded later': async () => {
        await nextTurn()
        return 'well'
      },
      // The engine keeps the functions of an error's stack until somebody has read it as a text.
      failed: () => Promise.reject(formatted(new Error('badly'))),
      'failed at once': () => {
        throw formatted(new Error('badly'))
      },
      canceled: ({ signal }) =>
        new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
      progressing: ({ progress }) => progress(0.5)
    }
    const tasks = Object.entries(ends).map(([name, end]) =>
      queueWatched(it, watched, name, end, { timeoutMs: 60_000, metadata: { name }, name })
    )
    const uncalled = queueWatched(it, watched, 'uncalled', () => {})
    uncalled.cancel()
    await nextTurn()
    tasks[4]?.cancel()
    await it.drain()
    expect(await watched.left()).toEqual([])
    expect(tasks.map(({ id, state }) => [it.task(id) === undefined, state])).toEqual(
      ['succeeded', 'succeeded', 'failed', 'failed', 'canceled', 'succeeded'].map((state) => [false, state])
    )
    expect(uncalled.record()).toMatchObject({ state: 'canceled' })
    expect(tasks[0]?.record()).toMatchObject({ name: 'succeeded', metadata: { name: 'succeeded' }, result: 'well' })
    expectBalance(it)
    await it.stop({ graceMs: 0 })
  })

  it('L2 the input of a handler is let go, the result kept', async () => {
    const it = pool({ handlers: { size: async (input: { rows: number[] }) => input.rows.length } })
    const watched = new Watched()
    const queue = () =>
      (it as unknown as WorkerPool<{ size: (input: object) => Promise<number> }>).queueTask(
        'size',
        watched.add('input', { rows: [1, 2, 3] })
      )
    const task = queue()
    await task.settled()
    expect(await watched.left()).toEqual([])
    expect(task.record()).toMatchObject({ name: 'size', result: 3 })
    expectBalance(it)
    await it.stop({ graceMs: 0 })
  })

  it('L2 no timer that was set for a task keeps the context of its caller', async () => {
    const it = pool({ concurrency: 1, retention: { ms: 600_000 } })
    const watched = new Watched()
    const tasks = [
      queueWatched(it, watched, 'limited', () => 1, { timeoutMs: 600_000 }),
      queueWatched(it, watched, 'queued', () => 2, { queueTimeoutMs: 300_000 }),
      queueWatched(it, watched, 'plain', () => 3)
    ]
    await it.drain()
    expect(await watched.left()).toEqual([])
    expect(tasks.map(({ state }) => state)).toEqual(['succeeded', 'succeeded', 'succeeded'])
    expectBalance(it)
    await it.stop({ graceMs: 0 })
  })

  it('L2 what a waiter was given is let go when it leaves without a place', async () => {
    const it = pool({ concurrency: 1, queueCapacity: 0, waiterCapacity: 5 })
    const blocker = gate()
    it.queueTask(() => blocker.promise)
    const watched = new Watched()
    const wait = (): Promise<unknown> => {
      const controller = watched.add('controller', new AbortController())
      const left = it
        .queueTaskWhenFree(
          watched.add('function', () => 1),
          { waitSignal: controller.signal, waitMs: 600_000 }
        )
        .catch(() => 'left')
      controller.abort()
      return left
    }
    expect(await wait()).toBe('left')
    expect(await watched.left()).toEqual([])
    blocker.open()
    await it.drain()
    expectBalance(it)
    await it.stop({ graceMs: 0 })
  })

  it('L2 signals of an attempt are let go at its end, also while the task waits for its retry', async () => {
    const it = pool({ concurrency: 1 })
    const watched = new Watched()
    const task = it.queueTask(
      (ctx) => {
        watched.add('ctx', ctx)
        watched.add('signal', ctx.signal)
        watched.add('stopping', ctx.stopping)
        throw new Error('again')
      },
      { retry: { attempts: 2, backoffMs: () => 600_000 } }
    )
    await nextTurn()
    expect(it.stats().delayed).toBe(1)
    expect(await watched.left()).toEqual([])
    task.cancel()
    expectBalance(it)
    await it.stop({ graceMs: 0 })
  })

  it('L2 a task that is not retained is collected with its result', async () => {
    const it = pool({ retention: { count: 1 } })
    const watched = new Watched()
    const queue = async (name: string): Promise<void> => {
      const task = watched.add(
        `task ${name}`,
        it.queueTask(() => watched.add(`result ${name}`, { name }))
      )
      await task.result()
    }
    await queue('a')
    await queue('b')
    await queue('c')
    expect(await watched.left()).toEqual(['task c', 'result c'])
    expect(expectBalance(it).retained).toBe(1)
    await it.stop({ graceMs: 0 })
  })
})

describe('signals that live long', () => {
  it('L11 a hundred drains and waits on one signal are one listener, and none when they have ended', async () => {
    const it = pool({ concurrency: 1, queueCapacity: 0, waiterCapacity: 100 })
    const blocker = gate()
    const { signal } = new AbortController()
    it.queueTask(() => blocker.promise, { signal })
    const drains = Array.from({ length: 100 }, () => it.drain({ signal, timeoutMs: 600_000 }))
    const waits = Array.from({ length: 100 }, () => it.queueTaskWhenFree(() => 1, { waitSignal: signal, signal }))
    await nextTurn()
    expect(listenersOn(signal)).toBe(1)
    blocker.open()
    await Promise.all(drains)
    for (const wait of waits) await (await wait).result()
    expect(listenersOn(signal)).toBe(0)
    expect(expectBalance(it)).toMatchObject({ waiting: 0, totals: { succeeded: 101 } })
    await it.stop({ graceMs: 0 })
  })

  it('C10 L10 ten thousand tasks, drains and pools on one signal leave the heap flat, and no warning is printed', async () => {
    const warnings: Error[] = []
    const hear = (warning: Error) => warnings.push(warning)
    process.on('warning', hear)
    const { signal } = new AbortController()
    const it = pool({ retention: { count: 0 } })
    const each = await growth(async () => {
      for (let n = 0; n < 1_000; n++) {
        it.queueTask(() => n, { signal })
        void it.drain({ signal })
      }
      await it.drain({ signal })
      const other = (new WorkerPool({ concurrency: 1, queueCapacity: 1 }) as WorkerPool).start({ signal })
      await other.queueTask(() => 1, { signal }).result()
      expect(listenersOn(signal)).toBe(1)
      await other.stop({ graceMs: 0 })
    }, 60)
    expect(each).toBeLessThan(20 * KIB)
    expect(listenersOn(signal)).toBe(0)
    await nextTurn()
    process.off('warning', hear)
    expect(warnings).toEqual([])
    expectBalance(it)
    await it.stop({ graceMs: 0 })
  })
})
