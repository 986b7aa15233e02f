import { resolve } from 'node:path'
import {
  duration,
  flag,
  given,
  integer,
  isFunction,
  OR_INFINITY,
  oneOf,
  optionsOf,
  wording
} from '../../contract/checks.js'
import type { SqliteDriver } from './file/driver.js'

/** What a file keeps of tasks that have ended. Whichever limit is reached first counts. */
export interface KeepOptions {
  /**
   * Number of tasks: an integer from 0, or `Infinity`.
   *
   * @defaultValue 100,000
   */
  readonly count?: number | undefined

  /**
   * Time after the end of a task, in milliseconds from 0, or `Infinity`. Checked when something is written.
   *
   * @defaultValue `Infinity`
   */
  readonly ms?: number | undefined
}

/** Options of {@link sqliteStore}. */
export interface SqliteStoreOptions {
  /**
   * The file. Its folder must exist, on a disk of this machine: no network file system has the locks that SQLite needs. While
   * the store is open, a second file with the suffix `-wal` lies beside it and belongs to it.
   */
  readonly path: string

  /**
   * Whether the file is written in a thread of its own. Throughput is about the same; with a thread the event loop never
   * waits for the disk. Neither way keeps an idle process alive. The thread runs a file of this package: an application that is
   * bundled into one file leaves this package out of the bundle, or says `false`. With a
   * thread the file is free as soon as the store is closed, whatever the disk does. Without one, `@photostructure/sqlite` may
   * keep it until the process ends if the disk is full at the close.
   *
   * @defaultValue true
   */
  readonly thread?: boolean | undefined

  /**
   * `full`: what is acknowledged survives a power cut. `normal`: it survives the end of the process in any way, but a power
   * cut may take the last commits.
   *
   * @defaultValue `full`
   */
  readonly sync?: 'full' | 'normal' | undefined

  /**
   * What the file keeps of tasks that have ended: `findTask` reads them. A pool takes the newest 10,000 at most, or 32 MiB of
   * text, into its memory when it is made, and of these what its own `retention` allows.
   *
   * @defaultValue the newest 100,000
   */
  readonly keep?: KeepOptions | undefined

  /**
   * The greatest size of the file, in bytes: an integer from 65,536, or `Infinity`. The write-ahead log comes on top,
   * usually some megabytes. A write that needs more fails as on a full disk.
   *
   * @defaultValue `Infinity`
   */
  readonly maxBytes?: number | undefined

  /**
   * How long to wait for another process to close the file, in milliseconds from 0, or `Infinity`: for a restart in which the
   * old process is still stopping.
   *
   * @defaultValue 0
   */
  readonly waitMs?: number | undefined

  /**
   * The SQLite to use: the name or the absolute path of a module, or with `thread: false` its class, `Database` of
   * better-sqlite3 12 for example. A class cannot be sent to a thread.
   *
   * @defaultValue `node:sqlite` where Node has it (22.13 and newer), else `@photostructure/sqlite` if it is installed
   */
  readonly driver?: string | SqliteDriver | undefined
}

/** The options with defaults applied. */
export interface SqliteSettings {
  readonly path: string
  readonly thread: boolean
  readonly sync: 'full' | 'normal'
  readonly keep: { readonly count: number; readonly ms: number }
  readonly maxBytes: number
  readonly waitMs: number
  readonly driver: string | SqliteDriver | undefined
}

const OPTIONS = {
  path: true,
  thread: true,
  sync: true,
  keep: true,
  maxBytes: true,
  waitMs: true,
  driver: true
} as const
const LEAST_BYTES = 65_536

/**
 * Checks the options. Each is read once.
 *
 * @throws TypeError, RangeError with the option, the expected value and the given one
 */
export function checkSqliteOptions(options: unknown): SqliteSettings {
  const o = optionsOf<SqliteStoreOptions>('options', options, OPTIONS)
  const { path, driver } = o
  const thread = given(o.thread, (v) => flag('thread', v), true)
  return {
    path: checkPath(path),
    thread,
    sync: given(o.sync, (v) => oneOf('sync', v, ['full', 'normal']), 'full'),
    keep: checkKeep(o.keep),
    maxBytes: given(o.maxBytes, (v) => integer('maxBytes', v, LEAST_BYTES, OR_INFINITY), Number.POSITIVE_INFINITY),
    waitMs: given(o.waitMs, (v) => duration('waitMs', v), 0),
    driver: checkDriver(driver, thread)
  }
}

function checkPath(path: unknown): string {
  const expected = 'the path of a file'
  if (typeof path !== 'string') throw new TypeError(wording('path', expected, path))
  if (path === '' || path === ':memory:' || path.startsWith('file:') || path.includes('\0'))
    throw new RangeError(wording('path', expected, path))
  return resolve(path)
}

function checkKeep(keep: unknown): SqliteSettings['keep'] {
  const o = keep === undefined ? {} : optionsOf<KeepOptions>('keep', keep, { count: true, ms: true })
  return {
    count: given(o.count, (v) => integer('keep.count', v, 0, OR_INFINITY), 100_000),
    ms: given(o.ms, (v) => duration('keep.ms', v), Number.POSITIVE_INFINITY)
  }
}

function checkDriver(driver: unknown, thread: boolean): string | SqliteDriver | undefined {
  if (driver === undefined) return undefined
  if (typeof driver === 'string' && driver !== '') return driver
  const expected = 'the name of a module, or with `thread: false` a class'
  if (typeof driver === 'string') throw new RangeError(wording('driver', expected, driver))
  if (!isFunction(driver) || thread) throw new TypeError(wording('driver', expected, driver))
  return driver as unknown as SqliteDriver
}
