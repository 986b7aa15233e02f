import type { SharedDashboardCounts, SharedDashboardPool, SharedDashboardStats } from 'coatcheck/dashboard'
import { describe, expect, it } from 'vitest'
import { Feed } from '../../src/dashboard/feed.js'
import type { SharedSnapshot } from '../../src/dashboard/shared/snapshot.js'
import { type Gate, gate } from '../support/gate.js'
import { ManualClock } from '../support/manual-clock.js'
import { Reader } from './reader.js'

/** Counts by which a test recognises the answer. */
const countsOf = (running: number): SharedDashboardCounts => ({
  ...{ running, queued: 2 * running, delayed: 0, succeeded: 10, failed: 1 }
})

/** A store whose answers the test gives: each read waits for its gate. */
class AskedStore implements SharedDashboardPool {
  readonly reads: Gate<SharedDashboardCounts>[] = []
  state: SharedDashboardStats['state'] = 'running'
  succeeded = 0

  stats(): SharedDashboardStats {
    const totals = { succeeded: this.succeeded, failed: 0, canceled: 0 }
    return { name: 'letters', state: this.state, works: true, concurrency: 4, running: 1, stuck: 0, totals }
  }

  counts(): Promise<SharedDashboardCounts> {
    const asked = gate<SharedDashboardCounts>()
    this.reads.push(asked)
    return asked.promise
  }

  async tasks() {
    return []
  }

  async cancel() {
    return 'unknown' as const
  }
}

const fed = () => {
  const clock = new ManualClock()
  const store = new AskedStore()
  const feed = new Feed(store, clock)
  const read = async () => {
    const reader = new Reader<SharedSnapshot>(feed)
    void reader.takeAll()
    await clock.turn()
    return reader
  }
  const answer = async (running: number) => {
    store.reads.at(-1)?.open(countsOf(running))
    await clock.turn()
  }
  const fail = async () => {
    store.reads.at(-1)?.fail(new Error('No answer.'))
    await clock.turn()
  }
  return { clock, store, feed, read, answer, fail }
}

describe('the feed of a shared pool', () => {
  it('sends what this process knows at once, and the counts of all as soon as the store gives them', async () => {
    const { read, answer } = fed()
    const reader = await read()
    expect(reader.newest).toMatchObject({
      ...{ name: 'letters', state: 'running', condition: { name: 'connecting' }, isStale: false },
      here: { works: true, running: 1, concurrency: 4 }
    })
    for (const name of ['running', 'queued', 'delayed', 'retained', 'waitMs', 'waiting', 'keys']) {
      expect(reader.newest).not.toHaveProperty(name)
    }
    await answer(3)
    expect(reader.pieces).toHaveLength(2)
    expect(reader.newest).toMatchObject({
      ...{ running: 3, queued: 6, delayed: 0, retained: 11, condition: { name: 'healthy' } },
      here: { running: 1 }
    })
    reader.leave()
  })

  it('reads the store once a second, and never twice at once', async () => {
    const { clock, store, read, answer } = fed()
    const readers = [await read(), await read()]
    await clock.advance(5_000)
    expect(store.reads).toHaveLength(1)
    await answer(1)
    expect(store.reads).toHaveLength(2) // it was due
    await answer(2)
    await clock.advance(750)
    expect(store.reads).toHaveLength(2)
    await clock.advance(250)
    expect(store.reads).toHaveLength(3)
    for (const reader of readers) {
      expect(reader.newest.running).toBe(2)
      reader.leave()
    }
  })

  it('states that the store is not reached, keeps the last figures, and tries again', async () => {
    const { clock, store, read, answer, fail } = fed()
    const reader = await read()
    await fail()
    expect(reader.newest).toMatchObject({ condition: { name: 'the store is not reached' }, isStale: true })
    expect(reader.newest).not.toHaveProperty('running')
    await clock.advance(1_000)
    await answer(3)
    expect(reader.newest).toMatchObject({ condition: { name: 'healthy' }, isStale: false, running: 3 })
    await clock.advance(1_000)
    await fail()
    expect(reader.newest).toMatchObject({
      condition: { detail: 'figures of all processes are old, trying again. No answer.' },
      ...{ isStale: true, running: 3 }
    })
    await clock.advance(1_000)
    expect(store.reads).toHaveLength(4)
    await answer(5)
    expect(reader.newest).toMatchObject({ isStale: false, running: 5 })
    reader.leave()
  })

  it('reads nothing while no page is open, and shows a page that opens later no old figures', async () => {
    const { clock, store, feed, read, answer } = fed()
    await clock.advance(5_000)
    expect(store.reads).toHaveLength(0)
    const first = await read()
    await answer(3)
    first.leave()
    expect(feed.readers).toBe(0)
    await clock.advance(60_000)
    expect([store.reads.length, clock.timers(), clock.timers('alive')]).toEqual([1, 1, 0])

    const second = await read()
    expect(second.snapshots[0]).not.toHaveProperty('running')
    await answer(4)
    expect(second.newest.running).toBe(4)
    second.leave()
  })

  it('drops the answer to a read that was under way when the last page closed', async () => {
    const { store, read, answer } = fed()
    const first = await read()
    first.leave()
    await answer(3)
    expect(first.pieces).toHaveLength(1)
    const second = await read()
    expect(second.snapshots[0]).not.toHaveProperty('running')
    expect(store.reads).toHaveLength(2)
    second.leave()
  })

  it('gives a page that opens in the meantime the answer to the read that is under way', async () => {
    const { store, read, answer } = fed()
    const first = await read()
    first.leave()
    const second = await read()
    expect(store.reads).toHaveLength(1)
    await answer(3)
    expect(second.newest.running).toBe(3)
    second.leave()
  })

  it('ends when the pool has stopped in this process, and reads its store no more', async () => {
    const { clock, store, feed, read, answer } = fed()
    const reader = await read()
    await answer(3)
    store.state = 'stopping'
    await clock.advance(250)
    expect(reader.newest.condition.name).toBe('stopping')
    store.state = 'stopped'
    await clock.advance(2_000)
    expect(reader.newest).toMatchObject({ condition: { name: 'stopped' }, running: 3 })
    expect([reader.isOver, feed.readers, store.reads.length, clock.timers()]).toEqual([true, 0, 1, 0])
  })

  it('measures what settles in this process', async () => {
    const { clock, store, read, answer } = fed()
    const reader = await read()
    await answer(1)
    store.succeeded = 8
    await clock.advance(1_250)
    expect(reader.newest).toMatchObject({
      totals: { succeeded: 8, failed: 0, canceled: 0 },
      rates: { mean: { settled: 8, succeeded: 8 } }
    })
    expect(reader.newest.totals).not.toHaveProperty('refused')
    reader.leave()
  })
})
