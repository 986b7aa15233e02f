import { wording } from '../../contract/checks.js'
import type { PoolState } from '../../contract/reports.js'
import type { CancelOutcome, Task } from '../../contract/task-contract.js'
import type { TaskState } from '../../contract/task-record.js'

/** Which tasks are asked for. */
export interface TaskQuery {
  /** Only those that stand here. */
  readonly state?: TaskState | undefined
  /** Only those of this key. */
  readonly key?: string | undefined
  /** How many at most: from 1 to 1,000. */
  readonly limit: number
}

/**
 * What these routes need of a pool: to look tickets up, to cancel them, and to know whether it still takes work. A
 * `WorkerPool` is one; queueing is done by the `submit` of an accepting route.
 */
export interface TicketPool {
  /** Where the pool stands. */
  readonly state: PoolState

  /** Settles when the pool has stopped: who waits for a ticket then gets its last status. */
  readonly closed: PromiseLike<unknown>

  /** The task of a ticket, live or still retained. */
  task(id: string): Task | undefined

  /** Tasks that match, newest first. */
  tasks(query: TaskQuery): readonly Task[]

  /** Asks for a task's end. */
  cancel(id: string): CancelOutcome
}

/**
 * Finds out at once, not at the first request, that something else was given.
 *
 * @throws TypeError
 */
export function requirePool(pool: unknown): void {
  const isPool =
    typeof pool === 'object' &&
    pool !== null &&
    ['task', 'tasks', 'cancel'].every((name) => typeof Reflect.get(pool, name) === 'function') &&
    typeof Reflect.get(Object(Reflect.get(pool, 'closed')), 'then') === 'function'
  if (!isPool) throw new TypeError(wording('pool', 'a WorkerPool', pool))
}
