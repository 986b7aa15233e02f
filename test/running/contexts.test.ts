import { AsyncLocalStorage } from 'node:async_hooks'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { inspect } from 'node:util'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { type PoolEventName, type Task, WorkerPool, type WorkerPoolOptions } from '../../src/index.js'
import { EVENTS } from '../support/event-names.js'
import { ManualClock } from '../support/manual-clock.js'
import { never, untilAborted } from '../support/pools.js'

const storage = new AsyncLocalStorage<string>()

/** A pool with a listener of every event that notes the context in which it is called. */
function observed(options: Partial<WorkerPoolOptions> = {}) {
  const clock = new ManualClock()
  const pool = storage.run(
    'the pool',
    () =>
      new WorkerPool({
        concurrency: 1,
        queueCapacity: 10,
        clock,
        onUnobservedError: (_error, { task }) => note(`unobserved ${task?.name}`),
        ...options
      })
  )
  const seen: string[] = []
  const note = (what: string): void => void seen.push(`${what}: ${storage.getStore()}`)
  for (const event of EVENTS) {
    pool.on(event as PoolEventName, (...about: readonly unknown[]) => {
      const { name } = (about[0] ?? {}) as Partial<Task>
      note(`${event}${name === undefined ? '' : ` ${name}`}`)
    })
  }
  return { clock, pool, seen, note }
}

afterEach(() => vi.restoreAllMocks())

describe('the context of a request', () => {
  it('is that of every event of its task, whoever freed the worker', async () => {
    const { clock, pool, seen } = observed()
    storage.run('main', () => pool.start())
    for (const name of ['A', 'B', 'C'])
      storage.run(name, () => pool.queueTask(async ({ progress }) => progress(0.5), { name }))
    await clock.turn()
    for (const name of ['A', 'B', 'C']) {
      const own = seen.filter((line) => line.includes(` ${name}:`))
      expect(own).toEqual(
        ['queued', 'started', 'succeeded', 'settled']
          .map((event) => `${event} ${name}: ${name}`)
          .toSpliced(2, 0, ...own.filter((line) => line.startsWith('progress')))
      )
    }
  })

  it('is that of `progress` while the task runs, though the turn was begun by another', async () => {
    const { clock, pool, seen } = observed({ concurrency: 3 })
    pool.start()
    for (const name of ['A', 'B', 'C'])
      storage.run(name, () =>
        pool.queueTask(
          ({ progress }) => {
            progress(0.5)
            return never()
          },
          { name }
        )
      )
    await clock.turn()
    expect(seen.filter((line) => line.startsWith('progress'))).toEqual(
      ['A', 'B', 'C'].map((n) => `progress ${n}: ${n}`)
    )
  })

  it('is that of a waiter: of its acceptance, and of its refusal', async () => {
    const { clock, pool, seen } = observed({ queueCapacity: 0, waiterCapacity: 2 })
    pool.start()
    const first = storage.run('A', () => pool.queueTask(untilAborted, { name: 'A' }))
    for (const [name, waitMs] of [
      ['B', 10],
      ['C', 1_000]
    ] as const)
      storage.run(name, () => void pool.queueTaskWhenFree(never, { name, waitMs }).catch(() => {}))
    await storage.run('the clock', () => clock.advance(10))
    storage.run('who cancels', () => first.cancel())
    await clock.turn()
    expect(seen.filter((line) => /refused|queued C|started C/.test(line))).toEqual([
      'refused B: B',
      'queued C: C',
      'started C: C'
    ])
  })

  it('is that of a cancel, a timeout and a retry, of their hooks, and of the listeners on the signal', async () => {
    const { clock, pool, seen, note } = observed({ concurrency: 2 })
    pool.start()
    const canceled = storage.run('A', () =>
      pool.queueTask(
        ({ signal }) => {
          signal.addEventListener('abort', () => note('aborted A'))
          return never()
        },
        { name: 'A' }
      )
    )
    storage.run('B', () =>
      pool.queueTask(untilAborted, {
        name: 'B',
        timeoutMs: 10,
        retry: {
          attempts: 2,
          backoffMs: () => {
            note('backoff B')
            return 5
          },
          when: () => {
            note('when B')
            return true
          }
        }
      })
    )
    await clock.turn()
    storage.run('who cancels', () => canceled.cancel())
    await storage.run('the clock', () => clock.advance(100))
    expect(seen.filter((line) => /aborted|when|backoff|retrying|failed|unobserved/.test(line))).toEqual([
      'aborted A: A',
      'when B: B',
      'backoff B: B',
      'retrying B: B',
      'failed B: B'
    ])
  })

  it('is that of `onUnobservedError`, for each of several failures of one turn', async () => {
    const noted: string[] = []
    const pool = new WorkerPool({
      concurrency: 3,
      queueCapacity: 0,
      onUnobservedError: (_error, { task }) => noted.push(`${task?.name}: ${storage.getStore()}`)
    }).start()
    for (const name of ['A', 'B', 'C'])
      storage.run(name, () => pool.queueTask(() => Promise.reject(new Error(name)), { name }))
    await pool.drain()
    await nextTurn()
    expect(noted).toEqual(['A: A', 'B: B', 'C: C'])
  })

  it('is that of `onUnobservedError` for a listener that throws or rejects', async () => {
    const noted: string[] = []
    const pool = new WorkerPool({
      concurrency: 1,
      queueCapacity: 5,
      onUnobservedError: (_error, { task, event }) => noted.push(`${event} ${task?.name}: ${storage.getStore()}`)
    }).start()
    pool.on('started', () => {
      throw new Error('sync')
    })
    pool.on('settled', () => Promise.reject(new Error('async')))
    for (const name of ['A', 'B']) storage.run(name, () => pool.queueTask(async () => {}, { name }))
    await pool.drain()
    await nextTurn()
    expect(noted.toSorted()).toEqual(['settled A: A', 'settled B: B', 'started A: A', 'started B: B'])
  })

  it('is of no task where contexts are not captured, and for events of the pool', async () => {
    const { clock, pool, seen } = observed({ captureContext: false })
    storage.run('main', () => pool.start())
    for (const name of ['A', 'B']) storage.run(name, () => pool.queueTask(async () => {}, { name }))
    await clock.turn()
    expect(new Set(seen.map((line) => line.split(': ')[1]))).toEqual(new Set(['the pool']))
    const capturing = observed()
    capturing.pool.start()
    storage.run('A', () => capturing.pool.queueTask(async () => {}, { name: 'A' }))
    await capturing.clock.turn()
    storage.run('who stops', () => void capturing.pool.stop())
    await capturing.clock.turn()
    expect(capturing.seen.filter((line) => /idle|stop/.test(line))).toEqual([
      'idle: the pool',
      'stopping: who stops',
      'stopped: the pool'
    ])
  })
})

describe('errors one can work with', () => {
  it('an unobserved failure is printed with its stack and cause, and with a part of the ticket only', async () => {
    const printed: unknown[][] = []
    vi.spyOn(console, 'error').mockImplementation((...parts) => void printed.push(parts))
    const pool = new WorkerPool({ concurrency: 1, queueCapacity: 0 }).start()
    const error = new Error('broken', { cause: new Error('the reason') })
    const task = pool.queueTask(() => Promise.reject(error), { name: 'job' })
    await pool.drain()
    await nextTurn()
    expect(printed).toHaveLength(1)
    expect(printed[0]?.[0]).toBe(`coatcheck: unobserved error of task "job" ${task.id.slice(0, 8)}: Error: broken\n`)
    expect(printed[0]?.[1]).toBe(error)
  })

  it('an error that names its task is printed with a part of the ticket only, too', async () => {
    const printed: unknown[][] = []
    vi.spyOn(console, 'error').mockImplementation((...parts) => void printed.push(parts))
    const pool = new WorkerPool({ concurrency: 1, queueCapacity: 0 }).start()
    const task = pool.queueTask(never)
    await nextTurn()
    await pool.stop({ graceMs: 0, forceMs: 0 })
    await nextTurn()
    const text = inspect(printed, { maxStringLength: null })
    expect(text).toContain('ERR_TASK_INTERRUPTED')
    expect(text).toContain(task.id.slice(0, 8))
    expect(text).not.toContain(task.id)
  })

  it('an unobserved failure whose form throws is printed all the same', async () => {
    const printed: unknown[][] = []
    vi.spyOn(console, 'error').mockImplementation((...parts) => {
      if (parts.length > 1) throw new Error('an error that cannot be shown')
      printed.push(parts)
    })
    const pool = new WorkerPool({ concurrency: 1, queueCapacity: 0 }).start()
    pool.queueTask(() => Promise.reject(new Error('broken')), { name: 'job' })
    await pool.drain()
    await nextTurn()
    expect(printed).toHaveLength(1)
    expect(printed[0]?.[0]).toContain('broken')
  })

  it('a refusal names the line of its caller, one a second at most', async () => {
    const clock = new ManualClock()
    const pool = new WorkerPool({ concurrency: 1, queueCapacity: 0, clock })
    const refuse = (): Error => {
      try {
        pool.queueTask(never)
      } catch (error) {
        return error as Error
      }
      throw new Error('it was accepted')
    }
    const first = refuse()
    expect(first.stack).toMatch(/^QueueFullError: The pool is full/)
    expect(first.stack).toContain('contexts.test')
    expect(refuse().stack).not.toContain('contexts.test')
    await clock.advance(1_000)
    expect(refuse().stack).toContain('contexts.test')
    const rejected = await pool.queueTaskWhenFree(never, { waitMs: 0 }).catch((error: Error) => error)
    expect((rejected as Error).name).toBe('WaitTimeoutError')
  })

  it('listeners of `failed` and `canceled` get the error, and so does the task', async () => {
    const clock = new ManualClock()
    const pool = new WorkerPool({ concurrency: 1, queueCapacity: 5, clock }).start()
    const seen: unknown[] = []
    pool.on('failed', (task, { error }) => seen.push([task.name, error]))
    pool.on('canceled', (task, { error }) => seen.push([task.name, error]))
    const error = new Error('x')
    const failing = pool.queueTask(() => Promise.reject(error), { name: 'failing' })
    const canceled = pool.queueTask(never, { name: 'canceled' })
    const fine = pool.queueTask(() => 1, { name: 'fine' })
    expect([failing.error, canceled.error, fine.error]).toEqual([undefined, undefined, undefined])
    canceled.cancel('enough')
    await clock.turn()
    expect(failing.error).toBe(error)
    expect(canceled.error).toMatchObject({ code: 'ERR_TASK_CANCELED', cause: 'enough' })
    expect(fine.error).toBeUndefined()
    expect(seen).toEqual([
      ['canceled', canceled.error],
      ['failing', error]
    ])
    expect(await canceled.result().catch((reason: unknown) => reason)).toBe(canceled.error)
  })
})
