import { isFunction, wording } from '../contract/checks.js'
import type { PoolStats } from '../contract/reports.js'
import type { CancelOutcome, Task } from '../contract/task-contract.js'
import type { TaskQuery } from '../http/index.js'

/** The part of a pool that the dashboard uses. A `WorkerPool` implements it. */
export interface DashboardPool {
  /** The figures. Read once a second, and four times a second while a page is open. */
  stats(): PoolStats

  /** The tasks that match, newest first. Read only while a page is open. */
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
    ['stats', 'tasks', 'cancel'].every((name) => isFunction(Reflect.get(pool, name)))
  if (!isPool) throw new TypeError(wording('pool', 'a WorkerPool', pool))
}
