import { wording } from '../../contract/checks.js'
import type { PoolState } from '../../contract/reports.js'
import type { CancelOutcome, Task } from '../../contract/task-contract.js'
import type { TaskRecord, TaskState } from '../../contract/task-record.js'

/** Selects tasks. */
export interface TaskQuery {
  /** Only tasks in this state. */
  readonly state?: TaskState | undefined
  /** Only tasks with this key. */
  readonly key?: string | undefined
  /** The maximum number of tasks: from 1 to 1,000. */
  readonly limit: number
}

/** Tasks of a pool, or their records. */
export type ListedTasks = readonly (Task | TaskRecord)[]

/** A task that no process has for itself, as its pool has accepted it. A `SharedTask` is one. */
export interface AcceptedTask {
  /** The record as it was when the task was accepted. */
  readonly accepted: TaskRecord
}

/**
 * The part of a pool that the routes use: to look tasks up, to cancel them, and to know whether it accepts tasks. A
 * `WorkerPool` implements it, and so do {@link mirrorReader} and the `SharedPool` of `coatcheck/bullmq`. Tasks are queued by the `submit` of an accepting route.
 *
 * At least one of `task` and `findTask` is there. A ticket is looked up by `task`, and by `findTask` if that does not know
 * it. A rejection of `findTask`, `tasks` or `cancel` is 503 `STORE_UNAVAILABLE`, never 404.
 */
export interface TicketPool {
  /** The state of the pool. */
  readonly state: PoolState

  /** Settles when the pool has stopped. Held requests then get the last status of their ticket. */
  readonly closed: PromiseLike<unknown>

  /** The task with this id, if it is live or retained: the same handle at each call. */
  task?(id: string): Task | undefined

  /** The record of a task that `task` does not know: it ended long ago, or belongs to another process. */
  findTask?(id: string): Promise<TaskRecord | undefined>

  /**
   * The records of such a task, each as soon as it is newer than the last one, up to the terminal one. Without this method a
   * ticket is read once a second while a request waits for its change.
   *
   * @param signal - ends the iteration when it aborts
   */
  changes?(id: string, signal: AbortSignal): AsyncIterable<TaskRecord>

  /** The tasks that match, newest first; of tasks that belong to no process, their records. */
  tasks(query: TaskQuery): ListedTasks | PromiseLike<ListedTasks>

  /** Cancels a queued task; aborts the signal of a running one. `unknown` for a task of another process. */
  cancel(id: string): CancelOutcome | PromiseLike<CancelOutcome>

  /**
   * The ticket that belongs to a text: always the same one, in each process that shares the tickets, and unguessable. With it
   * an `Idempotency-Key` is remembered by the pool, as long as the ticket.
   */
  ticketFor?(text: string): string
}

/**
 * Checks the `pool` argument.
 *
 * @throws TypeError when it is not a pool
 */
export function requirePool(pool: unknown): void {
  const isPool =
    typeof pool === 'object' &&
    pool !== null &&
    ['tasks', 'cancel'].every((name) => typeof Reflect.get(pool, name) === 'function') &&
    ['task', 'findTask'].some((name) => typeof Reflect.get(pool, name) === 'function') &&
    typeof Reflect.get(Object(Reflect.get(pool, 'closed')), 'then') === 'function'
  if (!isPool) throw new TypeError(wording('pool', 'a WorkerPool', pool))
}
