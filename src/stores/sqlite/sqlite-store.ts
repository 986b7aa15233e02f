import type { OpenStore } from '../../contract/store.js'
import { systemClock } from '../../ports/system-clock.js'
import { StoreInUseError } from './errors.js'
import { loadDriver } from './file/load-driver.js'
import { claimPath } from './file/paths-in-use.js'
import { LoopStore } from './loop-store.js'
import { checkSqliteOptions, type SqliteSettings, type SqliteStoreOptions } from './options.js'
import { ThreadStore } from './thread/thread-store.js'

/** Time between two attempts to open a file that is in use. */
const PAUSE_MS = 25

/**
 * Opens a file of tasks, for one pool: what the pool has acknowledged is in the file, and the next process that opens it goes
 * on with it.
 *
 * The file belongs to this process until the pool stops. Give the store to `new WorkerPool({ store })` at once: it contains
 * what was loaded.
 *
 * @throws TypeError, RangeError for options
 * @throws StoreInUseError if another process, or this one, has the file open, after `waitMs`
 * @throws StoreVersionError if a newer version of this library has written the file
 * @throws StoreDriverError if there is no SQLite
 * @throws StoreError if the file cannot be opened or is of another application
 *
 * @example
 * ```ts
 * import { sqliteStore } from 'coatcheck/stores/sqlite'
 *
 * const store = await sqliteStore({ path: 'tasks.db', waitMs: 10_000 })
 * console.log(`${store.unfinished.length} tasks to go on with`)
 * await store.close()
 * ```
 */
export async function sqliteStore(options: SqliteStoreOptions): Promise<OpenStore> {
  const settings = checkSqliteOptions(options)
  const until = systemClock.now() + settings.waitMs
  for (;;) {
    try {
      return await openStore(settings)
    } catch (error) {
      if (!(error instanceof StoreInUseError) || systemClock.now() >= until) throw error
      await pause()
    }
  }
}

async function openStore({ path, thread, sync, keep, maxBytes, driver }: SqliteSettings): Promise<OpenStore> {
  const file = { path, sync, keep, maxBytes }
  const release = claimPath(path)
  try {
    if (typeof driver === 'function') return new LoopStore(driver, file, release)
    if (!thread) return new LoopStore(loadDriver(driver), file, release)
    return await ThreadStore.open({ ...file, driver }, release)
  } catch (error) {
    release()
    throw error
  }
}

function pause(): Promise<void> {
  return new Promise((resolve) => systemClock.timer(resolve).set(PAUSE_MS))
}
