import { isPoolErrorRecord } from '../../contract/errors.js'
import type { Task } from '../../contract/task-contract.js'
import type { TaskRecord, TaskState } from '../../contract/task-record.js'
import { isDone } from './ticket-status.js'

/** Marks errors of this library, of any copy of the package. */
const POOL_ERROR = Symbol.for('coatcheck.PoolError')

/** The changes of a record that is read elsewhere, from the present one on. */
export type ChangesOf = (record: TaskRecord, signal: AbortSignal | undefined) => AsyncIterable<TaskRecord>

/**
 * A task that this process knows by its record only: it ended long ago, or belongs to another process. Its record is the
 * last one that was read.
 */
export class RecordTask implements Task {
  readonly recorded = Promise.resolve()
  readonly #changes: ChangesOf
  #record: TaskRecord

  constructor(record: TaskRecord, changes: ChangesOf) {
    this.#record = record
    this.#changes = changes
  }

  get id(): string {
    return this.#record.id
  }

  get name(): string | undefined {
    return this.#record.name
  }

  get key(): string | undefined {
    return this.#record.key
  }

  get state(): TaskState {
    return this.#record.state
  }

  get error(): unknown {
    return errorOf(this.#record)
  }

  async result(): Promise<unknown> {
    await this.settled()
    if (this.state === 'succeeded') return this.#record.result
    throw this.error
  }

  async settled(): Promise<this> {
    for await (const record of this.changes()) if (isDone(record)) break
    return this
  }

  record(): TaskRecord {
    return this.#record
  }

  async *changes({
    signal
  }: {
    readonly signal?: AbortSignal | undefined
  } = {}): AsyncGenerator<TaskRecord, void, undefined> {
    yield this.#record
    if (isDone(this.#record)) return
    for await (const record of this.#changes(this.#record, signal)) {
      if (record.revision > this.#record.revision) this.#record = record
      yield this.#record
      if (isDone(this.#record)) return
    }
  }

  /** Does nothing: only the pool that has the task can. */
  reprioritize(): boolean {
    return false
  }

  /** Does nothing: it is not retained in this pool. */
  forget(): boolean {
    return false
  }

  /** Does nothing: the pool cancels by id, and reports whether it can. */
  cancel(): boolean {
    return false
  }
}

/** An error with the texts of a record; `undefined` when the record has none. */
function errorOf({ error, state, id }: TaskRecord): Error | undefined {
  if (state !== 'failed' && state !== 'canceled') return undefined
  if (error === undefined) return new Error(`The task ${id} ended as ${state}`)
  const { name, code, message } = error
  const restored = Object.assign(new Error(message), { name, ...(code === undefined ? {} : { code }) })
  // One of this library is recognised as such. Its message may name another task, unless it names this one.
  if (!isPoolErrorRecord(error)) return restored
  return Object.defineProperties(restored, {
    [POOL_ERROR]: { value: true },
    id: { value: message.includes(id) ? id : '', enumerable: true }
  })
}
