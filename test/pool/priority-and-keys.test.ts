import { describe, expect, it } from 'vitest'
import { KeyQueueFullError, QueueFullError, type Task, type TaskOptions, type WorkerPool } from '../../src/index.js'
import { expectBalance } from '../support/books.js'
import { type Gate, gate } from '../support/gate.js'
import { never, startedPool, statesOf, thrown, untilAborted, watchedPool } from '../support/pools.js'

/** Records the names of tasks in the order of their starts. */
const starts = (pool: WorkerPool): string[] => {
  const order: string[] = []
  pool.on('started', ({ name }) => order.push(name ?? ''))
  return order
}

/** Queues one task for each name; each ends at once. */
const queueAll = (pool: WorkerPool, names: readonly string[], options: (name: string) => TaskOptions): Task[] =>
  names.map((name) => pool.queueTask(() => name, { ...options(name), name }))

describe('priorities', () => {
  it('start higher first, and first in, first out within one', async () => {
    const { clock, pool } = watchedPool({ concurrency: 1, queueCapacity: 20 })
    const order = starts(pool)
    const names = ['0a', '5a', '-3a', '0b', '5b', '-3b', '9a', '0c']
    queueAll(pool, names, (name) => ({ priority: Number.parseInt(name, 10) }))
    queueAll(pool, ['0d'], () => ({}))
    pool.start()
    await clock.turn()
    expect(order).toEqual(['9a', '5a', '5b', '0a', '0b', '0c', '0d', '-3a', '-3b'])
  })

  it('take any safe integer', async () => {
    const { clock, pool } = watchedPool({ concurrency: 1 })
    const order = starts(pool)
    const values = [0, Number.MIN_SAFE_INTEGER, -0, Number.MAX_SAFE_INTEGER]
    for (const priority of values) pool.queueTask(() => {}, { priority, name: `${priority}` })
    for (const priority of [1.5, Number.MAX_SAFE_INTEGER + 1, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => pool.queueTask(never, { priority })).toThrow(RangeError)
    }
    pool.start()
    await clock.turn()
    expect(order).toEqual([`${Number.MAX_SAFE_INTEGER}`, '0', '0', `${Number.MIN_SAFE_INTEGER}`])
    expect(pool.stats().totals).toMatchObject({ submitted: 4, refused: 0 })
  })

  it('apply to queued tasks: they do not displace a running task, nor reorder the waiters', async () => {
    const { clock, pool } = startedPool({ concurrency: 1, queueCapacity: 1, waiterCapacity: 5 })
    const order = starts(pool)
    const running = pool.queueTask(untilAborted, { name: 'running' })
    pool.queueTask(() => 1, { name: 'queued', priority: -1 })
    void pool.queueTaskWhenFree(() => 1, { name: 'low', priority: -5 })
    void pool.queueTaskWhenFree(() => 1, { name: 'high', priority: 100 })
    await clock.turn()
    expect(expectBalance(pool)).toMatchObject({ running: 1, queued: 1, waiting: 2 })
    running.cancel()
    await clock.turn()
    expect(order).toEqual(['running', 'queued', 'low', 'high'])
  })

  it('keep their order when tasks are canceled from the middle', async () => {
    const { clock, pool } = watchedPool({ concurrency: 1, queueCapacity: 100 })
    const order = starts(pool)
    const names = Array.from({ length: 30 }, (_, n) => `${n}`)
    const tasks = queueAll(pool, names, (name) => ({ priority: Number(name) % 3 }))
    for (const [n, task] of tasks.entries()) if (n % 4 === 1) task.cancel()
    pool.start()
    await clock.turn()
    const left = names.filter((name) => Number(name) % 4 !== 1)
    const expected = [2, 1, 0].flatMap((priority) => left.filter((name) => Number(name) % 3 === priority))
    expect(order).toEqual(expected)
  })
})

describe('keys', () => {
  it('take turns; tasks without a key together count as one key', async () => {
    const { clock, pool } = watchedPool({ concurrency: 1, queueCapacity: 20 })
    const order = starts(pool)
    const names = ['a1', 'a2', 'a3', 'a4', 'b1', '-1', '-2', '-3', 'c1', 'c2', 'b2']
    queueAll(pool, names, (name) => (name.startsWith('-') ? {} : { key: name.charAt(0) }))
    pool.start()
    await clock.turn()
    expect(order).toEqual(['a1', 'b1', '-1', 'c1', 'a2', 'b2', '-2', 'c2', 'a3', '-3', 'a4'])
  })

  it('take turns within a priority only', async () => {
    const { clock, pool } = watchedPool({ concurrency: 1, queueCapacity: 20 })
    const order = starts(pool)
    queueAll(pool, ['a1', 'a2', 'b1'], (name) => ({ key: name.charAt(0) }))
    queueAll(pool, ['A1', 'A2', 'B1'], (name) => ({ key: name.charAt(0).toLowerCase(), priority: 1 }))
    pool.start()
    await clock.turn()
    expect(order).toEqual(['A1', 'B1', 'A2', 'a1', 'b1', 'a2'])
  })

  it.each([1, 4])(
    'one noisy key with a thousand tasks delays the five of another by a dozen starts at most (concurrency %i)',
    async (concurrency) => {
      const { clock, pool } = startedPool({ concurrency, queueCapacity: 2_000 })
      const order = starts(pool)
      queueAll(
        pool,
        Array.from({ length: 500 }, (_, n) => `noisy ${n}`),
        () => ({ key: 'noisy' })
      )
      const quiet: Task[] = []
      const since = order.length
      quiet.push(...queueAll(pool, ['quiet 1', 'quiet 2', 'quiet 3', 'quiet 4', 'quiet 5'], () => ({ key: 'quiet' })))
      queueAll(
        pool,
        Array.from({ length: 500 }, (_, n) => `noisy ${500 + n}`),
        () => ({ key: 'noisy' })
      )
      await clock.turn()
      const last = order.indexOf('quiet 5')
      expect(order.filter((name) => name.startsWith('quiet'))).toHaveLength(5)
      expect(order.slice(since, last).filter((name) => name.startsWith('noisy')).length).toBeLessThanOrEqual(12)
      expect(order.filter((name) => name.startsWith('noisy'))).toEqual(
        Array.from({ length: 1_000 }, (_, n) => `noisy ${n}`)
      )
    }
  )

  it('a new key has its turn before any other has two', async () => {
    const { clock, pool } = startedPool({ concurrency: 1, queueCapacity: 2_000 })
    const order = starts(pool)
    const blocker = pool.queueTask(untilAborted, { name: 'blocker' })
    for (let k = 0; k < 10; k++) {
      queueAll(
        pool,
        Array.from({ length: 10 }, (_, n) => `${k}.${n}`),
        () => ({ key: `${k}` })
      )
    }
    await clock.turn()
    const late = pool.queueTask(() => 1, { key: 'late', name: 'late' })
    blocker.cancel()
    await clock.turn()
    expect(late.state).toBe('succeeded')
    expect(order.indexOf('late')).toBe(11)
  })

  it('`perKey.concurrency` bounds the running tasks of a key; other keys go on', async () => {
    const { clock, pool } = startedPool({ concurrency: 4, queueCapacity: 20, perKey: { concurrency: 2 } })
    const running = new Map<string, number>()
    const most = new Map<string, number>()
    const gates = new Map<string, Gate>()
    const queue = (name: string): Task =>
      pool.queueTask(
        async ({ key = '-' }) => {
          running.set(key, (running.get(key) ?? 0) + 1)
          most.set(key, Math.max(most.get(key) ?? 0, running.get(key) as number))
          const end = gate()
          gates.set(name, end)
          await end.promise
          running.set(key, (running.get(key) as number) - 1)
        },
        { name, ...(name.startsWith('-') ? {} : { key: name.charAt(0) }) }
      )
    const order = starts(pool)
    const tasks = ['a1', 'a2', 'a3', 'a4', 'b1', 'b2', 'b3', '-1'].map(queue)
    await clock.turn()
    expect(order).toEqual(['a1', 'a2', 'b1', 'b2'])
    gates.get('b1')?.open()
    await clock.turn()
    expect(order.slice(4)).toEqual(['b3'])
    gates.get('b2')?.open()
    await clock.turn()
    expect(order.slice(5)).toEqual(['-1'])
    gates.get('-1')?.open()
    await clock.turn()
    expect(expectBalance(pool)).toMatchObject({ running: 3, queued: 2 }) // a worker is free, but a runs two already
    gates.get('a2')?.open()
    await clock.turn()
    expect(order.slice(6)).toEqual(['a3'])
    for (let round = 0; round < 4; round++) {
      for (const { open } of gates.values()) open()
      await clock.turn()
    }
    expect(new Set(statesOf(tasks))).toEqual(new Set(['succeeded']))
    expect(Object.fromEntries(most)).toEqual({ a: 2, b: 2, '-': 1 })
    expect(order).toEqual(['a1', 'a2', 'b1', 'b2', 'b3', '-1', 'a3', 'a4'])
  })

  it('a key at its limit blocks no lower priorities and keeps its own order', async () => {
    const { clock, pool } = startedPool({ concurrency: 3, queueCapacity: 20, perKey: { concurrency: 1 } })
    const order = starts(pool)
    const first = pool.queueTask(untilAborted, { key: 'a', name: 'a running' })
    queueAll(pool, ['a high 1', 'a high 2'], () => ({ key: 'a', priority: 9 }))
    queueAll(pool, ['a low'], () => ({ key: 'a', priority: -9 }))
    queueAll(pool, ['b'], () => ({ key: 'b', priority: -9 }))
    queueAll(pool, ['a highest'], () => ({ key: 'a', priority: 10 }))
    await clock.turn()
    expect(order).toEqual(['a running', 'b'])
    expect(expectBalance(pool)).toMatchObject({ running: 1, queued: 4 })
    first.cancel()
    await clock.turn()
    expect(order.slice(2)).toEqual(['a highest', 'a high 1', 'a high 2', 'a low'])
  })

  it('removes canceled tasks of a key at its limit', async () => {
    const { clock, pool } = startedPool({ concurrency: 2, queueCapacity: 20, perKey: { concurrency: 1 } })
    const order = starts(pool)
    const running = pool.queueTask(untilAborted, { key: 'a', name: 'running' })
    await clock.turn()
    const parked = queueAll(pool, ['1', '2', '3'], () => ({ key: 'a' }))
    await clock.turn()
    for (const task of parked.slice(0, 2)) task.cancel()
    expect(expectBalance(pool)).toMatchObject({ running: 1, queued: 1 })
    parked[2]?.cancel()
    const again = pool.queueTask(() => 1, { key: 'a', name: 'again' })
    running.cancel()
    await clock.turn()
    expect(again.state).toBe('succeeded')
    expect(order).toEqual(['running', 'again'])
  })

  it('`perKey.queueCapacity` refuses the key, not the pool, with the figures of the key', async () => {
    const { clock, pool, witness } = startedPool({
      concurrency: 2,
      queueCapacity: 10,
      perKey: { concurrency: 1, queueCapacity: 2 }
    })
    const running = pool.queueTask(untilAborted, { key: 'a' })
    const queued = [1, 2].map(() => pool.queueTask(never, { key: 'a' }))
    const error = thrown(() => pool.queueTask(never, { key: 'a', name: 'too many' })) as KeyQueueFullError
    expect(error).toBeInstanceOf(KeyQueueFullError)
    expect(error).not.toBeInstanceOf(QueueFullError)
    expect({ ...error }).toMatchObject({
      code: 'ERR_KEY_QUEUE_FULL',
      key: 'a',
      queueCapacity: 2,
      running: 1,
      queued: 2,
      retryAfterMs: 1_000
    })
    expect(error.stack).toContain('priority-and-keys.test')
    expect(witness.told.at(-1)).toEqual({ event: 'refused', args: [{ error, name: 'too many', key: 'a' }] })
    expect(pool.queueTask(never, { key: 'b' }).state).toBe('running')
    expect(pool.queueTask(never).state).toBe('queued')
    queued[0]?.cancel()
    expect(pool.queueTask(never, { key: 'a' }).state).toBe('queued')
    expect(() => pool.queueTask(never, { key: 'a' })).toThrow(KeyQueueFullError)
    await clock.turn()
    running.cancel()
    await clock.turn()
    expect(pool.queueTask(never, { key: 'a' }).state).toBe('queued')
    expect(() => pool.queueTask(never, { key: 'a' })).toThrow(KeyQueueFullError)
    expect(expectBalance(pool).totals).toMatchObject({ refused: 3 })
  })

  it('`perKey.queueCapacity: 0` gives a task to a free worker or refuses it', async () => {
    const { clock, pool } = startedPool({
      concurrency: 2,
      queueCapacity: 10,
      perKey: { concurrency: 1, queueCapacity: 0 }
    })
    const first = pool.queueTask(untilAborted, { key: 'a' })
    expect(first.state).toBe('running')
    expect(() => pool.queueTask(never, { key: 'a' })).toThrow(KeyQueueFullError)
    expect(pool.queueTask(never, { key: 'b' }).state).toBe('running')
    expect(() => pool.queueTask(never, { key: 'c' })).toThrow(KeyQueueFullError) // no worker is free
    await clock.turn()
    first.cancel()
    await clock.turn()
    expect(pool.queueTask(never, { key: 'a' }).state).toBe('running')
  })

  it('the bound of the key is checked before that of the pool', () => {
    const { pool } = startedPool({ concurrency: 1, queueCapacity: 1, perKey: { queueCapacity: 1 } })
    pool.queueTask(never)
    pool.queueTask(never, { key: 'a' })
    expect(() => pool.queueTask(never, { key: 'a' })).toThrow(KeyQueueFullError)
    expect(() => pool.queueTask(never, { key: 'b' })).toThrow(QueueFullError)
    expect(() => pool.queueTask(never)).toThrow(QueueFullError)
  })

  it('a task that waits for its retry keeps its place in the share of its key', async () => {
    const { clock, pool } = startedPool({
      concurrency: 4,
      queueCapacity: 10,
      perKey: { concurrency: 1, queueCapacity: 1 }
    })
    const failing = pool.queueTask(() => Promise.reject(new Error('again')), {
      key: 'a',
      retry: { attempts: 2, backoffMs: () => 1_000 }
    })
    await clock.turn()
    expect(expectBalance(pool)).toMatchObject({ delayed: 1, running: 0 })
    const running = pool.queueTask(untilAborted, { key: 'a' })
    expect(running.state).toBe('running')
    expect(() => pool.queueTask(never, { key: 'a' })).toThrow(KeyQueueFullError)
    await clock.advance(1_000)
    expect(expectBalance(pool)).toMatchObject({ delayed: 0, queued: 1, running: 1 })
    running.cancel()
    await clock.turn()
    expect(failing.record()).toMatchObject({ state: 'failed', attempt: 2 })
    expect(pool.queueTask(never, { key: 'a' }).state).toBe('running')
    expect(pool.queueTask(never, { key: 'a' }).state).toBe('queued')
  })

  it('A21 keeps a key within its own bounds, however many of its tasks wait for a retry', async () => {
    const { clock, pool } = startedPool({
      concurrency: 4,
      queueCapacity: 10,
      perKey: { concurrency: 1, queueCapacity: 1 }
    })
    const options = { key: 'a', retry: { attempts: 2, backoffMs: () => 1_000 } }
    for (let n = 0; n < 2; n++) {
      pool.queueTask(() => Promise.reject(new Error('again')), options)
      await clock.turn()
    }
    expect(expectBalance(pool)).toMatchObject({ delayed: 2, running: 0 })
    const error = thrown(() => pool.queueTask(never, { key: 'a' }))
    expect(error).toBeInstanceOf(KeyQueueFullError)
    expect({ ...(error as KeyQueueFullError) }).toMatchObject({ key: 'a', running: 0, queued: 2 })
    await clock.advance(1_000)
    expect(expectBalance(pool)).toMatchObject({ delayed: 0, totals: { failed: 2 } })
    expect(pool.queueTask(never, { key: 'a' }).state).toBe('running')
  })

  it('still counts the running tasks of a key when all its queued tasks are canceled', async () => {
    const { clock, pool } = startedPool({ concurrency: 4, queueCapacity: 10, perKey: { concurrency: 1 } })
    const running = pool.queueTask(untilAborted, { key: 'a' })
    pool.queueTask(never, { key: 'a' }).cancel()
    const next = pool.queueTask(() => 'next', { key: 'a' })
    await clock.turn()
    expect(statesOf([running, next])).toEqual(['running', 'queued'])
    running.cancel()
    await clock.turn()
    expect(await next.result()).toBe('next')
  })

  it('A20 bounds the queue also when every task belongs to a key at its limit', async () => {
    const { clock, pool } = startedPool({ concurrency: 5, queueCapacity: 3, perKey: { concurrency: 1 } })
    for (let n = 0; n < 4; n++) pool.queueTask(never, { key: 'a' })
    const error = thrown(() => pool.queueTask(never, { key: 'a' }))
    expect(error).toBeInstanceOf(QueueFullError)
    expect({ ...(error as QueueFullError) }).toMatchObject({ concurrency: 5, queueCapacity: 3, running: 1, queued: 3 })
    expect(pool.queueTask(never, { key: 'b' }).state).toBe('running') // straight to a free worker
    await clock.turn()
    expect(expectBalance(pool)).toMatchObject({ running: 2, queued: 3 })
  })

  it('a share starts at zero again once the key has been idle', async () => {
    const { clock, pool } = startedPool({
      concurrency: 1,
      queueCapacity: 10,
      perKey: { concurrency: 1, queueCapacity: 1 }
    })
    for (let round = 0; round < 100; round++) {
      const tasks = [pool.queueTask(() => 1, { key: 'a' }), pool.queueTask(() => 2, { key: 'a' })]
      expect(() => pool.queueTask(never, { key: 'a' })).toThrow(KeyQueueFullError)
      await clock.turn()
      expect(statesOf(tasks)).toEqual(['succeeded', 'succeeded'])
    }
    expect(expectBalance(pool)).toMatchObject({ running: 0, queued: 0, totals: { succeeded: 200, refused: 100 } })
  })

  it.each(['__proto__', 'constructor', '', '\0', 'x'.repeat(256), '\ud800'])(
    '%j is a key like any other',
    async (key) => {
      const { clock, pool } = startedPool({ concurrency: 2, perKey: { concurrency: 1, queueCapacity: 1 } })
      const tasks = [pool.queueTask(() => 1, { key }), pool.queueTask(() => 2, { key })]
      expect(statesOf(tasks)).toEqual(['running', 'queued'])
      expect(() => pool.queueTask(never, { key })).toThrow(expect.objectContaining({ code: 'ERR_KEY_QUEUE_FULL', key }))
      await clock.turn()
      expect(tasks.map((task) => task.key)).toEqual([key, key])
      expect(statesOf(tasks)).toEqual(['succeeded', 'succeeded'])
    }
  )
})

describe('`oldestQueuedMs`', () => {
  it('is the longest wait of all lanes, 0 when nothing is queued', async () => {
    const { clock, pool } = startedPool({ concurrency: 1, queueCapacity: 10 })
    expect(pool.stats().oldestQueuedMs).toBe(0)
    const running = pool.queueTask(untilAborted)
    await clock.advance(1_000)
    expect(pool.stats().oldestQueuedMs).toBe(0)
    const oldest = pool.queueTask(never, { priority: -5 })
    await clock.advance(100)
    const second = pool.queueTask(never, { key: 'a' })
    await clock.advance(20)
    pool.queueTask(never, { priority: 9 })
    await clock.advance(3)
    expect(pool.stats().oldestQueuedMs).toBe(123)
    oldest.cancel()
    expect(pool.stats().oldestQueuedMs).toBe(23)
    second.cancel()
    expect(pool.stats().oldestQueuedMs).toBe(3)
    running.cancel()
    await clock.advance(50)
    expect(pool.stats().oldestQueuedMs).toBe(0)
  })

  it('grows with the time, not with the turns', async () => {
    const { clock, pool } = watchedPool()
    pool.queueTask(never)
    clock.block(5_000)
    expect(pool.stats().oldestQueuedMs).toBe(5_000)
  })
})
