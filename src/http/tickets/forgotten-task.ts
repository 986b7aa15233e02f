import type { Task } from '../../contract/task-contract.js'
import type { TaskRecord, TaskState } from '../../contract/task-record.js'
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
export class ForgottenTask implements Task<never> {
  readonly failure: TicketError | null
  readonly recorded = Promise.resolve()
  readonly #record: TaskRecord

  constructor({ record, failure }: LastStatus) {
    this.failure = failure
    this.#record = record
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

  record(): TaskRecord {
    return this.#record
  }

  async *changes(): AsyncGenerator<TaskRecord, void, undefined> {
    yield this.#record
  }

  reprioritize(): boolean {
    return false
  }

  forget(): boolean {
    return false
  }

  cancel(): boolean {
    return false
  }
}
