import { AsyncLocalStorage } from 'node:async_hooks'
import { describe, expect, it } from 'vitest'
import { PoolDeadlockError, type Task, type TaskContext } from '../../src/index.js'
import { expectBalance } from '../support/books.js'
import { gate } from '../support/gate.js'
import { microtasks } from '../support/manual-clock.js'
import { never, rejection, startedPool, statesOf, untilAborted } from '../support/pools.js'

describe('a task that waits for its own pool', () => {
  it('is reported when it drains the pool without a limit', async () => {
    const { clock, pool } = startedPool({ detectSelfWait: true })
    const task = pool.queueTask(() => pool.drain())
    await clock.turn()
    const error = await rejection(task.result())
    expect(error).toBeInstanceOf(PoolDeadlockError)
    expect(error).toMatchObject({
      name: 'PoolDeadlockError',
      code: 'ERR_POOL_DEADLOCK',
      message: 'A task of this pool waits until its own pool is empty. Wait outside of it, or give the wait a limit.'
    })
    expect(task.state).toBe('failed')
  })

  it('is reported also after another wait, and in its retry', async () => {
    const { clock, pool } = startedPool({ detectSelfWait: true, retry: { attempts: 2, backoffMs: 0 } })
    const codes: unknown[] = []
    pool.queueTask(async () => {
      await microtasks()
      const error = await rejection(pool.drain())
      codes.push((error as PoolDeadlockError).code)
      throw error
    })
    await clock.advance(10)
    await clock.turn()
    expect(codes).toEqual(['ERR_POOL_DEADLOCK', 'ERR_POOL_DEADLOCK'])
  })

  it.each([true, false])('is reported for any `captureContext` (%s), and for a handler', async (captureContext) => {
    const { clock, pool } = startedPool({
      concurrency: 2,
      detectSelfWait: true,
      captureContext,
      handlers: { drains: (): Promise<unknown> => rejection(pool.drain()) }
    })
    const handler = (pool as unknown as { queueTask(name: 'drains'): Task }).queueTask('drains')
    await clock.turn()
    expect(await handler.result()).toBeInstanceOf(PoolDeadlockError)
    const task = pool.queueTask(() => rejection(pool.drain()))
    await clock.turn()
    expect(await task.result()).toBeInstanceOf(PoolDeadlockError)
  })

  it('is reported also if it waits through a task of another pool', async () => {
    const inner = startedPool({ detectSelfWait: true })
    const outer = startedPool({ detectSelfWait: true })
    const task = outer.pool.queueTask(() => inner.pool.queueTask(() => outer.pool.drain()).result())
    await outer.clock.turn()
    expect(await rejection(task.result())).toBeInstanceOf(PoolDeadlockError)
  })

  it('runs in the context of its call, as without detectSelfWait', async () => {
    const user = new AsyncLocalStorage<string>()
    const { clock, pool } = startedPool({ detectSelfWait: true })
    const tasks = ['one', 'another'].map((caller) => user.run(caller, () => pool.queueTask(() => user.getStore())))
    await clock.turn()
    expect(await Promise.all(tasks.map((task) => task.result()))).toEqual(['one', 'another'])
  })

  it('is not reported when its wait has a limit', async () => {
    const { clock, pool } = startedPool({ detectSelfWait: true })
    const controller = new AbortController()
    const timed = pool.queueTask(() => rejection(pool.drain({ timeoutMs: 10 })))
    await clock.advance(10)
    expect(await timed.result()).toMatchObject({ code: 'ERR_DRAIN_TIMEOUT' })
    const signaled = pool.queueTask(() => rejection(pool.drain({ signal: controller.signal })))
    await clock.turn()
    controller.abort('enough')
    expect(await signaled.result()).toBe('enough')
  })

  it('is not reported by default', async () => {
    const { clock, pool } = startedPool({ forceMs: 10 })
    const task = pool.queueTask(() => pool.drain())
    await clock.advance(100_000)
    expect(task.state).toBe('running')
    const stopped = pool.stop({ graceMs: 0 })
    await clock.advance(10)
    expect(await stopped).toMatchObject({ interrupted: { count: 1 } })
  })

  it('is reported when all running tasks wait for room: their newest wait', async () => {
    const { clock, pool } = startedPool({ concurrency: 2, queueCapacity: 1, waiterCapacity: 5, detectSelfWait: true })
    const ended: string[] = []
    const waits = (name: string) => async () => {
      try {
        const { state } = await pool.queueTaskWhenFree(() => name, { name: `of ${name}` })
        ended.push(`${name}: ${state}`)
      } catch (error) {
        ended.push(`${name}: ${(error as PoolDeadlockError).code}`)
      }
    }
    const go = gate()
    const first = pool.queueTask(waits('first'))
    const second = pool.queueTask(() => go.promise.then(waits('second')))
    pool.queueTask(() => 'queued')
    await clock.turn()
    expect(ended).toEqual([])
    expect(expectBalance(pool)).toMatchObject({ running: 2, queued: 1, waiting: 1 })
    go.open()
    await clock.turn()
    // The second was rejected, ended, and so freed room for the first.
    expect(ended[0]).toBe('second: ERR_POOL_DEADLOCK')
    expect(ended[1]).toMatch(/^first: /)
    expect(statesOf([first, second])).toEqual(['succeeded', 'succeeded'])
    expect(expectBalance(pool)).toMatchObject({ running: 0, waiting: 0, totals: { refused: 1, accepted: 4 } })
  })

  it('is reported when the last other task has ended without freeing room', async () => {
    const { clock, pool } = startedPool({ concurrency: 2, queueCapacity: 0, detectSelfWait: true })
    const task = pool.queueTask(() => pool.queueTaskWhenFree(never))
    const other = pool.queueTask(untilAborted)
    await clock.turn()
    pool.resize({ concurrency: 1 })
    await clock.advance(100_000)
    expect(expectBalance(pool)).toMatchObject({ running: 2, waiting: 1 })
    other.cancel()
    await clock.turn()
    expect(await rejection(task.result())).toBeInstanceOf(PoolDeadlockError)
    expect(expectBalance(pool)).toMatchObject({ running: 0, waiting: 0, totals: { refused: 1 } })
  })

  it('is reported while another task waits for a retry for which no worker will be free', async () => {
    const { clock, pool } = startedPool({ concurrency: 1, queueCapacity: 1, detectSelfWait: true })
    const other = pool.queueTask(() => Promise.reject(new Error('once')), {
      retry: { attempts: 2, backoffMs: () => 50 }
    })
    const task = pool.queueTask(() => pool.queueTaskWhenFree(never))
    await clock.turn()
    expect(await rejection(task.result())).toBeInstanceOf(PoolDeadlockError)
    other.cancel()
  })

  it('is refused like any waiter: counted, with an event', async () => {
    const { clock, pool, witness } = startedPool({ concurrency: 1, queueCapacity: 0, detectSelfWait: true })
    const task = pool.queueTask(() => pool.queueTaskWhenFree(never, { name: 'inner' }))
    await clock.turn()
    const error = await rejection(task.result())
    expect(error).toBeInstanceOf(PoolDeadlockError)
    expect(error).toMatchObject({
      message:
        'All 1 running tasks of this pool wait for room in it, so none can become free. ' +
        'Give the wait a limit (`waitMs`), queue from outside a task, or use a second pool.'
    })
    expect(witness.told.find(({ event }) => event === 'refused')?.args).toEqual([{ error, name: 'inner' }])
    expect(expectBalance(pool)).toMatchObject({ waiting: 0, totals: { submitted: 2, accepted: 1, refused: 1 } })
  })

  it.each<[string, (ctx: TaskContext) => object]>([
    ['a time', () => ({ waitMs: 10 })],
    ['a signal for the wait', ({ signal }) => ({ waitSignal: signal })],
    ['a signal for the task', ({ signal }) => ({ signal })]
  ])('is not told when its wait for room is limited by %s', async (_what, options) => {
    const { clock, pool } = startedPool({ concurrency: 1, queueCapacity: 0, detectSelfWait: true })
    const task = pool.queueTask((ctx) => pool.queueTaskWhenFree(never, options(ctx)))
    await clock.turn()
    expect(expectBalance(pool)).toMatchObject({ running: 1, waiting: 1 })
    await clock.advance(9)
    expect(pool.stats().waiting).toBe(1)
    task.cancel()
    await clock.advance(1)
    expect(expectBalance(pool)).toMatchObject({ running: 0, waiting: 0 })
  })

  it.each<[string, object, (pool: ReturnType<typeof startedPool>) => Promise<void>]>([
    [
      'the rate limit allows a start',
      { rateLimit: { starts: 1, intervalMs: 1_000 } },
      ({ clock }) => clock.advance(1_000)
    ],
    [
      'a pause ends',
      {},
      async ({ pool, clock }) => {
        pool.resume()
        await clock.turn()
      }
    ]
  ])('is not told when a free worker will be its own once %s', async (what, options, then) => {
    const watched = startedPool({ concurrency: 2, queueCapacity: 0, detectSelfWait: true, ...options })
    const { clock, pool } = watched
    const go = gate()
    const task = pool.queueTask(() =>
      go.promise.then(() => pool.queueTaskWhenFree(() => 'inner')).then((inner) => inner.result())
    )
    await clock.turn()
    if (what.startsWith('a pause')) pool.pause()
    go.open()
    await clock.turn()
    expect(expectBalance(pool)).toMatchObject({ running: 1, waiting: 1 })
    await then(watched)
    expect(task.record()).toMatchObject({ state: 'succeeded', result: 'inner' })
  })

  it('is not reported while a task that waits for its retry will free its place', async () => {
    const { clock, pool } = startedPool({ concurrency: 2, queueCapacity: 0, detectSelfWait: true })
    pool.queueTask(({ attempt }) => (attempt === 1 ? Promise.reject(new Error('once')) : 'well'), {
      retry: { attempts: 2, backoffMs: () => 100 }
    })
    await clock.turn()
    const task = pool.queueTask(async () => (await pool.queueTaskWhenFree(() => 'inner')).result())
    await clock.turn()
    expect(expectBalance(pool)).toMatchObject({ running: 1, delayed: 1, waiting: 1 })
    await clock.advance(100)
    expect(await task.result()).toBe('inner')
  })
})

describe('no false alarm', () => {
  it('for callers outside of any task', async () => {
    const { clock, pool } = startedPool({ concurrency: 1, queueCapacity: 0, detectSelfWait: true })
    const running = pool.queueTask(untilAborted)
    const drained = pool.drain()
    const granted = pool.queueTaskWhenFree(() => 'let in')
    await clock.turn()
    running.cancel()
    await clock.turn()
    expect(await (await granted).result()).toBe('let in')
    await drained
  })

  it('for timers and handlers that a task has left behind when it ended', async () => {
    const { clock, pool } = startedPool({ concurrency: 1, queueCapacity: 0, detectSelfWait: true })
    const later = gate()
    const left: Promise<unknown>[] = []
    const first = pool.queueTask(() => {
      left.push(later.promise.then(() => Promise.all([pool.drain(), pool.queueTaskWhenFree(() => 'left behind')])))
    })
    await clock.turn()
    expect(first.state).toBe('succeeded')
    const second = pool.queueTask(untilAborted) // the same worker runs another task now
    await clock.turn()
    later.open()
    await clock.turn()
    expect(expectBalance(pool)).toMatchObject({ running: 1, waiting: 1 })
    second.cancel()
    await clock.turn()
    const [[, task]] = (await Promise.all(left)) as [[unknown, Task]]
    expect(await task.result()).toBe('left behind')
  })

  it('for a waiter that a task left behind when it ended, while another task runs', async () => {
    const { clock, pool } = startedPool({ concurrency: 2, queueCapacity: 0, detectSelfWait: true })
    const end = gate()
    let left: Promise<Task> | undefined
    const first = pool.queueTask(() => {
      left = pool.queueTaskWhenFree(() => 'left behind')
      return end.promise
    })
    const other = pool.queueTask(untilAborted)
    await clock.turn()
    pool.resize({ concurrency: 1 })
    end.open()
    await clock.turn()
    expect(statesOf([first, other])).toEqual(['succeeded', 'running'])
    expect(expectBalance(pool)).toMatchObject({ running: 1, waiting: 1 })
    other.cancel()
    await clock.turn()
    expect(await (await (left as Promise<Task>)).result()).toBe('left behind')
    expect(pool.stats().totals).toMatchObject({ refused: 0 })
  })

  it('for a task of one pool that waits for another', async () => {
    const inner = startedPool({ concurrency: 1, queueCapacity: 0, detectSelfWait: true })
    const outer = startedPool({ concurrency: 1, queueCapacity: 0, detectSelfWait: true })
    const blocker = inner.pool.queueTask(untilAborted)
    const task = outer.pool.queueTask(async () => {
      const granted = await inner.pool.queueTaskWhenFree(() => 'inner')
      await inner.pool.drain()
      return granted.result()
    })
    await outer.clock.turn()
    expect(inner.pool.stats().waiting).toBe(1)
    blocker.cancel()
    await inner.clock.turn()
    await outer.clock.turn()
    expect(await task.result()).toBe('inner')
  })

  it('for a drain that does not have to wait', async () => {
    const { clock, pool } = startedPool({ detectSelfWait: true })
    const contexts: Promise<void>[] = []
    pool.queueTask(() => {
      pool.once('idle', () => void contexts.push(pool.drain()))
    })
    await clock.turn()
    expect(contexts).toHaveLength(1)
    await Promise.all(contexts)
  })

  it('while another task runs that may still end', async () => {
    const { clock, pool } = startedPool({ concurrency: 2, queueCapacity: 0, detectSelfWait: true })
    const other = pool.queueTask(untilAborted)
    const task = pool.queueTask(async () => (await pool.queueTaskWhenFree(() => 'inner')).result())
    await clock.advance(100_000)
    expect(expectBalance(pool)).toMatchObject({ running: 2, waiting: 1 })
    other.cancel()
    await clock.turn()
    expect(await task.result()).toBe('inner')
  })
})
