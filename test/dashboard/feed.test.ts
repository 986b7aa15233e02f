import type { LocalDashboardPool } from 'coatcheck/dashboard'
import { describe, expect, it } from 'vitest'
import { Feed } from '../../src/dashboard/feed.js'
import { startedPool, untilAborted } from '../support/pools.js'
import { Reader } from './reader.js'

const fed = (options: Parameters<typeof startedPool>[0] = {}) => {
  const { clock, pool } = startedPool({ concurrency: 2, retention: { ms: Number.POSITIVE_INFINITY }, ...options })
  pool.on('failed', () => {})
  const reads = { stats: 0, tasks: 0 }
  const watched: LocalDashboardPool = {
    stats: () => {
      reads.stats++
      return pool.stats()
    },
    tasks: (query) => {
      reads.tasks++
      return pool.tasks(query)
    },
    cancel: (id) => pool.cancel(id)
  }
  const feed = new Feed(watched, clock)
  const read = async (): Promise<Reader> => {
    const reader = new Reader(feed)
    void reader.takeAll()
    await clock.turn()
    return reader
  }
  return { clock, pool, feed, read, reads }
}

describe('the feed of the dashboard', () => {
  it('sends the state at once, and then only what is new, at most four times a second', async () => {
    const { clock, pool, read } = fed()
    const reader = await read()
    expect(reader.pieces).toHaveLength(1)
    expect(reader.pieces[0]).toMatch(/^retry: 2000\ndata: /)
    expect(reader.newest).toMatchObject({
      ...{ state: 'running', running: 0, concurrency: 2, queued: 0, queueCapacity: 10, waitMs: null, runMs: null },
      condition: { name: 'healthy' }
    })

    await clock.advance(62_000)
    const before = reader.pieces.length
    for (let ms = 0; ms < 1_000; ms += 10) {
      pool.queueTask(() => {})
      await clock.advance(10)
    }
    expect(reader.pieces.length - before).toBe(4)
    expect(reader.newest).toMatchObject({ waitMs: { p50: 0, p95: 0 }, runMs: { p50: 0, p95: 0 } })
    await pool.stop({ graceMs: 0 })
  })

  it('is over for a client that has left, at its next read', async () => {
    const { feed, reads } = fed()
    const reader = new Reader(feed)
    await reader.take()
    reader.leave()
    expect(feed.readers).toBe(0)
    await reader.take()
    expect([reader.isOver, reader.pieces.length, reads.stats > 0]).toEqual([true, 1, true])
  })

  it('has nothing new once a minute of a pool at rest is measured', async () => {
    const { clock, pool, read } = fed()
    const reader = await read()
    await clock.advance(61_000)
    const before = reader.snapshots.length
    await clock.advance(60_000)
    expect(reader.snapshots).toHaveLength(before)
    await pool.stop({ graceMs: 0 })
  })

  it('has no bound for a queue without one', async () => {
    const { pool, read } = fed({ queueCapacity: Number.POSITIVE_INFINITY })
    expect((await read()).newest.queueCapacity).toBeNull()
    await pool.stop({ graceMs: 0 })
  })

  it('contains what runs, what waits and what failed', async () => {
    const { clock, pool, read } = fed()
    const reader = await read()
    const fails = pool.queueTask(() => Promise.reject(new Error('no paper left')), { name: 'letter' })
    await clock.turn()
    pool.queueTask(
      (context) => {
        context.progress(0.42, 'page 3 of 7')
        return untilAborted(context)
      },
      { name: 'report' }
    )
    pool.queueTask(untilAborted)
    const waits = pool.queueTask(untilAborted, { key: 'customer' })
    await clock.advance(250)

    const { runningTasks, queuedTasks, failures, condition, keys } = reader.newest
    expect(runningTasks).toMatchObject([
      { label: 'report', ratio: 0.42, message: 'page 3 of 7', attempt: 1, position: null },
      { label: 'unnamed task', ratio: null, message: '' }
    ])
    expect(queuedTasks).toMatchObject([{ id: waits.id, key: 'customer', position: 1, startedAt: null }])
    expect(keys).toEqual([{ key: 'customer', running: 0, queued: 1 }])
    expect(failures).toMatchObject([{ id: fails.id, label: 'letter', code: 'Error', message: 'no paper left' }])
    expect(condition).toMatchObject({ name: 'busy' })
    await pool.stop({ graceMs: 0 })
  })

  it('measures from its creation on: a page that opens later has the seconds so far, and no zeros before them', async () => {
    const { clock, pool, read } = fed()
    await clock.advance(62.5)
    for (let task = 0; task < 8 * 20; task++) {
      pool.queueTask(() => {})
      await clock.advance(125)
    }
    const { rates } = (await read()).newest
    expect(rates.mean).toMatchObject({ settled: 8, succeeded: 8, failed: 0, canceled: 0, refused: 0 })
    expect(rates.settled).toEqual([...new Array(40).fill(null), ...new Array(20).fill(8)])
    await pool.stop({ graceMs: 0 })
  })

  it('at a constant eight a second reads eight from the first full second, and never anything else', async () => {
    const { clock, pool, read } = fed()
    const reader = await read()
    await clock.advance(62.5)
    for (let task = 0; task < 8 * 15; task++) {
      pool.queueTask(() => {})
      await clock.advance(125)
    }
    const settled = reader.snapshots.map(({ rates }) => rates.mean?.settled)
    expect(new Set(settled)).toEqual(new Set([undefined, 8]))
    await pool.stop({ graceMs: 0 })
  })

  it('names a pool that refuses while it does, and for ten seconds after', async () => {
    const { clock, pool, read } = fed({ queueCapacity: 0 })
    const reader = await read()
    const tasks = [pool.queueTask(untilAborted), pool.queueTask(untilAborted)]
    expect(() => pool.queueTask(untilAborted)).toThrow()
    await clock.advance(250)
    expect(reader.newest.condition.name).toBe('full and refusing')
    for (const task of tasks) task.cancel()
    await clock.advance(9_500)
    expect(reader.newest.condition.name).toBe('refusing')
    await clock.advance(2_000)
    expect(reader.newest.condition.name).toBe('healthy')
    await pool.stop({ graceMs: 0 })
  })

  it('sends the end of the pool and ends with it', async () => {
    const { clock, pool, feed, read } = fed()
    pool.queueTask(untilAborted)
    const reader = await read()
    const stopped = pool.stop({ graceMs: 1_000 })
    await clock.advance(250)
    expect(reader.newest).toMatchObject({ state: 'stopping', running: 1 })
    await clock.advance(1_000)
    await stopped
    await clock.advance(250)
    expect(reader.newest).toMatchObject({ state: 'stopped', running: 0, totals: { canceled: 1 } })
    expect(reader.isOver).toBe(true)
    expect(feed.readers).toBe(0)
    await clock.advance(1_000)
    expect(clock.timers()).toBe(0)

    const late = await read()
    expect(late.snapshots.map(({ state }) => state)).toEqual(['stopped'])
    expect(late.isOver).toBe(true)
    expect(clock.timers()).toBe(0)
  })

  it('reads the totals once a second while nobody reads it, and all else once for all readers', async () => {
    const { clock, pool, read, reads } = fed()
    await clock.advance(10_000)
    expect(reads).toEqual({ stats: 11, tasks: 0 })
    expect(clock.timers()).toBe(1)
    expect(clock.timers('alive')).toBe(0)

    const readers = [await read(), await read(), await read()]
    expect(clock.timers('alive')).toBe(0)
    const before = reads.tasks
    await clock.advance(250)
    expect(reads.tasks - before).toBe(2)
    await clock.advance(2_500)
    expect(reads.tasks - before).toBe(22)
    for (const reader of readers) reader.leave()
    await clock.turn()
    expect(readers.every(({ isOver }) => isOver)).toBe(true)
    expect(clock.timers()).toBe(1)
    const after = reads.tasks
    await clock.advance(10_000)
    expect(reads.tasks).toBe(after)

    await pool.stop({ graceMs: 0 })
    await clock.advance(1_000)
    expect(clock.timers()).toBe(0)
  })

  it('writes a comment into a stream without news every fifteen seconds', async () => {
    const { clock, pool, read } = fed()
    await clock.advance(61_000)
    const reader = await read()
    await clock.advance(14_999)
    expect(reader.pieces).toHaveLength(1)
    await clock.advance(15_001)
    expect(reader.pieces.slice(1)).toEqual([':\n\n', ':\n\n'])
    await pool.stop({ graceMs: 0 })
  })

  it('keeps nothing for a slow reader but the newest state, and disconnects one that takes nothing for thirty seconds', async () => {
    const { clock, pool, feed } = fed()
    const slow = new Reader(feed)
    await slow.take()
    for (let n = 0; n < 3; n++) {
      pool.queueTask(() => {})
      await clock.advance(9_000)
    }
    await slow.take()
    expect(slow.pieces).toHaveLength(2)
    expect(slow.newest.totals.succeeded).toBe(3)
    expect(slow.isCut).toBe(false)
    await clock.advance(29_999)
    expect(slow.isCut).toBe(false)
    await clock.advance(1)
    expect(slow.isCut).toBe(true)
    expect(feed.readers).toBe(0)
    expect(clock.timers()).toBe(1)
    await slow.take()
    expect(slow.isOver).toBe(true)
    await pool.stop({ graceMs: 0 })
  })

  it('sends the twenty-first reader one event, and asks it to come back in five seconds', async () => {
    const { clock, pool, read, feed } = fed()
    const readers = []
    for (let n = 0; n < 20; n++) readers.push(await read())
    const late = await read()
    expect(late.isOver).toBe(true)
    expect(late.pieces).toEqual([expect.stringMatching(/^retry: 5000\ndata: /)])
    readers[0]?.leave()
    await clock.turn()
    expect(feed.readers).toBe(19)
    expect((await read()).isOver).toBe(false)
    await pool.stop({ graceMs: 0 })
    await clock.advance(250)
    expect(feed.readers).toBe(0)
  })

  it('counts a reader only from its first piece on: one that left before takes nothing', async () => {
    const { clock, pool, feed } = fed()
    const reader = new Reader(feed)
    expect(feed.readers).toBe(0)
    reader.leave()
    await reader.takeAll()
    expect(reader.pieces).toEqual([])
    expect(clock.timers()).toBe(1)
    await pool.stop({ graceMs: 0 })
  })
})
