import { realpathSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { StoreInUseError } from '../errors.js'

/**
 * The files that this process has open, shared by all copies of the package. SQLite keeps a second connection out by itself,
 * but not if two builds of it are in one process: to the system both are the same process, and one loses its lock when the
 * other closes the file.
 */
const KEY = Symbol.for('coatcheck.stores.sqlite.paths')

function pathsInUse(): Set<string> {
  const holder = globalThis as { [KEY]?: Set<string> }
  holder[KEY] ??= new Set()
  return holder[KEY]
}

/**
 * Claims a file for this process.
 *
 * @returns a function that gives it up
 * @throws StoreInUseError
 */
export function claimPath(path: string): () => void {
  const paths = pathsInUse()
  const real = realPath(path)
  if (paths.has(real)) throw new StoreInUseError(path)
  paths.add(real)
  return () => void paths.delete(real)
}

function realPath(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return newFile(path)
  }
}

function newFile(path: string): string {
  try {
    return join(realpathSync(dirname(path)), basename(path))
  } catch {
    return path // its folder does not exist: it cannot be opened either
  }
}
