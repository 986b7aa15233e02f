import { describe, expect, it } from 'vitest'
import { StoreError, type TaskMirror, type TaskRecord } from '../../src/index.js'
import { durablePool, startedDurablePool } from '../support/durable-pools.js'
import { gate } from '../support/gate.js'
import { never, rejection, startedPool } from '../support/pools.js'

/** Keeps what is published, for a pool in the same process. */
class Shelf implements TaskMirror {
  readonly records: TaskRecord[] = []
  readonly ttls = new Set<number>()
  closed = 0

  publish(record: TaskRecord, ttlMs: number): void {
    this.records.push(record)
    this.ttls.add(ttlMs)
  }

  async read(id: string): Promise<TaskRecord | undefined> {
    return this.records.findLast((record) => record.id === id)
  }

  async close(): Promise<void> {
    this.closed++
  }

  lines(): string[] {
    return this.records.map(({ state, attempt, progress }) => `${state} ${attempt} ${progress?.ratio ?? ''}`.trim())
  }
}

describe('the mirror', () => {
  it('of a pool with a store gets what is on disk, and nothing before', async () => {
    const mirror = new Shelf()
    const end = gate()
    const handlers = {
      work: (_: unknown, { progress }: { progress: (ratio: number) => void }) => {
        progress(0.5)
        return end.promise
      }
    }
    const { clock, pool, store } = startedDurablePool({ handlers, mirror, retention: { ms: 7_000 } })
    store.hold()
    pool.queueTask('work', null)
    await clock.turn()
    expect(mirror.records).toEqual([])
    store.releaseOne()
    await clock.turn()
    expect(mirror.lines()).toEqual(['running 1', 'running 1 0.5'])
    end.open()
    await clock.turn()
    expect(mirror.records).toHaveLength(2)
    store.release()
    await clock.turn()
    expect(mirror.lines().slice(2)).toEqual(['succeeded 1 0.5'])
    expect(mirror.ttls).toEqual(new Set([7_000]))
    const stopped = pool.stop()
    await clock.turn()
    await stopped
    expect(mirror.closed).toBe(1)
  })

  it('gets nothing of a task that was given up', async () => {
    const mirror = new Shelf()
    const { clock, pool, store } = startedDurablePool({ handlers: { work: () => 1 }, mirror })
    store.failNext()
    const task = pool.queueTask('work')
    await clock.turn()
    expect(task.state).toBe('failed')
    expect(mirror.records).toEqual([])
  })

  it('of a pool without a store gets each visible change', async () => {
    const mirror = new Shelf()
    const { clock, pool } = startedPool({ mirror })
    pool.queueTask(() => 'done')
    await clock.turn()
    expect(mirror.lines()).toEqual(['running 0', 'running 1', 'succeeded 1'])
  })
})

describe('findTask', () => {
  it('reads memory, then the store, then the mirror', async () => {
    const mirror = new Shelf()
    const { clock, pool, store } = startedDurablePool({ handlers: { work: () => 1 }, mirror, retention: { ms: 100 } })
    const { id } = pool.queueTask('work')
    await clock.turn()
    expect(await pool.findTask(id)).toEqual(pool.task(id)?.record())
    expect(store.stats().gets).toBe(0)
    await clock.advance(100)
    expect(pool.task(id)).toBeUndefined()
    expect(await pool.findTask(id)).toMatchObject({ id, state: 'succeeded', result: 1, revision: 4 })
    const elsewhere = { ...mirror.records[0], id: 'elsewhere' } as TaskRecord
    mirror.publish(elsewhere, 1)
    expect(await pool.findTask('elsewhere')).toEqual(elsewhere)
    expect(await pool.findTask('nowhere')).toBeUndefined()
    expect(await pool.findTask('')).toBeUndefined()
  })

  it('rejects when it cannot know', async () => {
    const { pool, store } = durablePool()
    const cause = new Error('the disk is gone')
    store.failNext({ operation: 'get', error: cause })
    const error = await rejection(pool.findTask('some'))
    expect(error).toBeInstanceOf(StoreError)
    expect(error).toMatchObject({ cause })
  })

  it('rejects with the error of the store itself if that is a StoreError', async () => {
    const { pool, store } = durablePool()
    const error = new StoreError('The file is locked.')
    store.failNext({ operation: 'get', error })
    expect(await rejection(pool.findTask('some'))).toBe(error)
  })

  it('reads a task that ran in another process and has no handler here', async () => {
    const first = startedDurablePool({ handlers: { work: never } })
    const task = first.pool.queueTask('work')
    await first.clock.turn()
    first.store.kill()
    const { id, startedAt } = task.record()
    const { pool } = durablePool({ disk: first.disk, onUnobservedError: () => {} })
    expect(await pool.findTask(id)).toMatchObject({ id, state: 'running', attempt: 1, startedAt })
  })
})
