import type { Task } from '../../contract/task-contract.js'
import type { TaskRecord } from '../../contract/task-record.js'
import { RecordHandle } from './record-handle.js'
import type { TicketError } from './task-failure.js'

/** The last status of a task, as plain data: its record without the result, and its failure as clients read it. */
export interface LastStatus {
  readonly record: TaskRecord
  readonly failure: TicketError | null
}

/** The `resultOmitted` of a task whose result is no longer retained. */
const DROPPED = 'it was dropped when its ticket expired'

/** The record without its result. */
export function withoutResult(record: TaskRecord): TaskRecord {
  const { result, ...rest } = record
  return result === undefined ? rest : { ...rest, resultOmitted: DROPPED }
}

/** A settled task that the pool has forgotten, by its last status. */
export class ForgottenTask extends RecordHandle implements Task<never> {
  readonly failure: TicketError | null

  constructor({ record, failure }: LastStatus) {
    super(record)
    this.failure = failure
  }

  /** The error is no longer retained: `record().error` describes it. */
  get error(): undefined {
    return undefined
  }

  /** Rejects: the result is no longer retained. */
  result(): Promise<never> {
    return Promise.reject(new Error('The result of this task is no longer retained: read its record()'))
  }

  settled(): Promise<this> {
    return Promise.resolve(this)
  }

  async *changes(): AsyncGenerator<TaskRecord, void, undefined> {
    yield this.last
  }
}
