import type { PoolStats } from '../contract/reports.js'

/** How a pool is doing, as the first line of the page states it. */
export type ConditionName =
  | 'healthy'
  | 'busy'
  | 'full'
  | 'refusing'
  | 'full and refusing'
  | 'stuck'
  | 'paused'
  | 'not started'
  | 'stopping'
  | 'stopped'
  | 'the store is not reached'
  | 'connecting'

/** How much it matters: the colour of the line. The words state it too. */
export type Tone = 'good' | 'busy' | 'warning' | 'bad' | 'off'

/** The first line of the page. */
export interface Condition {
  readonly name: ConditionName
  readonly tone: Tone
  /** What that means for this pool now, in one sentence. */
  readonly detail: string
}

/** The figures that decide. */
export interface ConditionFacts
  extends Pick<
    PoolStats,
    | 'state'
    | 'paused'
    | 'concurrency'
    | 'queueCapacity'
    | 'running'
    | 'queued'
    | 'delayed'
    | 'waiting'
    | 'stuck'
    | 'totals'
  > {
  /** Tasks refused in about the last ten seconds. */
  readonly refusedLately: number
}

/** The most serious of what applies: a pool that is both stuck and full is stuck, and its detail has both. */
export function conditionOf(facts: ConditionFacts): Condition {
  return endOf(facts) ?? heldBack(facts) ?? overloaded(facts) ?? atWork(facts)
}

function endOf({ state, running, queued, delayed, totals }: ConditionFacts): Condition | undefined {
  if (state === 'stopping') {
    const left = running + queued + delayed
    return { name: 'stopping', tone: 'warning', detail: `no new work is accepted, ${tasks(left)} to go` }
  }
  if (state !== 'stopped') return undefined
  const ended = totals.succeeded + totals.failed + totals.canceled
  return { name: 'stopped', tone: 'off', detail: `${ended} of ${counted(totals.accepted, 'accepted task')} ended` }
}

function heldBack(facts: ConditionFacts): Condition | undefined {
  const { state, paused, queued, stuck, concurrency } = facts
  const besides = refusals(facts)
  if (state === 'created') {
    return {
      name: 'not started',
      tone: 'warning',
      detail: sentence(`${tasks(queued)} queued, none starts yet`, besides)
    }
  }
  if (paused)
    return { name: 'paused', tone: 'warning', detail: sentence(`${tasks(queued)} queued, none starts`, besides) }
  if (stuck === 0) return undefined
  return { name: 'stuck', tone: 'bad', detail: sentence(ignoring(stuck, concurrency), besides) }
}

/** What tasks that ignore their abort do. */
export function ignoring(stuck: number, concurrency: number): string {
  const held = `${stuck} of ${counted(concurrency, 'worker')}`
  if (stuck === 1) return `1 task ignores its timeout or cancel and holds ${held}`
  return `${stuck} tasks ignore their timeout or cancel and hold ${held}`
}

function overloaded(facts: ConditionFacts): Condition | undefined {
  const { queued, waiting, refusedLately } = facts
  const isFull = roomOf(facts) <= 0
  if (refusedLately > 0) {
    return isFull
      ? { name: 'full and refusing', tone: 'bad', detail: sentence('no room for another task', refusals(facts)) }
      : { name: 'refusing', tone: 'warning', detail: sentence('there is room now', refusals(facts)) }
  }
  if (!isFull) return undefined
  const next = waiting === 0 ? 'the next task is refused' : `${counted(waiting, 'caller')} waiting for room`
  return { name: 'full', tone: 'warning', detail: sentence(`${tasks(queued)} queued`, next) }
}

function atWork({ running, concurrency, queued, delayed }: ConditionFacts): Condition {
  const later = delayed === 0 ? '' : `${delayed} to be started later`
  if (running >= concurrency) {
    const all = concurrency === 1 ? 'the worker is occupied' : `all ${concurrency} workers are occupied`
    return { name: 'busy', tone: 'busy', detail: sentence(`${all}, ${tasks(queued)} queued`, later) }
  }
  const some = running === 0 ? 'nothing is running' : `${running} of ${counted(concurrency, 'worker')} occupied`
  return {
    name: 'healthy',
    tone: 'good',
    detail: sentence(queued === 0 ? some : `${some}, ${tasks(queued)} queued`, later)
  }
}

function roomOf({ concurrency, queueCapacity, running, queued, delayed }: ConditionFacts): number {
  return concurrency + queueCapacity - running - queued - delayed
}

function refusals({ refusedLately }: ConditionFacts): string {
  return refusedLately === 0 ? '' : `${refusedLately} refused in the last 10 s`
}

export const sentence = (...parts: readonly string[]): string => parts.filter((part) => part !== '').join(', ')

export const counted = (count: number, one: string): string => `${count} ${one}${count === 1 ? '' : 's'}`

export const tasks = (count: number): string => counted(count, 'task')
