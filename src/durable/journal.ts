import { withoutStack } from '../contract/errors.js'
import type { OpenStore, StoreBatch, StoredChange, StoredTask } from '../contract/store.js'
import { StoreError } from '../contract/store-errors.js'
import { read } from '../contract/task-record.js'
import { SUCCEEDED } from '../scheduler/lifecycle.js'
import type { Stored } from '../task/stored.js'
import type { PoolTask } from '../task/task.js'
import type { WallTimes } from '../task/wall-times.js'
import { Deadline, type Deadlines } from '../waiting/deadlines.js'
import type { Turn } from '../waiting/turn.js'
import { changeOf, rowOf } from './rows.js'

/** Rows of one batch at most, so that making them does not hold the event loop. */
const MAX_ROWS = 4_096
/** The first wait before a write is repeated, and the longest, in milliseconds. */
const FIRST_RETRY_MS = 20
const LAST_RETRY_MS = 2_000
/** How long the last write of a forced stop may take, in milliseconds. */
const LAST_WRITE_MS = 2_000

/** The pool, as its journal calls it. */
export interface JournalOwner {
  /** The rows of these tasks are on disk; some may have changed since. */
  written(tasks: readonly PoolTask[]): void
  /** These were never on disk and will not be. */
  givenUp(tasks: readonly PoolTask[], error: StoreError): void
  /** The pool stops; these ends will not be on disk. */
  unwritten(tasks: readonly PoolTask[]): void
  /** Whether the store works has changed. */
  storeChanged(error: unknown): void
}

/** The parts of the pool that a journal takes. */
export interface JournalParts {
  readonly turn: Turn
  readonly deadlines: Deadlines
  readonly times: WallTimes
}

/** A task in a batch, and which of its changes the batch has. */
interface Entry {
  readonly task: PoolTask
  readonly stored: Stored
  readonly version: number
}

/**
 * Writes what changes. Each changed task is in the set of those to be written once, and a batch has its present row: many
 * changes of a turn cost one row, and a batch that failed is repeated by keeping the set. One batch is under way at most;
 * what changes meanwhile is in the next one.
 */
export class Journal {
  /** Stored tasks whose last state was not written. */
  unrecorded = 0
  readonly #store: OpenStore
  readonly #parts: JournalParts
  readonly #owner: JournalOwner
  #dirty = new Set<PoolTask>()
  /** `seq` of tasks whose insert failed and may be on disk all the same, and of those that were forgotten. */
  readonly #removed = new Set<number>()
  /** Of these, the ones in the batch that is being written. */
  #removing: readonly number[] = []
  /** The batch that is being written. */
  #under: readonly Entry[] | null = null
  #error: StoreError | null = null
  #retryMs = FIRST_RETRY_MS
  readonly #retry = new Deadline(() => this.#write())
  readonly #lastWrite = new Deadline(() => this.#giveUp(silent()))
  /** The force deadline has passed: each write may be the last one. */
  #forced = false
  /** Nothing is written any more. */
  #over = false
  #onIdle: (() => void) | undefined

  constructor(store: OpenStore, parts: JournalParts, owner: JournalOwner) {
    this.#store = store
    this.#parts = parts
    this.#owner = owner
  }

  /** Why the store cannot write now; null while it can. */
  get error(): StoreError | null {
    return this.#error
  }

  /** Tasks whose present state is not on disk. */
  *pending(): Generator<PoolTask> {
    const under = this.#under ?? []
    for (const { task } of under) if (!this.#dirty.has(task)) yield task
    yield* this.#dirty
  }

  /** A stored task has changed: its row is written at the end of the turn. */
  changed(task: PoolTask, stored: Stored): void {
    if (!this.#over && (stored.lost !== undefined || this.#removed.has(stored.seq))) return
    stored.version++
    if (this.#over) return this.#abandon([task], silent())
    this.#dirty.delete(task) // what happens after a commit is in the order of the last changes
    this.#dirty.add(task)
    if (this.#error === null) this.#parts.turn.begin()
    else if (!this.#retry.keepAlive && this.#retry.isSet) this.#parts.deadlines.setAt(this.#retry, this.#retry.at, true)
  }

  /** A settled task was forgotten: its row is removed. Once nothing is written any more, it stays. */
  remove(task: PoolTask, { seq }: Stored): void {
    if (this.#over) return
    this.#dirty.delete(task)
    this.#removed.add(seq)
    if (this.#error === null) this.#parts.turn.begin()
  }

  /** Whether the row with this number is that of a task that was given up or forgotten. */
  removes(seq: number): boolean {
    return this.#removed.has(seq)
  }

  /** The turn ends. */
  flush(): void {
    if (this.#under === null && this.#error === null && !this.#isEmpty) this.#write()
  }

  /** Whether nothing is left to be written. */
  get #isEmpty(): boolean {
    return this.#dirty.size === 0 && this.#removed.size === 0
  }

  /** The force deadline of a stop has passed: what is not written soon is not written. */
  force(): void {
    this.#forced = true
    if (this.#dirty.size === 0 && this.#under === null) return
    this.#parts.deadlines.set(this.#lastWrite, LAST_WRITE_MS, true)
    if (this.#under === null) this.#write()
  }

  /** Nothing changes any more: writes what is left, and closes the store. Rejects with what that throws. */
  async close(): Promise<void> {
    this.#forced = true
    this.#parts.deadlines.clear(this.#retry)
    if (this.#under !== null) await this.#idle()
    while (!this.#over && this.#removed.size > 0) {
      this.#write()
      if (this.#under !== null) await this.#idle()
    }
    this.#over = true
    this.#parts.deadlines.clear(this.#lastWrite)
    await this.#store.close()
  }

  #idle(): Promise<void> {
    this.#parts.deadlines.set(this.#lastWrite, LAST_WRITE_MS, true)
    return new Promise((resolve) => {
      this.#onIdle = resolve
    })
  }

  #write(): void {
    this.#parts.deadlines.clear(this.#retry)
    if (this.#forced && !this.#lastWrite.isSet) this.#parts.deadlines.set(this.#lastWrite, LAST_WRITE_MS, true)
    const entries = this.#take()
    this.#under = entries
    let written: void | Promise<void>
    try {
      written = this.#store.write(this.#batchOf(entries))
    } catch (error) {
      return this.#failed(entries, error)
    }
    if (written === undefined) return this.#succeeded(entries)
    written.then(
      () => this.#succeeded(entries),
      (error: unknown) => this.#failed(entries, error)
    )
  }

  #take(): Entry[] {
    const entries: Entry[] = []
    for (const task of this.#dirty) {
      const stored = task.details?.stored as Stored
      entries.push({ task, stored, version: stored.version })
      this.#dirty.delete(task)
      if (entries.length === MAX_ROWS) break
    }
    return entries
  }

  #batchOf(entries: readonly Entry[]): StoreBatch {
    const insert: StoredTask[] = []
    const update: StoredChange[] = []
    const { times } = this.#parts
    for (const { task, stored } of entries) {
      if (stored.birth === null) update.push(changeOf(task, stored, times))
      else insert.push(rowOf(task, stored, stored.birth, times))
    }
    this.#removing = [...this.#removed].slice(0, MAX_ROWS)
    return { insert, update, remove: this.#removing }
  }

  #succeeded(entries: readonly Entry[]): void {
    if (this.#over) return
    this.#under = null
    for (const seq of this.#removing) this.#removed.delete(seq)
    this.#retryMs = FIRST_RETRY_MS
    if (this.#error !== null) {
      this.#error = null
      this.#owner.storeChanged(undefined)
    }
    for (const { stored, version } of entries) stored.committed(version)
    this.#owner.written(entries.map(({ task }) => task))
    this.#next()
  }

  #failed(entries: readonly Entry[], cause: unknown): void {
    if (this.#over) return
    this.#under = null
    const error = storeError('The task could not be written down and will not run.', cause)
    const isFirst = this.#error === null
    this.#error = error
    const isLost = ({ task, stored }: Entry): boolean => stored.birth !== null && task.stage < SUCCEEDED
    const given = entries.filter(isLost)
    const kept = entries.filter((entry) => !isLost(entry) && !this.#removed.has(entry.stored.seq))
    const unchanged = kept.filter(({ task }) => !this.#dirty.has(task))
    this.#dirty = new Set([...unchanged.map(({ task }) => task), ...this.#dirty])
    for (const { task, stored } of given) {
      this.#dirty.delete(task)
      this.#removed.add(stored.seq)
    }
    const delayed = storeError('The change could not be written down yet. The pool repeats that.', cause)
    for (const { stored, version } of kept) stored.refused(version, delayed)
    if (given.length > 0)
      this.#abandon(
        given.map(({ task }) => task),
        error
      )
    if (isFirst) this.#owner.storeChanged(cause) // a listener may cancel what was not given up
    if (this.#forced) this.#giveUp(error)
    else this.#retryLater()
  }

  #retryLater(): void {
    this.#parts.deadlines.set(this.#retry, this.#retryMs, this.#dirty.size > 0)
    this.#retryMs = Math.min(this.#retryMs * 2, LAST_RETRY_MS)
  }

  /** A write has ended; what came meanwhile is the next one. */
  #next(): void {
    if (this.#isEmpty) {
      this.#onIdle?.()
      if (this.#forced) this.#parts.deadlines.clear(this.#lastWrite)
    } else if (this.#forced) this.#write()
    else this.#parts.turn.begin()
  }

  /** The stop does not wait for the store any longer. */
  #giveUp(error: StoreError): void {
    const under = this.#under ?? []
    this.#over = true
    this.#under = null
    this.#parts.deadlines.clear(this.#lastWrite)
    const tasks = new Set([...under.map(({ task }) => task), ...this.#dirty])
    this.#dirty.clear()
    this.#abandon([...tasks], error)
    this.#onIdle?.()
  }

  /** These are not written: promises that they are reject, and their ends are shown. */
  #abandon(tasks: readonly PoolTask[], error: StoreError): void {
    const isNew = ({ details }: PoolTask): boolean => details?.stored?.birth !== null
    if (this.#over) this.unrecorded += tasks.filter(({ details }) => details?.stored?.lost === undefined).length
    for (const { details } of tasks) details?.stored?.lose(error)
    const unborn = tasks.filter(isNew)
    if (unborn.length > 0) this.#owner.givenUp(unborn, error)
    const others = tasks.filter((task) => !isNew(task))
    if (others.length > 0) this.#owner.unwritten(others)
  }
}

function storeError(message: string, cause: unknown): StoreError {
  const inDoubt = read(cause, 'inDoubt') === true
  return withoutStack(() => new StoreError(message, { cause, inDoubt }))
}

function silent(): StoreError {
  return withoutStack(() => new StoreError('The store did not answer before the pool had to stop.', { inDoubt: true }))
}
