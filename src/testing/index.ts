/**
 * A clock driven by hand, a store that fails when a test says so, and conformance suites.
 *
 * @module coatcheck/testing
 */
export type { Awaitable, ConformanceCase } from './conformance-case.js'
export { type ManualClock, type ManualClockOptions, manualClock } from './manual-clock.js'
export { MemoryDisk, StoreProtocolError } from './memory-disk.js'
export { type MemoryStore, type MemoryStoreOptions, type MemoryStoreStats, memoryStore } from './memory-store.js'
export { poolConformance } from './pool-conformance.js'
export type {
  ConformanceHandlers,
  PoolUnderTest,
  PoolUnderTestOptions,
  TaskUnderTest,
  TaskUnderTestOptions
} from './pool-under-test.js'
export { type StoreConformanceOptions, type StorePlace, storeConformance } from './store-conformance.js'
export type { StoreFailure, StoreOperation } from './store-failures.js'
