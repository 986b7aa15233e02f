import { describe, expect, it } from 'vitest'
import { TaskListReader } from '../../src/dashboard/task-lists.js'
import { startedPool, untilAborted } from '../support/pools.js'

const readerOf = (options: Parameters<typeof startedPool>[0] = {}) => {
  const { clock, pool } = startedPool({ queueCapacity: 5_000, retention: { ms: Number.POSITIVE_INFINITY }, ...options })
  pool.on('failed', () => {})
  return { clock, pool, reader: new TaskListReader(pool) }
}

const labels = (lines: readonly { readonly label: string }[]) => lines.map(({ label }) => label)

describe('the lists of the dashboard', () => {
  it('begin the queue with the tasks that run next, not with the newest', async () => {
    const { clock, pool, reader } = readerOf()
    for (let n = 0; n <= 30; n++) pool.queueTask(untilAborted, { name: `task ${n}` })
    pool.queueTask(untilAborted, { name: 'urgent', priority: 1 })
    await clock.turn()
    const { queuedTasks, queuedRead } = reader.read()
    expect(labels(queuedTasks)).toEqual(['urgent', ...Array.from({ length: 9 }, (_, index) => `task ${index + 1}`)])
    expect(queuedTasks.map(({ position }) => position)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    expect(queuedRead).toBe(31)
    await pool.stop({ graceMs: 0 })
  })

  it('list a task that waits for its retry after those that are queued', async () => {
    const { clock, pool, reader } = readerOf({ concurrency: 2 })
    const fails = () => Promise.reject(new Error('not now'))
    pool.queueTask(fails, { name: 'again', retry: { attempts: 2, backoffMs: () => 60_000 } })
    await clock.turn()
    for (const name of ['one', 'two', 'next']) pool.queueTask(untilAborted, { name })
    expect(reader.read().queuedTasks).toMatchObject([
      { label: 'next', position: 1, attempt: 0 },
      { label: 'again', position: null, attempt: 1 }
    ])
    await pool.stop({ graceMs: 0 })
  })

  it('find the urgent ones in the middle of a long queue within ten readings, and keep them', async () => {
    const { clock, pool, reader } = readerOf()
    for (let n = 0; n < 1_000; n++) {
      pool.queueTask(untilAborted, { name: `task ${n}`, priority: n % 100 === 47 ? 1 : 0 })
    }
    await clock.turn()
    expect(labels(reader.read().queuedTasks)).toContain('task 1')
    for (let n = 0; n < 9; n++) reader.read()
    const urgent = Array.from({ length: 10 }, (_, index) => `task ${index * 100 + 47}`)
    for (let n = 0; n < 5; n++) expect(labels(reader.read().queuedTasks)).toEqual(urgent)
    await pool.stop({ graceMs: 0 })
  })

  it('say how many of the queued tasks were read when there are more than a pool returns', async () => {
    const { pool, reader } = readerOf()
    for (let n = 0; n < 1_501; n++) pool.queueTask(untilAborted, { key: 'one' })
    const { queuedRead, keys, queuedTasks } = reader.read()
    expect(queuedRead).toBe(1_000)
    expect(keys).toEqual([{ key: 'one', running: 1, queued: 1_000 }])
    expect(queuedTasks[0]?.position).toBe(501)
    await pool.stop({ graceMs: 0 })
  })

  it('count the ten keys with the most tasks, and none without a key', async () => {
    const { clock, pool, reader } = readerOf({ concurrency: 2 })
    pool.queueTask(untilAborted)
    for (let n = 0; n < 12; n++)
      for (let count = 0; count <= n; count++) pool.queueTask(untilAborted, { key: `key ${n}` })
    await clock.turn()
    const { keys } = reader.read()
    expect(keys.map(({ key }) => key)).toEqual(Array.from({ length: 10 }, (_, index) => `key ${11 - index}`))
    expect(keys[0]).toEqual({ key: 'key 11', running: 0, queued: 12 })
    await pool.stop({ graceMs: 0 })
    expect(reader.read().keys).toEqual([])
  })

  it('have the ten failures that came last, whenever their tasks were accepted', async () => {
    const { clock, pool, reader } = readerOf({ concurrency: 20 })
    const failing = Array.from({ length: 12 }, (_, index) => {
      let fail!: (error: Error) => void
      pool.queueTask(() => new Promise((_resolve, reject) => (fail = reject)), { name: `task ${index}` })
      return () => fail(new Error('no'))
    })
    await clock.turn()
    for (const fail of failing.reverse()) {
      fail()
      await clock.advance(1)
    }
    const expected = Array.from({ length: 10 }, (_, index) => `task ${index}`)
    expect(labels(reader.read().failures)).toEqual(expected)
    expect(labels(reader.read().failures)).toEqual(expected)
    await pool.stop({ graceMs: 0 })
  })

  it('have failures of the same time newest first, and read each once', async () => {
    const { clock, pool, reader } = readerOf({ concurrency: 3 })
    for (const name of ['one', 'two', 'three']) pool.queueTask(() => Promise.reject('no'), { name })
    await clock.turn()
    const { failures } = reader.read()
    expect(labels(failures)).toEqual(['three', 'two', 'one'])
    expect(failures[0]).toMatchObject({ code: 'Error', message: 'no' })
    await clock.advance(1)
    pool.queueTask(() => Promise.reject(Object.assign(new Error('no'), { code: 'E_NO' })), { name: 'four' })
    await clock.advance(1)
    expect(reader.read().failures.slice(1)).toEqual(failures)
    expect(reader.read().failures[0]).toMatchObject({ code: 'E_NO', label: 'four' })
    await pool.stop({ graceMs: 0 })
  })

  it('show a task by the label of its metadata, else by its name, cut to 200 characters', async () => {
    const { clock, pool, reader } = readerOf({ concurrency: 5 })
    const metadatas = [{ label: 'annual report' }, { label: 'x'.repeat(1_000) }, { label: 7 }, 'label', undefined]
    for (const metadata of metadatas) {
      pool.queueTask(untilAborted, {
        ...(metadata === undefined ? {} : { metadata }),
        name: 'named',
        key: 'k'.repeat(250)
      })
    }
    await clock.turn()
    const { runningTasks } = reader.read()
    expect(labels(runningTasks)).toEqual(['annual report', 'x'.repeat(200), 'named', 'named', 'named'])
    expect(runningTasks[0]?.key).toBe('k'.repeat(200))
    await pool.stop({ graceMs: 0 })
  })
})
