import { type Condition, counted, ignoring, sentence, tasks } from '../condition.js'
import type { SharedDashboardCounts, SharedDashboardStats } from '../dashboard-pool.js'

/** The figures that decide. */
export interface SharedConditionFacts
  extends Pick<SharedDashboardStats, 'state' | 'works' | 'concurrency' | 'running' | 'stuck' | 'totals'> {
  /** Of all processes; `undefined` until the store has given them. */
  readonly counts: SharedDashboardCounts | undefined
  /** Why the store is not reached. */
  readonly failure: string | undefined
}

/** The most serious of what applies to a pool that several processes share, seen from this one. */
export function sharedConditionOf(facts: SharedConditionFacts): Condition {
  return endOf(facts) ?? withoutStore(facts) ?? stuckOf(facts) ?? atWork(facts)
}

function endOf({ state, running, totals }: SharedConditionFacts): Condition | undefined {
  if (state === 'stopping') {
    return {
      name: 'stopping',
      tone: 'warning',
      detail: `this process takes no more tasks, ${tasks(running)} to go here`
    }
  }
  if (state !== 'stopped') return undefined
  const ended = totals.succeeded + totals.failed + totals.canceled
  const detail = `${tasks(ended)} ended in this process, other processes are no longer shown`
  return { name: 'stopped', tone: 'off', detail }
}

function withoutStore({ counts, failure }: SharedConditionFacts): Condition | undefined {
  if (failure === undefined) return undefined
  const figures = counts === undefined ? 'figures of all processes are not known' : 'figures of all processes are old'
  return {
    name: 'the store is not reached',
    tone: 'bad',
    detail: `${figures}, trying again. ${failure}`
  }
}

function stuckOf({ stuck, concurrency }: SharedConditionFacts): Condition | undefined {
  if (stuck === 0) return undefined
  return { name: 'stuck', tone: 'bad', detail: `${ignoring(stuck, concurrency)} of this process` }
}

function atWork({ works, concurrency, running, counts }: SharedConditionFacts): Condition {
  if (counts === undefined) return { name: 'connecting', tone: 'off', detail: 'the store is being read' }
  const all = sentence(
    `${tasks(counts.running)} running`,
    `${counts.queued} queued in all processes`,
    counts.delayed === 0 ? '' : `${counts.delayed} to be started later`
  )
  if (works && running >= concurrency) {
    const here = counted(concurrency, 'worker')
    const occupied = concurrency === 1 ? 'the worker of this process is' : `all ${here} of this process are`
    return { name: 'busy', tone: 'busy', detail: `${occupied} occupied, ${all}` }
  }
  return { name: 'healthy', tone: 'good', detail: all }
}
