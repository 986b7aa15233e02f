import type { SharedDashboardCounts, SharedDashboardPool } from '../dashboard-pool.js'
import { failureLine, taskLine } from '../task-lines.js'
import { newestFailures, type TaskLists } from '../task-lists.js'

/** What the store of a shared pool has, over all processes. */
export interface StoreAnswer {
  readonly counts: SharedDashboardCounts
  readonly lists: SharedLists
}

/** The lists of the page: a shared pool has no positions, and does not count by key. */
export type SharedLists = Omit<TaskLists, 'keys' | 'queuedRead'>

export const NO_LISTS: SharedLists = { runningTasks: [], queuedTasks: [], failures: [] }

const MAX_RUNNING = 100
const MAX_QUEUED = 10

/** Those that failed last are among those accepted last, as a rule. */
const MAX_FAILURES_READ = 50

/** Reads the store once. Rejects when it is not reached. */
export async function storeAnswer(pool: SharedDashboardPool): Promise<StoreAnswer> {
  const [counts, running, queued, failed] = await Promise.all([
    pool.counts(),
    pool.tasks({ state: 'running', limit: MAX_RUNNING }),
    pool.tasks({ state: 'queued', limit: MAX_QUEUED }),
    pool.tasks({ state: 'failed', limit: MAX_FAILURES_READ })
  ])
  return {
    counts,
    lists: {
      runningTasks: running.toReversed().map(taskLine),
      queuedTasks: queued.map(taskLine),
      failures: newestFailures(failed.map(failureLine))
    }
  }
}
