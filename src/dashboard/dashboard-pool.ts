import { isFunction, wording } from '../contract/checks.js'
import type { PoolState, PoolStats, PoolTotals } from '../contract/reports.js'
import type { CancelOutcome, Task } from '../contract/task-contract.js'
import type { TaskRecord } from '../contract/task-record.js'
import type { TaskQuery } from '../http/index.js'

/** The part of a pool that the dashboard uses. Which of the two it is decides whether the pool has `counts`. */
export type DashboardPool = LocalDashboardPool | SharedDashboardPool

/** A pool whose tasks are in this process. A `WorkerPool` implements it. */
export interface LocalDashboardPool {
  /** The figures. Read once a second, and four times a second while a page is open. */
  stats(): PoolStats

  /** The tasks that match, newest first. Read only while a page is open. */
  tasks(query: TaskQuery): readonly Task[]

  /** Cancels a queued task; aborts the signal of a running one. */
  cancel(id: string): CancelOutcome
}

/**
 * A pool that several processes share. The `SharedPool` of `coatcheck/bullmq` implements it. A rejection means that the store
 * of the tasks is not reached: the page states it, and the dashboard tries again.
 */
export interface SharedDashboardPool {
  /** The figures of this process. Read once a second, and four times a second while a page is open. */
  stats(): SharedDashboardStats

  /** The figures of all processes. Read once a second, only while a page is open. */
  counts(): PromiseLike<SharedDashboardCounts>

  /** The records of the tasks that match, of all processes, newest first. Read with the counts. */
  tasks(query: TaskQuery): PromiseLike<readonly TaskRecord[]>

  /** Cancels a queued task; aborts the signal of a running one, in whatever process. */
  cancel(id: string): PromiseLike<CancelOutcome>
}

/** The figures of one of the processes that share a pool. */
export interface SharedDashboardStats extends Pick<PoolStats, 'concurrency' | 'running' | 'stuck'> {
  /** Name of the pool. */
  readonly name: string
  /** State of the pool in this process. */
  readonly state: PoolState
  /** Whether tasks run in this process. */
  readonly works: boolean
  /** Counters of the tasks that ran in this process. */
  readonly totals: Pick<PoolTotals, 'succeeded' | 'failed' | 'canceled'>
}

/** The figures of all processes that share a pool. */
export interface SharedDashboardCounts extends Pick<PoolStats, 'queued' | 'delayed' | 'running'> {
  /** Tasks that succeeded and are kept. */
  readonly succeeded: number
  /** Tasks that failed or were canceled and are kept. */
  readonly failed: number
}

/** Whether a pool is shared by several processes. */
export function isShared(pool: DashboardPool): pool is SharedDashboardPool {
  return 'counts' in pool
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
  if (!isPool) throw new TypeError(wording('pool', 'a WorkerPool or a SharedPool', pool))
}
