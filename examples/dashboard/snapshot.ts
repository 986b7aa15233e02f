import type { PoolStats, Task, TaskRecord, TasksQuery } from 'coatcheck'

/** What the dashboard reads of a pool. It listens to none of its events and changes nothing about it. */
export interface WatchedPool {
  stats(): PoolStats
  tasks(query: TasksQuery): readonly Task[]
}

/** A task as the page shows it. */
export interface TaskLine {
  readonly id: string
  readonly label: string
  readonly attempt: number
  /** From 0 to 1; `null` as long as the task has not said how far it is. */
  readonly ratio: number | null
  readonly message: string
  /** ISO 8601, as in the record; `null` before the first start. */
  readonly startedAt: string | null
  /** About how many tasks start until this one does; `null` when it does not stand in the queue. */
  readonly position: number | null
  readonly cancelRequested: boolean
}

/** A failed task as the page shows it. */
export interface FailureLine {
  readonly id: string
  readonly label: string
  /** The code or the name of its error. */
  readonly code: string
  readonly message: string
  readonly settledAt: string
}

/** All that the page shows, as it is at one moment. */
export interface Snapshot
  extends Pick<PoolStats, 'state' | 'paused' | 'running' | 'concurrency' | 'queued' | 'delayed' | 'totals'> {
  readonly name: string
  /** `null` when the queue has no bound. */
  readonly queueCapacity: number | null
  readonly oldestQueuedSeconds: number
  /** How many tasks ended in each of the last full seconds, oldest first. */
  readonly endedPerSecond: readonly number[]
  /** At most {@link MAX_RUNNING}, the longest accepted first. */
  readonly runningTasks: readonly TaskLine[]
  /** At most {@link MAX_QUEUED}, newest first. */
  readonly queuedTasks: readonly TaskLine[]
  readonly failures: readonly FailureLine[]
}

const MAX_RUNNING = 100
const MAX_QUEUED = 10
const MAX_LABEL = 200

export function snapshotOf(
  pool: WatchedPool,
  endedPerSecond: readonly number[],
  failures: readonly FailureLine[]
): Snapshot {
  const { name, state, paused, running, concurrency, queued, queueCapacity, delayed, totals, oldestQueuedMs } =
    pool.stats()
  const lines = (query: TasksQuery) => pool.tasks(query).map((task) => taskLine(task.record()))
  return {
    ...{ state, paused, running, concurrency, queued, delayed, totals, endedPerSecond, failures },
    name: name ?? 'worker pool',
    queueCapacity: Number.isFinite(queueCapacity) ? queueCapacity : null,
    oldestQueuedSeconds: Math.floor(oldestQueuedMs / 1_000),
    runningTasks: lines({ state: 'running', limit: MAX_RUNNING }).reverse(),
    queuedTasks: lines({ state: 'queued', limit: MAX_QUEUED })
  }
}

function taskLine(record: TaskRecord): TaskLine {
  const { id, attempt, progress, startedAt = null, position = null, cancelRequestedAt } = record
  return {
    ...{ id, attempt, startedAt, position },
    label: labelOf(record),
    ratio: progress?.ratio ?? null,
    message: (progress?.message ?? '').slice(0, MAX_LABEL),
    cancelRequested: cancelRequestedAt !== undefined
  }
}

/** What the application calls the task: the `label` of its metadata, else its name. */
function labelOf({ metadata, name }: TaskRecord): string {
  const isObject = typeof metadata === 'object' && metadata !== null && Object.hasOwn(metadata, 'label')
  const label = isObject ? Reflect.get(metadata, 'label') : undefined
  const text = typeof label === 'string' && label !== '' ? label : (name ?? 'unnamed task')
  return text.slice(0, MAX_LABEL)
}

const MAX_FAILURES = 10

/** The last failures. Looks for them only when there are more than before. */
export class Failures {
  readonly #pool: WatchedPool
  #count = 0
  #lines: readonly FailureLine[] = []

  constructor(pool: WatchedPool) {
    this.#pool = pool
  }

  /** Newest first, of those that the pool still knows. */
  recent(): readonly FailureLine[] {
    const { failed } = this.#pool.stats().totals
    if (failed === this.#count) return this.#lines
    this.#count = failed
    this.#lines = this.#pool
      .tasks({ state: 'failed', limit: 1_000 })
      .map((task) => failureLine(task.record()))
      .sort((a, b) => (a.settledAt < b.settledAt ? 1 : a.settledAt > b.settledAt ? -1 : 0))
      .slice(0, MAX_FAILURES)
    return this.#lines
  }
}

function failureLine(record: TaskRecord): FailureLine {
  const { id, error, settledAt = '' } = record
  return {
    ...{ id, settledAt, label: labelOf(record) },
    code: error?.code ?? error?.name ?? 'Error',
    message: (error?.message ?? '').slice(0, MAX_LABEL)
  }
}

const SECONDS = 60

/** How many tasks ended in each second, as long as it is asked in time. */
export class Throughput {
  #second: number | undefined
  #ended = 0
  /** The last is of the second that is not over yet. */
  #counts: number[] = []

  /** Begins anew: nobody looked for a while, and what ended then cannot be told by the second. */
  forget(): void {
    this.#second = undefined
  }

  /** @param nowMs - of a clock that is never set back */
  look(nowMs: number, { succeeded, failed, canceled }: PoolStats['totals']): void {
    const second = Math.floor(nowMs / 1_000)
    const ended = succeeded + failed + canceled
    if (this.#second === undefined || second - this.#second > SECONDS) {
      this.#counts = Array.from({ length: SECONDS + 1 }, () => 0)
    } else {
      for (let passed = this.#second; passed < second; passed++) {
        this.#counts.shift()
        this.#counts.push(0)
      }
      this.#counts[SECONDS] = (this.#counts[SECONDS] ?? 0) + ended - this.#ended
    }
    this.#second = second
    this.#ended = ended
  }

  /** Of each of the last full seconds, oldest first. */
  perSecond(): readonly number[] {
    return this.#counts.slice(0, SECONDS)
  }
}
