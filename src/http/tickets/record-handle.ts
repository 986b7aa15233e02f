import type { TaskRecord, TaskState } from '../../contract/task-record.js'

/** The handle of a task that the pool does not have: its last record, and nothing that could be done with it. */
export abstract class RecordHandle {
  readonly recorded = Promise.resolve()
  protected last: TaskRecord

  protected constructor(record: TaskRecord) {
    this.last = record
  }

  get id(): string {
    return this.last.id
  }

  get name(): string | undefined {
    return this.last.name
  }

  get key(): string | undefined {
    return this.last.key
  }

  get state(): TaskState {
    return this.last.state
  }

  record(): TaskRecord {
    return this.last
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
