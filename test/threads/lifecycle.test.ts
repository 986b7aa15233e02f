import { AsyncLocalStorage, createHook } from 'node:async_hooks'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import { begun, inThread, started, Threads } from './support.js'

/** Handles of this process, by their types, that have been opened and not closed since. */
const openHandles = (...types: readonly string[]): (() => number) => {
  const open = new Set<number>()
  const hook = createHook({
    init: (id, type) => void (types.includes(type) && open.add(id)),
    destroy: (id) => void open.delete(id)
  }).enable()
  onTestFinished(() => void hook.disable())
  return () => open.size
}

describe('after fifty kills', () => {
  it('no thread, no port and no listener is left, and two threads existed at most', async () => {
    const threads = new Threads()
    const handles = openHandles('WORKER', 'MESSAGEPORT')
    const listeners = (): number => process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0)
    const count = listeners()
    const pool = started({ deaf: inThread('deaf', { killAfterMs: 0 }) }, { concurrency: 2 })
    const tasks = Array.from({ length: 50 }, () => pool.queueTask('deaf', undefined))
    await Promise.all(
      tasks.map(async (task) => {
        await begun(task)
        task.cancel()
        await task.settled()
      })
    )
    expect(tasks.every(({ state }) => state === 'canceled')).toBe(true)
    expect(threads).toMatchObject({ started: 50, alive: new Set() })
    expect(threads.peak).toBeLessThanOrEqual(2)
    await expect.poll(handles).toBe(0)
    expect(listeners()).toBe(count)
  })
})

describe('a thread', () => {
  it('does not retain the context of the task that it was started for', async () => {
    const storage = new AsyncLocalStorage<object>()
    const pool = started({ thread: inThread('thread', { resourceLimits: { stackSizeMb: 5 } }) }, { concurrency: 1 })
    const first = async (): Promise<WeakRef<object>> => {
      const store = { of: 'the first task' }
      await storage.run(store, () => pool.queueTask('thread').result())
      return new WeakRef(store)
    }
    const ref = await first()
    const thread = await pool.queueTask('thread').result()
    await expect
      .poll(() => {
        global.gc?.()
        return ref.deref() === undefined
      })
      .toBe(true)
    expect(await pool.queueTask('thread').result()).toBe(thread)
  })
})

describe('a thread without work', () => {
  it('ends after `idleMs`', async () => {
    const threads = new Threads()
    const handles = openHandles('WORKER', 'MESSAGEPORT')
    const resourceLimits = { stackSizeMb: 3 } // so that its thread is a new one
    const pool = started({ double: inThread('double', { idleMs: 0, resourceLimits }) })
    await pool.queueTask('double', { n: 1 }).result()
    await threads.gone()
    expect(threads).toMatchObject({ started: 1, alive: new Set() })
    await expect.poll(handles).toBe(0)
    expect(await pool.queueTask('double', { n: 2 }).result()).toBe(4)
  })

  it('is not ended while it is used again', async () => {
    const threads = new Threads()
    const resourceLimits = { stackSizeMb: 2 }
    const pool = started({ double: inThread('double', { idleMs: 100, resourceLimits }) }, { concurrency: 1 })
    for (let n = 0; n < 200; n++) await pool.queueTask('double', { n }).result()
    expect(threads.started).toBeGreaterThanOrEqual(1)
    expect(threads.peak).toBe(1)
  })

  it('gives its place to one that is started otherwise, and has gone before', async () => {
    const threads = new Threads()
    const kinds = [1, 2, 3].map((stackSizeMb) => inThread('thread', { resourceLimits: { stackSizeMb } }))
    const pool = started(Object.fromEntries(kinds.map((kind, index) => [`kind${index}`, kind])), { concurrency: 1 })
    const ids = new Set<unknown>()
    for (let n = 0; n < 6; n++) ids.add(await pool.queueTask(`kind${n % 3}`, undefined).result())
    expect(ids.size).toBe(6)
    expect(threads.peak).toBe(1)
  })

  it('is replaced only when it has gone, if a task comes while it ends', async () => {
    const threads = new Threads()
    const pool = started({ thread: inThread('thread', { idleMs: 0 }) }, { concurrency: 1 })
    for (let n = 0; n < 20; n++) {
      await pool.queueTask('thread').result()
      await nextTurn()
    }
    expect(threads.peak).toBeLessThanOrEqual(1)
  })
})
