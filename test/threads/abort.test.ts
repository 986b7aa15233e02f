import { PoolStoppedError, type Task, TaskCanceledError, TaskTimeoutError } from 'coatcheck'
import { manualClock } from 'coatcheck/testing'
import { describe, expect, it } from 'vitest'
import { begun, inThread, started, Threads } from './support.js'

const LONG = 3_600_000

/** Resolves when the function of a task runs, for a pool whose clock stands still. */
const reported = (task: Task): Promise<void> => expect.poll(() => task.record().progress).toBeDefined()

describe('the abort of a task in a thread', () => {
  it.each(['polite', 'computing', 'throwing'] as const)('reaches the function first: %s', async (name) => {
    const threads = new Threads()
    const pool = started(
      { [name]: inThread(name, { killAfterMs: LONG }), thread: inThread('thread') },
      { forceMs: 2 * LONG }
    )
    const thread = await pool.queueTask('thread').result()
    const task = pool.queueTask(name, undefined)
    await begun(task)
    task.cancel('changed my mind')
    await task.settled()
    expect(task.record()).toMatchObject({ state: 'canceled', reason: 'user', error: { message: 'changed my mind' } })
    expect(await pool.queueTask('thread').result()).toBe(thread) // it has not been killed
    expect(threads.started).toBeLessThanOrEqual(1)
  })

  it('has the reason with its name, code and message', async () => {
    const pool = started({ reason: inThread('reason', { killAfterMs: LONG }) }, { forceMs: 2 * LONG })
    const canceled = pool.queueTask('reason', undefined)
    await begun(canceled)
    canceled.cancel()
    expect(await canceled.result()).toMatchObject({ name: 'TaskCanceledError', code: 'ERR_TASK_CANCELED' })
  })

  it('has the reason of a time limit, too', async () => {
    const clock = manualClock()
    const pool = started({ reason: inThread('reason', { killAfterMs: LONG }) }, { clock, forceMs: 2 * LONG })
    const task = pool.queueTask('reason', undefined, { timeoutMs: 1_000 })
    await reported(task)
    await clock.advance(1_000)
    expect(await task.result()).toMatchObject({ name: 'TaskTimeoutError', code: 'ERR_TASK_TIMEOUT' })
  })

  it('leaves an error of the function its own', async () => {
    const pool = started({ failing: inThread('failing', { killAfterMs: LONG }) }, { forceMs: 2 * LONG })
    const task = pool.queueTask('failing', undefined)
    await begun(task)
    task.cancel()
    await expect(task.result()).rejects.toMatchObject({ name: 'RangeError', message: 'its own' })
    expect(task.state).toBe('failed')
  })

  it('before its function is called: it is not called', async () => {
    const resourceLimits = { stackSizeMb: 3 } // its thread is still to be started
    const pool = started({ deaf: inThread('deaf', { killAfterMs: LONG, resourceLimits }) }, { forceMs: 2 * LONG })
    pool.once('started', (task) => queueMicrotask(() => task.cancel()))
    const task = pool.queueTask('deaf', undefined)
    await task.settled()
    expect(task.record()).toMatchObject({ state: 'canceled', reason: 'user' })
    expect(task.record().progress).toBeUndefined()
  })
})

describe('a function that ignores its abort', () => {
  it('ends with its thread, after a cancel as canceled', async () => {
    const threads = new Threads()
    const pool = started({ deaf: inThread('deaf', { killAfterMs: 1 }), double: inThread('double') }, { concurrency: 1 })
    const task = pool.queueTask('deaf', undefined)
    await begun(task)
    const before = threads.alive.size
    task.cancel('enough')
    await task.settled()
    expect(threads.alive.size).toBe(before - 1) // it has gone when the task settles
    expect(task.error).toBeInstanceOf(TaskCanceledError)
    expect(task.error).toMatchObject({ reason: 'user', cause: 'enough' })
    expect(await pool.queueTask('double', { n: 1 }).result()).toBe(2)
  })

  it('ends with its thread, after a time limit as failed', async () => {
    const clock = manualClock()
    const pool = started({ deaf: inThread('deaf', { killAfterMs: 1, timeoutMs: 1_000 }) }, { clock })
    const task = pool.queueTask('deaf', undefined)
    await reported(task)
    await clock.advance(1_000)
    await task.settled()
    expect(task.state).toBe('failed')
    expect(task.error).toBeInstanceOf(TaskTimeoutError)
  })

  it('ends with its thread, at a stop: nothing is interrupted', async () => {
    const pool = started({ deaf: inThread('deaf', { killAfterMs: 1 }) }, { forceMs: LONG })
    const tasks = [pool.queueTask('deaf', undefined), pool.queueTask('deaf', undefined)]
    await Promise.all(tasks.map(begun))
    const report = await pool.stop({ graceMs: 0 })
    expect(report).toMatchObject({ canceled: 2, aborted: { count: 2 }, interrupted: { count: 0 } })
    expect(tasks[0]?.error).toBeInstanceOf(TaskCanceledError)
    expect(tasks[0]?.error).toMatchObject({ reason: 'pool_stopped' })
  })

  it('holds its worker until its thread has gone: six on two never have more than two threads', async () => {
    const threads = new Threads()
    const pool = started({ deaf: inThread('deaf', { killAfterMs: 0 }) }, { concurrency: 2 })
    const tasks = Array.from({ length: 6 }, () => pool.queueTask('deaf', undefined))
    await Promise.all(
      tasks.map(async (task) => {
        await begun(task)
        task.cancel()
        await task.settled()
      })
    )
    expect(threads.peak).toBeLessThanOrEqual(2)
    expect(tasks.map(({ state }) => state)).toEqual(Array(6).fill('canceled'))
  })
})

describe('a kill', () => {
  it('may come before the thread has started', async () => {
    const threads = new Threads()
    const resourceLimits = { stackSizeMb: 2 }
    const pool = started({ deaf: inThread('deaf', { killAfterMs: 0, resourceLimits }), double: inThread('double') })
    pool.once('started', (task) => queueMicrotask(() => task.cancel()))
    const task = pool.queueTask('deaf', undefined)
    await task.settled()
    expect(task.state).toBe('canceled')
    await threads.gone()
    expect(await pool.queueTask('double', { n: 1 }).result()).toBe(2)
  })
})

describe('a stop', () => {
  it('aborts `stopping` in the thread, for work that writes a checkpoint', async () => {
    const pool = started({ checkpoint: inThread('checkpoint') })
    const task = pool.queueTask('checkpoint', undefined)
    await begun(task)
    const queued = Array.from({ length: 3 }, () => pool.queueTask('checkpoint', undefined)) // they begin after it
    await pool.stop()
    for (const each of [task, ...queued]) expect(await each.result()).toBe('checkpoint: ERR_POOL_STOPPED')
    expect(() => pool.queueTask('checkpoint', undefined)).toThrow(PoolStoppedError)
  })
})
