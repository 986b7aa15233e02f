import { createRequire } from 'node:module'
import { isAbsolute, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isFunction } from '../../../contract/checks.js'
import { read } from '../../../contract/task-record.js'
import { StoreDriverError } from '../errors.js'
import type { SqliteDriver } from './driver.js'

/** As a file of this package would require it. */
const fromHere = createRequire(import.meta.url)

/** In the order in which they are tried. */
const KNOWN = ['node:sqlite', '@photostructure/sqlite'] as const

/**
 * Loads a driver by the name of its module, or the first that is there.
 *
 * @throws StoreDriverError when there is none
 */
export function loadDriver(name?: string): SqliteDriver {
  if (name !== undefined) return named(name)
  for (const known of KNOWN) {
    const driver = classIn(moduleIfThere(known))
    if (driver !== undefined) return driver
  }
  throw new StoreDriverError('No SQLite driver was found.')
}

function named(name: string): SqliteDriver {
  let driver: SqliteDriver | undefined
  try {
    driver = classIn(moduleOf(name))
  } catch (cause) {
    throw new StoreDriverError(`The SQLite driver ${name} cannot be loaded.`, { cause })
  }
  if (driver === undefined) throw new StoreDriverError(`The module ${name} has no SQLite driver.`)
  return driver
}

function moduleIfThere(name: string): unknown {
  try {
    return moduleOf(name)
  } catch {
    return undefined
  }
}

/** From the folder of this package, as for any dependency; else from the application's. */
function moduleOf(name: string): unknown {
  if (name.startsWith('node:')) return process.getBuiltinModule(name)
  if (name.startsWith('file:')) return fromHere(fileURLToPath(name))
  if (isAbsolute(name)) return fromHere(name)
  try {
    return fromHere(name)
  } catch {
    return createRequire(join(process.cwd(), 'package.json'))(name)
  }
}

function classIn(module: unknown): SqliteDriver | undefined {
  const found = [read(module, 'DatabaseSync'), module, read(module, 'default')].find(isFunction)
  return found as SqliteDriver | undefined
}
