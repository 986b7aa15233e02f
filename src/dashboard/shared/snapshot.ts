import type { Condition } from '../condition.js'
import type { SharedDashboardStats } from '../dashboard-pool.js'
import type { RateMeter, Rates } from '../rates.js'
import { sharedConditionOf } from './condition.js'
import { NO_LISTS, type SharedLists, type StoreAnswer } from './store-answer.js'

/** All that the page of a shared pool shows, at one moment. What is not known is absent. */
export interface SharedSnapshot extends SharedLists {
  readonly name: string
  /** Of the pool in this process. */
  readonly state: SharedDashboardStats['state']
  readonly condition: Condition
  /** Whether the figures of all processes are older than they should be. */
  readonly isStale: boolean
  /** Tasks that run, in all processes. */
  readonly running?: number
  /** Tasks that wait for a worker, of all processes. */
  readonly queued?: number
  /** Tasks that are started later, of all processes. */
  readonly delayed?: number
  /** Settled tasks that are kept, of all processes. */
  readonly retained?: number
  /** Counters and gauges of this process. */
  readonly here: Pick<SharedDashboardStats, 'works' | 'concurrency' | 'running'>
  readonly stuck: number
  readonly totals: SharedDashboardStats['totals']
  readonly rates: Rates
}

export interface SharedSnapshotParts {
  readonly stats: SharedDashboardStats
  readonly meter: RateMeter
  /** The last one that the store gave. */
  readonly answer: StoreAnswer | undefined
  /** Why the store gave none to the last read. */
  readonly failure: string | undefined
}

export function sharedSnapshotOf({ stats, meter, answer, failure }: SharedSnapshotParts): SharedSnapshot {
  const { name, state, works, concurrency, running, stuck, totals } = stats
  const { succeeded, failed, canceled } = totals
  const counts = answer?.counts
  return {
    ...{ name, state, stuck, here: { works, concurrency, running }, totals: { succeeded, failed, canceled } },
    ...(answer?.lists ?? NO_LISTS),
    ...(counts && { running: counts.running, queued: counts.queued, delayed: counts.delayed }),
    ...(counts && { retained: counts.succeeded + counts.failed }),
    condition: sharedConditionOf({ ...stats, counts, failure }),
    isStale: failure !== undefined,
    rates: meter.rates()
  }
}
