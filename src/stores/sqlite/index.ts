/**
 * A file in which accepted tasks outlive the process.
 *
 * @module coatcheck/stores/sqlite
 */
export type { OpenStore, StoreBatch, StoredChange, StoredTask } from '../../contract/store.js'
export { StoreDriverError, StoreInUseError, StoreVersionError } from './errors.js'
export type { SqliteConnection, SqliteDriver, SqliteOutcome, SqliteStatement, SqliteValue } from './file/driver.js'
export type { KeepOptions, SqliteStoreOptions } from './options.js'
export { sqliteStore } from './sqlite-store.js'
