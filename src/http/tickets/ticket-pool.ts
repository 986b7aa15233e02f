import { wording } from '../../contract/checks.js'
import type { PoolState } from '../../contract/reports.js'
import type { CancelOutcome, Task } from '../../contract/task-contract.js'
import type { TaskState } from '../../contract/task-record.js'

/** Selects tasks. */
export interface TaskQuery {
  /** Only tasks in this state. */
  readonly state?: TaskState | undefined
  /** Only tasks with this key. */
  readonly key?: string | undefined
  /** The maximum number of tasks: from 1 to 1,000. */
  readonly limit: number
}

/**
 * The part of a pool that the routes use: to look tasks up, to cancel them, and to know whether it accepts tasks. A
 * `WorkerPool` implements it. Tasks are queued by the `submit` of an accepting route.
 */
export interface TicketPool {
  /** The state of the pool. */
  readonly state: PoolState

  /** Settles when the pool has stopped. Held requests then get the last status of their ticket. */
  readonly closed: PromiseLike<unknown>

  /** The task with this id, if it is live or retained: the same handle at each call. */
  task(id: string): Task | undefined

  /** The tasks that match, newest first. */
  tasks(query: TaskQuery): readonly Task[]

  /** Cancels a queued task; aborts the signal of a running one. */
  cancel(id: string): CancelOutcome
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
    ['task', 'tasks', 'cancel'].every((name) => typeof Reflect.get(pool, name) === 'function') &&
    typeof Reflect.get(Object(Reflect.get(pool, 'closed')), 'then') === 'function'
  if (!isPool) throw new TypeError(wording('pool', 'a WorkerPool', pool))
}
