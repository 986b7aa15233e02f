import { describe, expect, it } from 'vitest'
import { Feed, type Stream } from '../../examples/dashboard/feed.js'
import type { Snapshot, WatchedPool } from '../../examples/dashboard/snapshot.js'
import { startedPool, untilAborted } from '../support/pools.js'
import { feedClockOf } from './support.js'

/** A reader of a stream that takes what it is given at once, until it is told not to. */
class Reader {
  readonly pieces: string[] = []
  isOver = false
  readonly #left = new AbortController()
  readonly #stream: Stream
  readonly #iterator: AsyncIterator<string>

  constructor(feed: Feed) {
    this.#stream = feed.open(this.#left.signal)
    this.#iterator = this.#stream.body[Symbol.asyncIterator]()
  }

  get isCut(): boolean {
    return this.#stream.signal.aborted
  }

  async take(): Promise<void> {
    const { done, value } = await this.#iterator.next()
    if (done === true) this.isOver = true
    else this.pieces.push(value)
  }

  async takeAll(): Promise<void> {
    while (!this.isOver) await this.take()
  }

  leave(): void {
    this.#left.abort()
  }

  /** What its events told. */
  get told(): Snapshot[] {
    return this.pieces
      .map((piece) => /^data: (.*)\n\n$/m.exec(piece)?.[1])
      .filter((data) => data !== undefined)
      .map((data) => JSON.parse(data) as Snapshot)
  }

  get newest(): Snapshot {
    return this.told.at(-1)!
  }
}

const fed = (options: Parameters<typeof startedPool>[0] = {}) => {
  const { clock, pool } = startedPool({ concurrency: 2, retention: { ms: Number.POSITIVE_INFINITY }, ...options })
  pool.on('failed', () => {})
  let looks = 0
  const watched: WatchedPool = {
    stats: () => {
      looks++
      return pool.stats()
    },
    tasks: (query) => pool.tasks(query)
  }
  const feed = new Feed(watched, feedClockOf(clock))
  const read = async (): Promise<Reader> => {
    const reader = new Reader(feed)
    void reader.takeAll()
    await clock.turn()
    return reader
  }
  return { clock, pool, feed, read, looks: () => looks }
}

describe('the feed of the dashboard', () => {
  it('tells how things stand at once, and then only what is new, at most four times a second', async () => {
    const { clock, pool, read } = fed()
    const reader = await read()
    expect(reader.pieces).toHaveLength(1)
    expect(reader.pieces[0]).toMatch(/^retry: 2000\ndata: /)
    expect(reader.newest).toMatchObject({ state: 'running', running: 0, concurrency: 2, queued: 0, queueCapacity: 10 })

    await clock.advance(1_000)
    expect(reader.pieces).toHaveLength(1)

    for (let ms = 0; ms < 1_000; ms += 10) {
      pool.queueTask(() => {})
      await clock.advance(10)
    }
    expect(reader.pieces).toHaveLength(5)
    await pool.stop()
  })

  it('tells what runs, what waits and what failed, by the label of the application', async () => {
    const { clock, pool, read } = fed()
    const reader = await read()
    const fails = pool.queueTask(() => Promise.reject(new Error('no paper left')), { name: 'letter' })
    await clock.turn()
    pool.queueTask(
      (context) => {
        context.progress(0.42, 'page 3 of 7')
        return untilAborted(context)
      },
      { metadata: { label: 'annual report' } }
    )
    pool.queueTask(untilAborted, { metadata: { label: 'x'.repeat(1_000) } })
    const waits = pool.queueTask(untilAborted, { metadata: { label: 7 } })
    await clock.advance(250)

    const { runningTasks, queuedTasks, failures } = reader.newest
    expect(runningTasks).toMatchObject([
      { label: 'annual report', ratio: 0.42, message: 'page 3 of 7', attempt: 1, position: null },
      { label: 'x'.repeat(200), ratio: null, message: '' }
    ])
    expect(queuedTasks).toMatchObject([{ id: waits.id, label: 'unnamed task', position: 1, startedAt: null }])
    expect(failures).toMatchObject([{ id: fails.id, label: 'letter', code: 'Error', message: 'no paper left' }])
    await pool.stop()
  })

  it('shows the ten failures that came last, whenever they were accepted', async () => {
    const { clock, pool, read } = fed({ concurrency: 20 })
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
    const reader = await read()
    expect(reader.newest.failures.map(({ label }) => label)).toEqual(
      Array.from({ length: 10 }, (_, index) => `task ${index}`)
    )
    await pool.stop()
  })

  it('counts what ended in each second, and forgets the seconds in which nobody looked', async () => {
    const { clock, pool, read } = fed()
    const end = (count: number) => {
      for (let n = 0; n < count; n++) pool.queueTask(() => {})
    }
    const reader = await read()
    end(3)
    await clock.advance(1_000)
    end(5)
    await clock.advance(1_250)
    expect(reader.newest.endedPerSecond).toHaveLength(60)
    expect(reader.newest.endedPerSecond.slice(-3)).toEqual([0, 3, 5])

    reader.leave()
    end(9)
    await clock.advance(10_000)
    const next = await read()
    end(2)
    await clock.advance(1_000)
    expect(next.newest.endedPerSecond.slice(-2)).toEqual([0, 2])
    await pool.stop()
  })

  it('tells the end of the pool and ends with it', async () => {
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
    expect(clock.timers()).toBe(0)

    const late = await read()
    expect(late.told.map(({ state }) => state)).toEqual(['stopped'])
    expect(late.isOver).toBe(true)
    expect(clock.timers()).toBe(0)
  })

  it('looks at the pool only while somebody reads, once for all who do', async () => {
    const { clock, pool, read, looks } = fed()
    await clock.advance(10_000)
    expect(looks()).toBe(0)

    const readers = [await read(), await read(), await read()]
    const before = looks()
    await clock.advance(250)
    const perTick = looks() - before
    await clock.advance(2_500)
    expect(looks() - before).toBe(11 * perTick)
    for (const reader of readers) reader.leave()
    await clock.turn()
    expect(readers.every(({ isOver }) => isOver)).toBe(true)
    expect(clock.timers()).toBe(0)
    const after = looks()
    await clock.advance(10_000)
    expect(looks()).toBe(after)
    await pool.stop()
  })

  it('writes a comment into a stream without news every fifteen seconds', async () => {
    const { clock, pool, read } = fed()
    const reader = await read()
    await clock.advance(14_999)
    expect(reader.pieces).toHaveLength(1)
    await clock.advance(15_001)
    expect(reader.pieces.slice(1)).toEqual([':\n\n', ':\n\n'])
    await pool.stop()
  })

  it('keeps nothing for a slow reader but the newest, and cuts one that takes nothing for thirty seconds', async () => {
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
    expect(clock.timers()).toBe(0)
    await slow.take()
    expect(slow.isOver).toBe(true)
    await pool.stop()
  })

  it('gives the twenty-first reader one look, and asks it to come back in five seconds', async () => {
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
    await pool.stop()
    await clock.advance(250)
    expect(feed.readers).toBe(0)
  })

  it('counts a reader only from its first piece on: who left before takes nothing', async () => {
    const { clock, pool, feed } = fed()
    const reader = new Reader(feed)
    expect(feed.readers).toBe(0)
    reader.leave()
    await reader.takeAll()
    expect(reader.pieces).toEqual([])
    expect(clock.timers()).toBe(0)
    await pool.stop()
  })
})
