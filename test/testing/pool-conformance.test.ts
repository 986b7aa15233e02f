import { type JsonValue, WorkerPool } from 'coatcheck'
import { memoryStore, type PoolUnderTest, type PoolUnderTestOptions, poolConformance } from 'coatcheck/testing'
import { describe, expect, it } from 'vitest'

const workerPool = (options: PoolUnderTestOptions) => new WorkerPool({ ...options, onUnobservedError: () => {} })

const storedPool = (sync: boolean) => (options: PoolUnderTestOptions) =>
  new WorkerPool({ ...options, store: memoryStore({ sync }), onUnobservedError: () => {} })

describe('a worker pool', () => {
  for (const { title, run } of poolConformance(workerPool)) it(title, run)
})

describe.each([false, true])('a worker pool with a store (sync: %s)', (sync) => {
  for (const { title, run } of poolConformance(storedPool(sync))) it(title, run)
})

describe('a pool whose answers are promises', () => {
  const later = async (options: PoolUnderTestOptions): Promise<PoolUnderTest> => {
    const pool = workerPool(options)
    return {
      get state() {
        return pool.state
      },
      start: async () => void pool.start(),
      queueTask: async (...given) => pool.queueTask(...given),
      cancel: async (id) => pool.cancel(id),
      findTask: async (id) => pool.findTask(id),
      stop: async (given) => pool.stop(given)
    }
  }
  for (const { title, run } of poolConformance(later)) it(title, run)
})

describe('the conformance suite of pools finds a pool that', () => {
  const bound = 'runs at most `concurrency` tasks at the same time, and all of them in the end'
  const refusal = 'refuses a task that has no room, never calls it, and accepts again when there is room'

  it.each<readonly [string, string, (options: PoolUnderTestOptions) => PoolUnderTest]>([
    ['runs too many tasks', bound, (options) => workerPool({ ...options, concurrency: options.concurrency + 1 })],
    ['accepts too many tasks', refusal, (options) => workerPool({ ...options, queueCapacity: 100 })],
    [
      'calls no function again',
      'calls a function that fails again, as often as the policy says',
      ({ concurrency, queueCapacity, handlers }) => workerPool({ concurrency, queueCapacity, handlers })
    ],
    [
      'drops the options of a task',
      'starts tasks of a higher priority first',
      (options) => {
        const pool = workerPool(options)
        const queueTask = pool.queueTask.bind(pool)
        return Object.assign(pool, { queueTask: (name: string, input: JsonValue) => queueTask(name, input) })
      }
    ],
    [
      'forgets its tasks',
      'fails with the error of the function',
      (options) => Object.assign(workerPool(options), { findTask: async () => undefined })
    ],
    [
      'says that everything was canceled',
      'asks a running task to end, which keeps its worker until then',
      (options) => Object.assign(workerPool(options), { cancel: () => 'canceled' as const })
    ]
  ])('%s', async (_, title, makePool) => {
    const found = poolConformance(makePool).find((each) => each.title === title)
    await expect(found?.run()).rejects.toThrow(/./)
  })
})
