import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type SqliteDriver, type SqliteStoreOptions, sqliteStore } from 'coatcheck/stores/sqlite'
import { onTestFinished } from 'vitest'
import { loadDriver } from '../../../src/stores/sqlite/file/load-driver.js'

/** A folder that is removed when the test has finished. */
export const folder = (): string => {
  const path = mkdtempSync(join(tmpdir(), 'coatcheck-sqlite-'))
  onTestFinished(() => rmSync(path, { recursive: true, force: true }))
  return path
}

/** A path for a new file, in a folder of its own. */
export const newPath = (): string => join(folder(), 'tasks.db')

/** Opens a store that is closed when the test has finished. */
export const open = async (options: SqliteStoreOptions) => {
  const store = await sqliteStore(options)
  onTestFinished(async () => store.close())
  return store
}

/** better-sqlite3, if it has been installed for these tests (`npm ci` in this folder) and for this Node. */
const betterSqlite = (): { readonly path: string; readonly driver: SqliteDriver } | undefined => {
  try {
    const require = createRequire(join(import.meta.dirname, 'better-sqlite3', 'package.json'))
    const driver = require('better-sqlite3') as SqliteDriver
    new driver(':memory:').close() // it loads what was compiled only now
    return { path: require.resolve('better-sqlite3'), driver }
  } catch {
    return undefined
  }
}

export const better = betterSqlite()

/** The driver that the store finds by itself on this Node. */
export const own = loadDriver()

/** Each way to use the store on this Node. */
export const ways: readonly { readonly way: string; readonly options: Omit<SqliteStoreOptions, 'path'> }[] = [
  { way: 'in a thread', options: {} },
  { way: 'on the loop', options: { thread: false } },
  ...(better === undefined
    ? []
    : [
        { way: 'in a thread, by better-sqlite3', options: { driver: better.path } },
        { way: 'on the loop, by better-sqlite3', options: { thread: false, driver: better.driver } }
      ])
]
