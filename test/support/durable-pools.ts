import { expect, onTestFinished } from 'vitest'
import { type Handlers, type StoredTask, WorkerPool, type WorkerPoolOptions } from '../../src/index.js'
import type { MemoryDisk, MemoryStore, MemoryStoreOptions } from '../../src/testing/index.js'
import { memoryStore } from '../../src/testing/index.js'
import { expectBalance, Witness } from './books.js'
import { ManualClock } from './manual-clock.js'

type Options = Partial<WorkerPoolOptions<Handlers>> & {
  readonly disk?: MemoryDisk
  readonly clock?: ManualClock
  readonly memory?: MemoryStoreOptions
}

/** A pool with a store and a manual clock, and a witness of its events. */
export interface DurablePool {
  readonly clock: ManualClock
  readonly store: MemoryStore
  readonly disk: MemoryDisk
  // biome-ignore lint/suspicious/noExplicitAny: a pool with any handlers
  readonly pool: WorkerPool<any>
  readonly witness: Witness
}

/** A pool that was not started. Its counters are checked at each event, and its store expects no mistake of the pool. */
export function durablePool({ disk, clock = new ManualClock(), memory, ...options }: Options = {}): DurablePool {
  const store = memoryStore({ ...memory, ...(disk === undefined ? undefined : { disk }) })
  // biome-ignore lint/suspicious/noExplicitAny: a pool with any handlers
  const pool: WorkerPool<any> = new WorkerPool({ concurrency: 1, queueCapacity: 10, clock, store, ...options })
  const witness = new Witness(pool)
  onTestFinished(() => {
    witness.check()
    expect(store.violations).toEqual([])
    expectBalance(pool)
  })
  return { clock, store, disk: store.disk, pool, witness }
}

/** The same, started. */
export function startedDurablePool(options: Options = {}): DurablePool {
  const durable = durablePool(options)
  durable.pool.start()
  return durable
}

/** The only row on a disk. */
export function onlyRow(disk: MemoryDisk): StoredTask {
  const rows = disk.tasks()
  expect(rows).toHaveLength(1)
  return rows[0] as StoredTask
}
