import { describe, expect, it } from 'vitest'
import type { Task } from '../../src/index.js'
import { microtasks } from '../support/manual-clock.js'
import { quietPool } from '../support/pools.js'

function runMsOf(task: Task): number {
  const { startedAt = '', settledAt = '' } = task.record()
  return Date.parse(settledAt) - Date.parse(startedAt)
}

/** The turn of the event loop does not end in these tests: a new turn would read the clock. */
describe('the run time of a task that blocks the event loop', () => {
  it.each([1, 2])('is exact for each of many that block after an await, with %i at a time', async (concurrency) => {
    const { clock, pool } = quietPool({ concurrency, queueCapacity: 100 })
    pool.start()
    const oneByOne = async (): Promise<void> => {
      for (let n = 0; n < 30; n++) {
        await pool
          .queueTask(async () => {
            await undefined
            clock.block(0.15)
          })
          .settled()
      }
    }
    await oneByOne()
    const { count, mean, p50, max } = pool.stats().runMs
    expect({ count, mean, p50, max }).toMatchObject({
      count: 30,
      mean: expect.closeTo(0.15),
      p50: expect.closeTo(0.15, 1),
      max: expect.closeTo(0.15)
    })
  })

  it('is exact for a single one that blocks after an await, however many quick ones ran before it', async () => {
    const { clock, pool } = quietPool()
    pool.start()
    const runMs: number[] = []
    for (let n = 0; n < 100; n++) {
      const task = pool.queueTask(async () => {
        await undefined
        if (n % 40 === 39) clock.block(3)
      })
      await task.settled()
      runMs.push(runMsOf(task))
    }
    expect(runMs).toEqual(Array.from({ length: 100 }, (_, n) => (n % 40 === 39 ? 3 : 0)))
  })

  it('does not include what blocked the event loop between the queueing and the call', async () => {
    const { clock, pool } = quietPool()
    pool.start()
    for (let n = 0; n < 100; n++) {
      const task = pool.queueTask(async () => {})
      if (n % 40 === 39) clock.block(3)
      await task.settled()
      expect(runMsOf(task)).toBe(0)
    }
    expect(pool.stats().runMs.max).toBe(0)
  })

  it.each([0, 9, 10, 50, 99])(
    'is exact for one that blocks before an await among a hundred quick ones: the one after %i',
    async (at) => {
      const { clock, pool } = quietPool({ concurrency: 10, queueCapacity: 100 })
      const tasks = Array.from({ length: 100 }, (_, n) =>
        pool.queueTask(async () => {
          if (n === at) clock.block(7)
        })
      )
      pool.start()
      await microtasks()
      const runMs = tasks.map((task) => {
        const { startedAt = '', settledAt = '' } = task.record()
        return Date.parse(settledAt) - Date.parse(startedAt)
      })
      expect(runMs[at]).toBe(7)
      expect(
        runMs.slice(10 * Math.ceil((at + 1) / 10)).filter((ms) => ms > 0),
        'of those called later'
      ).toEqual([])
    }
  )

  it('is exact for one that returns without a promise, and not that of the next', async () => {
    const { clock, pool } = quietPool({ queueCapacity: 100 })
    const tasks = Array.from({ length: 50 }, (_, n) => pool.queueTask(() => n === 40 && clock.block(7)))
    pool.start()
    await microtasks()
    const blocked = tasks.filter((task) => runMsOf(task) > 0)
    expect(blocked).toEqual([tasks[40]])
  })
})
