import { StoreError } from '../../../contract/store-errors.js'
import { read } from '../../../contract/task-record.js'
import { StoreVersionError } from '../errors.js'
import type { SqliteConnection } from './driver.js'
import { FINAL } from './rows.js'

/** "coat" in ASCII. */
const APPLICATION = 0x636f6174

/** Version of the schema. A file with a newer one is refused. */
const VERSION = 1

const PAGE_BYTES = 4_096

const TABLES = `
CREATE TABLE tasks (
  seq INTEGER PRIMARY KEY, id TEXT NOT NULL, chosen INTEGER NOT NULL, name TEXT NOT NULL, key TEXT,
  priority INTEGER NOT NULL, queued_at INTEGER NOT NULL, input TEXT, options TEXT, metadata TEXT, fingerprint TEXT,
  state INTEGER NOT NULL, ord INTEGER NOT NULL, attempt INTEGER NOT NULL, failures INTEGER NOT NULL,
  revision INTEGER NOT NULL, crashes INTEGER NOT NULL, started_at INTEGER, due_at INTEGER, cancel_at INTEGER,
  settled_at INTEGER, outcome TEXT
) STRICT;
CREATE UNIQUE INDEX chosen ON tasks (id) WHERE chosen = 1;
CREATE INDEX unfinished ON tasks (ord) WHERE state < ${FINAL};
CREATE INDEX finished ON tasks (settled_at) WHERE state >= ${FINAL};
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
`

/** How the file is written. */
export interface WriteSettings {
  /** `full`: every commit waits until the disk has it. `normal`: a power cut may take the last commits. */
  readonly sync: 'full' | 'normal'
  /** The greatest size of the file, in bytes. */
  readonly maxBytes: number
}

/**
 * Takes the file for this connection alone, and makes its tables if it is new.
 *
 * @param newSecret - called for a new file
 */
export function prepareFile(
  connection: SqliteConnection,
  path: string,
  settings: WriteSettings,
  newSecret: () => string
): void {
  // The lock is taken by the first read, and kept.
  connection.exec('PRAGMA busy_timeout = 0; PRAGMA locking_mode = EXCLUSIVE')
  const version = checkVersion(connection, path)
  // A file that is not in this mode yet is changed, so the check comes first.
  const mode = pragma(connection, 'journal_mode = WAL', 'journal_mode')
  if (mode !== 'wal') throw new StoreError(`The store ${path} cannot have a write-ahead log: its journal is ${mode}.`)
  connection.exec(`PRAGMA synchronous = ${settings.sync === 'full' ? 'FULL' : 'NORMAL'}`)
  if (settings.maxBytes !== Number.POSITIVE_INFINITY)
    connection.exec(`PRAGMA max_page_count = ${Math.floor(settings.maxBytes / PAGE_BYTES)}`)
  connection.exec('BEGIN IMMEDIATE')
  if (version === 0) createTables(connection, newSecret())
  connection.exec("UPDATE meta SET value = value + 1 WHERE name = 'opened'; COMMIT")
}

function createTables(connection: SqliteConnection, secret: string): void {
  connection.exec(`PRAGMA application_id = ${APPLICATION}; PRAGMA user_version = ${VERSION}; ${TABLES}`)
  const insert = connection.prepare('INSERT INTO meta (name, value) VALUES (?, ?)')
  insert.run('secret', secret)
  for (const counter of ['probe', 'opened', 'last']) insert.run(counter, '0')
}

function checkVersion(connection: SqliteConnection, path: string): number {
  const application = pragma(connection, 'application_id')
  const version = pragma(connection, 'user_version')
  const tables = read(connection.prepare('SELECT count(*) AS count FROM sqlite_schema').get(), 'count')
  if (application === 0 && version === 0 && tables === 0) return 0
  if (application !== APPLICATION)
    throw new StoreError(`The file ${path} is a database of another application. Use another path.`)
  if (typeof version !== 'number' || version > VERSION) throw new StoreVersionError(path, Number(version), VERSION)
  return version
}

/** Runs a pragma and gives its answer. */
function pragma(connection: SqliteConnection, statement: string, column = statement): unknown {
  return read(connection.prepare(`PRAGMA ${statement}`).get(), column)
}

/**
 * Closes the database and gives its lock back. The lock that was taken together with a write-ahead log is only given up with
 * another journal, for which a full disk may have no room: then it ends with the connection, which `@photostructure/sqlite`
 * keeps until its statements are collected or the thread ends.
 */
export function closeFile(connection: SqliteConnection): void {
  attempt(connection, 'PRAGMA journal_mode = DELETE')
  leaveFile(connection)
}

/**
 * Closes the database without changing it. A driver may keep it open, and with it the lock, for as long as a statement is
 * not collected: so the lock is given up before.
 */
export function leaveFile(connection: SqliteConnection): void {
  attempt(connection, 'PRAGMA locking_mode = NORMAL; SELECT count(*) FROM sqlite_schema')
  try {
    connection.close()
  } catch {
    // There is nothing left to do: the lock ends with the connection.
  }
}

function attempt(connection: SqliteConnection, sql: string): void {
  try {
    connection.exec(sql)
  } catch {
    // What is committed is in the write-ahead log, which the next one to open the file reads.
  }
}
