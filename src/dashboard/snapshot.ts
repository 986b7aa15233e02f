import type { PoolStats } from '../contract/reports.js'
import { type Condition, conditionOf } from './condition.js'
import type { RateMeter, Rates } from './rates.js'
import type { TaskLists } from './task-lists.js'

/** All that the page shows, at one moment. */
export interface Snapshot
  extends TaskLists,
    Pick<
      PoolStats,
      'state' | 'concurrency' | 'running' | 'queued' | 'delayed' | 'waiting' | 'stuck' | 'retained' | 'totals'
    > {
  readonly name: string
  readonly condition: Condition
  /** `null` when the queue has no bound. */
  readonly queueCapacity: number | null
  readonly oldestQueuedSeconds: number
  readonly rates: Rates
  /** In whole milliseconds; `null` without data. */
  readonly waitMs: Percentiles | null
  /** In whole milliseconds; `null` without data. */
  readonly runMs: Percentiles | null
}

/** Of a duration. */
export interface Percentiles {
  readonly p50: number
  readonly p95: number
}

export function snapshotOf(stats: PoolStats, meter: RateMeter, lists: TaskLists): Snapshot {
  const { name, state, concurrency, running, queued, queueCapacity, delayed, waiting, stuck, retained, totals } = stats
  const hasStarted = totals.started > 0
  return {
    ...{ state, concurrency, running, queued, delayed, waiting, stuck, retained, totals },
    ...lists,
    name: name ?? 'worker pool',
    condition: conditionOf({ ...stats, refusedLately: meter.refusedLately(totals) }),
    queueCapacity: Number.isFinite(queueCapacity) ? queueCapacity : null,
    oldestQueuedSeconds: Math.floor(stats.oldestQueuedMs / 1_000),
    rates: meter.rates(),
    waitMs: hasStarted ? percentiles(stats.waitMs) : null,
    runMs: totals.started > running ? percentiles(stats.runMs) : null
  }
}

function percentiles({ p50, p95 }: Percentiles): Percentiles {
  return { p50: Math.round(p50), p95: Math.round(p95) }
}
