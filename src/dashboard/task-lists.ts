import type { Task } from '../contract/task-contract.js'
import type { LocalDashboardPool } from './dashboard-pool.js'
import { NextTasks } from './next-tasks.js'
import { type FailureLine, failureLine, type TaskLine, taskLine } from './task-lines.js'

/** The tasks of one key. */
export interface KeyLine {
  readonly key: string
  readonly running: number
  readonly queued: number
}

/** The lists of the page. */
export interface TaskLists {
  /** At most 100, the one accepted first at the top. */
  readonly runningTasks: readonly TaskLine[]
  /** At most ten: those that run next, then those that are started later. */
  readonly queuedTasks: readonly TaskLine[]
  /** The ten keys with the most tasks. */
  readonly keys: readonly KeyLine[]
  /** How many queued tasks were read for `queuedTasks` and `keys`: the newest, at most 1,000. */
  readonly queuedRead: number
  /** The ten that failed last, newest first, of those that are retained. */
  readonly failures: readonly FailureLine[]
}

/** The most that a pool returns at once. */
const MAX_READ = 1_000
const MAX_RUNNING = 100
const MAX_OTHERS = 10

/** Reads the lists of a pool. */
export class TaskListReader {
  readonly #pool: LocalDashboardPool
  #failed = 0
  #failures: readonly FailureLine[] = []
  readonly #failureLines = new WeakMap<Task, FailureLine>()
  readonly #next = new NextTasks()

  constructor(pool: LocalDashboardPool) {
    this.#pool = pool
  }

  read(): TaskLists {
    const running = this.#pool.tasks({ state: 'running', limit: MAX_READ })
    const queued = this.#pool.tasks({ state: 'queued', limit: MAX_READ })
    return {
      runningTasks: running
        .slice(-MAX_RUNNING)
        .reverse()
        .map((task) => taskLine(task.record())),
      queuedTasks: this.#next.read(queued, MAX_OTHERS),
      keys: keysOf(running, queued),
      queuedRead: queued.length,
      failures: this.#recentFailures()
    }
  }

  /** Looks for them only when there are more than before. What is settled does not change: each is read once. */
  #recentFailures(): readonly FailureLine[] {
    const { failed } = this.#pool.stats().totals
    if (failed === this.#failed) return this.#failures
    this.#failed = failed
    const tasks = this.#pool.tasks({ state: 'failed', limit: MAX_READ })
    this.#failures = newestFailures(tasks.map((task) => this.#failureLine(task)))
    return this.#failures
  }

  #failureLine(task: Task): FailureLine {
    const known = this.#failureLines.get(task)
    if (known !== undefined) return known
    const line = failureLine(task.record())
    this.#failureLines.set(task, line)
    return line
  }
}

/** The ten that came last; those of the same time in the order given. */
export function newestFailures(failures: readonly FailureLine[]): readonly FailureLine[] {
  return failures
    .toSorted((a, b) => (a.settledAt < b.settledAt ? 1 : a.settledAt > b.settledAt ? -1 : 0))
    .slice(0, MAX_OTHERS)
}

function keysOf(running: readonly Task[], queued: readonly Task[]): readonly KeyLine[] {
  const lines = new Map<string, { key: string; running: number; queued: number }>()
  const count = (tasks: readonly Task[], state: 'running' | 'queued'): void => {
    for (const { key } of tasks) {
      if (key === undefined) continue
      const line = lines.get(key) ?? { key, running: 0, queued: 0 }
      line[state]++
      lines.set(key, line)
    }
  }
  count(running, 'running')
  count(queued, 'queued')
  return [...lines.values()].sort(byTasks).slice(0, MAX_OTHERS)
}

function byTasks(a: KeyLine, b: KeyLine): number {
  return b.running + b.queued - a.running - a.queued || (a.key < b.key ? -1 : 1)
}
