import { read } from '../../../contract/task-record.js'
import type { SqliteConnection, SqliteStatement } from './driver.js'
import { FINAL } from './rows.js'

/** What a file keeps of tasks that have ended. */
export interface Keep {
  /** How many. */
  readonly count: number
  /** For how long after their end, in milliseconds. */
  readonly ms: number
}

/** Rows that one write removes beyond those that it adds: a backlog goes in small steps. */
const STEP = 64

const OLDEST = `DELETE FROM tasks WHERE seq IN
  (SELECT seq FROM tasks WHERE state >= ${FINAL} AND settled_at < ? ORDER BY settled_at, seq LIMIT ?)`

/** Removes the oldest tasks that have ended, as a part of the writes. Counts instead of asking: the file may hold many. */
export class FileRetention {
  readonly #keep: Keep
  readonly #count: SqliteStatement
  readonly #remove: SqliteStatement
  #finished = 0

  constructor(connection: SqliteConnection, keep: Keep) {
    this.#keep = keep
    this.#count = connection.prepare(`SELECT count(*) AS count FROM tasks WHERE state >= ${FINAL}`)
    this.#remove = connection.prepare(OLDEST)
    this.recount()
  }

  /** Counts again: after a write of which it is not known what it changed. */
  recount(): void {
    this.#finished = Number(read(this.#count.get(), 'count'))
  }

  /** Takes `ended` more tasks into account and removes what is too much, within the transaction. */
  apply(ended: number, now: number): void {
    this.#finished += ended
    const most = Math.max(ended, 0) + STEP
    const over = Math.min(this.#finished - this.#keep.count, most)
    if (over > 0) this.#finished -= Number(this.#remove.run(Number.MAX_SAFE_INTEGER, over).changes)
    if (this.#keep.ms === Number.POSITIVE_INFINITY || this.#finished === 0) return
    this.#finished -= Number(this.#remove.run(Math.floor(now - this.#keep.ms), most).changes)
  }
}
