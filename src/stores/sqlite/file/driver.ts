/** A value that a row holds or a statement is given. */
export type SqliteValue = null | number | string

/** What a statement has done. */
export interface SqliteOutcome {
  /** Number of rows that it changed. */
  readonly changes: number | bigint
}

/** A prepared statement: what the store uses of it. */
export interface SqliteStatement {
  /** Runs the statement. */
  run(...values: SqliteValue[]): SqliteOutcome
  /** The first row, as an object; `undefined` without one. */
  get(...values: SqliteValue[]): unknown
  /** All rows, as objects. */
  all(...values: SqliteValue[]): unknown[]
}

/** An open database: what the store uses of it. */
export interface SqliteConnection {
  /** Runs statements without values. */
  exec(sql: string): unknown
  /** Prepares a statement. */
  prepare(sql: string): SqliteStatement
  /** Closes the database. */
  close(): unknown
}

/**
 * A synchronous SQLite, as a class: `DatabaseSync` of `node:sqlite` and of `@photostructure/sqlite`, or the default export
 * of `better-sqlite3`.
 */
export type SqliteDriver = new (path: string) => SqliteConnection
