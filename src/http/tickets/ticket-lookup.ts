import type { Task } from '../../contract/task-contract.js'
import { read, type TaskRecord } from '../../contract/task-record.js'
import type { Clock } from '../../ports/clock.js'
import { lookedUp } from '../wire/store-failure.js'
import { recordChanges } from './record-changes.js'
import { RecordTask } from './record-task.js'
import type { AcceptedTask, TicketPool } from './ticket-pool.js'

/** Finds the tasks of tickets: in the pool, and where its tasks are kept besides. */
export class TicketLookup {
  readonly #pool: TicketPool
  readonly #clock: Pick<Clock, 'timer'>

  constructor(pool: TicketPool, clock: Pick<Clock, 'timer'>) {
    this.#pool = pool
    this.#clock = clock
  }

  /** The task, if the pool has it: at once, since nearly every ticket is found here. */
  here(id: string): Task | undefined {
    return this.#pool.task?.(id)
  }

  /**
   * The task of a ticket that the pool does not have.
   *
   * @throws StoreFailure when that cannot be known
   */
  async elsewhere(id: string): Promise<RecordTask | undefined> {
    const { findTask } = this.#pool
    if (findTask === undefined) return undefined
    const record = await lookedUp(() => findTask.call(this.#pool, id))
    return record && this.#byRecord(record)
  }

  /**
   * What the application has queued, as the routes use it.
   *
   * @param expected - begins the message of the error
   * @throws TypeError when it is not a task
   */
  queuedTask(value: unknown, expected: string): Task {
    if (typeof read(value, 'record') !== 'function') throw new TypeError(`Expected ${expected} a task`)
    return this.taskOf(value as Task | AcceptedTask)
  }

  /** A task as the routes use it: one that is given by its record gets a handle. */
  taskOf(given: Task | TaskRecord | AcceptedTask): Task {
    if ('accepted' in given) return this.#byRecord(given.accepted)
    return 'record' in given ? given : this.#byRecord(given)
  }

  #byRecord(record: TaskRecord): RecordTask {
    return new RecordTask(record, (present, signal) => recordChanges(this.#pool, this.#clock, present, signal))
  }
}
