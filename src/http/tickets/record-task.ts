import { isPoolErrorRecord } from '../../contract/errors.js'
import type { Task } from '../../contract/task-contract.js'
import type { TaskRecord } from '../../contract/task-record.js'
import { RecordHandle } from './record-handle.js'
import { isDone } from './ticket-status.js'

/** Marks errors of this library, of any copy of the package. */
const POOL_ERROR = Symbol.for('coatcheck.PoolError')

/** The changes of a record that is read elsewhere, from the present one on. */
export type ChangesOf = (record: TaskRecord, signal: AbortSignal | undefined) => AsyncIterable<TaskRecord>

/**
 * A task that this process knows by its record only: it ended long ago, or belongs to another process. Its record is the
 * last one that was read.
 */
export class RecordTask extends RecordHandle implements Task {
  readonly #changes: ChangesOf

  constructor(record: TaskRecord, changes: ChangesOf) {
    super(record)
    this.#changes = changes
  }

  get error(): unknown {
    return errorOf(this.last)
  }

  async result(): Promise<unknown> {
    await this.settled()
    if (this.state === 'succeeded') return this.last.result
    throw this.error
  }

  async settled(): Promise<this> {
    for await (const record of this.changes()) if (isDone(record)) break
    return this
  }

  async *changes({
    signal
  }: {
    readonly signal?: AbortSignal | undefined
  } = {}): AsyncGenerator<TaskRecord, void, undefined> {
    yield this.last
    if (isDone(this.last)) return
    for await (const record of this.#changes(this.last, signal)) {
      if (record.revision > this.last.revision) this.last = record
      yield this.last
      if (isDone(this.last)) return
    }
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
