import { PoolError } from '../../../contract/errors.js'
import type { StoreBatch, StoredChange, StoredTask } from '../../../contract/store.js'
import { StoreError } from '../../../contract/store-errors.js'
import { read } from '../../../contract/task-record.js'
import { systemClock } from '../../../ports/system-clock.js'
import { TicketCipher } from '../../../ports/ticket-cipher.js'
import { StoreInUseError } from '../errors.js'
import type { SqliteConnection, SqliteDriver, SqliteStatement } from './driver.js'
import { isBusy, readFailure, writeFailure } from './failures.js'
import { FileRetention, type Keep } from './retention.js'
import { changeValues, END, FINAL, INSERT, insertValues, isFinal, SELECT, taskOf, textOfRow, UPDATE } from './rows.js'
import { closeFile, leaveFile, prepareFile, type WriteSettings } from './schema.js'

/** How a file is opened: plain data. */
export interface FileSettings extends WriteSettings {
  /** The file, as an absolute path. */
  readonly path: string
  readonly keep: Keep
}

/** What a pool needs of a file that was opened; the tasks as texts, for {@link taskOf}. */
export interface FileContent {
  readonly unfinished: readonly string[]
  readonly finished: readonly string[]
  readonly lastSeq: number
  readonly secret: string
}

/** How many of the tasks that have ended are loaded at most, and how many bytes of text they have in all. */
const LOADED = { count: 10_000, bytes: 32 * 1_024 * 1_024 } as const

const NEWEST_FIRST = `WHERE state >= ${FINAL} ORDER BY settled_at DESC, seq DESC LIMIT ?`
const SECRET_BYTES = 32

/** A file of tasks, held by one connection. Everything is synchronous. */
export class TaskFile {
  readonly #path: string
  readonly #connection: SqliteConnection
  readonly #insert: SqliteStatement
  readonly #update: SqliteStatement
  readonly #end: SqliteStatement
  readonly #remove: SqliteStatement
  readonly #releaseId: SqliteStatement
  readonly #probe: SqliteStatement
  readonly #setLast: SqliteStatement
  readonly #bySeq: SqliteStatement
  readonly #byChosenId: SqliteStatement
  readonly #retention: FileRetention
  readonly #secret: string
  readonly #cipher: TicketCipher
  #last: number
  #isCertain = true

  private constructor(connection: SqliteConnection, { path, keep }: FileSettings) {
    this.#path = path
    this.#connection = connection
    this.#insert = connection.prepare(INSERT)
    this.#update = connection.prepare(UPDATE)
    this.#end = connection.prepare(END)
    this.#remove = connection.prepare('DELETE FROM tasks WHERE seq = ?')
    this.#releaseId = connection.prepare(
      `DELETE FROM tasks WHERE id = ? AND chosen = 1 AND seq <> ? AND state >= ${FINAL}`
    )
    this.#probe = connection.prepare("UPDATE meta SET value = value + 1 WHERE name = 'probe'")
    this.#setLast = connection.prepare("UPDATE meta SET value = ? WHERE name = 'last'")
    this.#bySeq = connection.prepare(`${SELECT} WHERE seq = ?`)
    this.#byChosenId = connection.prepare(`${SELECT} WHERE id = ? AND chosen = 1`)
    this.#retention = new FileRetention(connection, keep)
    this.#secret = this.#meta('secret')
    this.#last = Number(this.#meta('last'))
    this.#cipher = new TicketCipher(this.#secret, (count) => systemClock.randomBytes(count))
  }

  /**
   * Opens a file and takes it for this process alone.
   *
   * @throws StoreInUseError, StoreVersionError, StoreError
   */
  static open(driver: SqliteDriver, settings: FileSettings): TaskFile {
    const { path } = settings
    let connection: SqliteConnection | undefined
    try {
      connection = new driver(path)
      const newSecret = (): string => Buffer.from(systemClock.randomBytes(SECRET_BYTES)).toString('base64url')
      prepareFile(connection, path, settings, newSecret)
      return new TaskFile(connection, settings)
    } catch (error) {
      if (connection !== undefined) leaveFile(connection)
      if (error instanceof PoolError) throw error
      if (isBusy(error)) throw new StoreInUseError(path, { cause: error })
      throw new StoreError(`The store ${path} could not be opened: ${read(error, 'message')}.`, { cause: error })
    }
  }

  /**
   * All tasks that have not ended, and the newest of those that have.
   *
   * @throws StoreError; the file is closed then
   */
  load(): FileContent {
    try {
      return this.#content()
    } catch (error) {
      this.close()
      throw readFailure(this.#path, error)
    }
  }

  #content(): FileContent {
    const sizes = this.#connection
      .prepare(`SELECT octet_length(outcome) AS outcome, octet_length(metadata) AS metadata FROM tasks ${NEWEST_FIRST}`)
      .all(LOADED.count)
    const newest = this.#connection.prepare(`${SELECT} ${NEWEST_FIRST}`).all(countWithin(sizes, LOADED.bytes))
    const unfinished = this.#connection.prepare(`${SELECT} WHERE state < ${FINAL} ORDER BY ord`).all()
    return {
      unfinished: unfinished.map((row) => textOfRow(row) as string),
      finished: newest.reverse().map((row) => textOfRow(row) as string),
      lastSeq: this.#last,
      secret: this.#secret
    }
  }

  /**
   * Writes all of a batch or nothing.
   *
   * @throws StoreError
   */
  write(batch: StoreBatch): void {
    const last = highest(this.#last, batch)
    try {
      this.#connection.exec('BEGIN IMMEDIATE')
      this.#apply(batch)
      if (last > this.#last) this.#setLast.run(String(last))
      this.#connection.exec('COMMIT')
    } catch (error) {
      this.#isCertain = false
      this.#rollBack()
      throw writeFailure(this.#path, error)
    }
    this.#last = last
    this.#isCertain = true
  }

  #apply({ insert, update, remove }: StoreBatch): void {
    let ended = 0
    for (const seq of remove) this.#remove.run(seq)
    for (const task of insert) ended += this.#add(task)
    for (const change of update) ended += this.#change(change)
    if (insert.length + update.length + remove.length === 0) this.#probe.run()
    if (this.#isCertain && remove.length === 0) this.#retention.apply(ended, systemClock.date())
    else this.#retention.recount()
  }

  /** The number of tasks that have ended changes by what is returned. */
  #add(task: StoredTask): number {
    // The pool may have forgotten a task that has ended, and its ticket is free again.
    const released = task.chosen ? Number(this.#releaseId.run(task.id, task.seq).changes) : 0
    this.#insert.run(...insertValues(task))
    return (isFinal(task.state) ? 1 : 0) - released
  }

  #change(change: StoredChange): number {
    const statement = isFinal(change.state) ? this.#end : this.#update
    const changed = Number(statement.run(...changeValues(change)).changes)
    return isFinal(change.state) ? changed : 0
  }

  #rollBack(): void {
    try {
      this.#connection.exec('ROLLBACK')
    } catch {
      // SQLite has rolled back by itself.
    }
  }

  /**
   * The task with this ticket.
   *
   * @throws StoreError
   */
  get(id: string): StoredTask | undefined {
    try {
      const seq = this.#cipher.open(id)
      const found = seq === undefined ? undefined : this.#found(this.#bySeq, seq)
      return found?.id === id ? found : this.#found(this.#byChosenId, id)
    } catch (error) {
      throw readFailure(this.#path, error)
    }
  }

  #found(statement: SqliteStatement, value: number | string): StoredTask | undefined {
    const text = textOfRow(statement.get(value))
    return text === undefined ? undefined : taskOf(text)
  }

  /** Closes the file and gives its lock back. Never throws. */
  close(): void {
    closeFile(this.#connection)
  }

  #meta(name: string): string {
    return String(read(this.#connection.prepare('SELECT value FROM meta WHERE name = ?').get(name), 'value'))
  }
}

/** How many rows from the first on have no more than so many bytes of text. */
function countWithin(sizes: readonly unknown[], bytes: number): number {
  let sum = 0
  const beyond = sizes.findIndex((size) => {
    sum += Number(read(size, 'outcome')) + Number(read(size, 'metadata'))
    return sum > bytes
  })
  return beyond === -1 ? sizes.length : beyond
}

/** The highest number of a task, or place of one, in a batch; at least `last`. */
function highest(last: number, { insert, update }: StoreBatch): number {
  let most = last
  for (const { seq, ord } of insert) most = Math.max(most, seq, ord)
  for (const { seq, ord } of update) most = Math.max(most, seq, ord)
  return most
}
