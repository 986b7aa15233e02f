export { MemoryDisk, StoreProtocolError } from './memory-disk.js'
export { type MemoryStore, type MemoryStoreOptions, type MemoryStoreStats, memoryStore } from './memory-store.js'
export type { StoreFailure, StoreOperation } from './store-failures.js'
