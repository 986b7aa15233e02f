import type { Broken, PromiseId } from './checks.js'
import { simulate } from './simulate.js'
import { wholePlanOf } from './whole-plan.js'

/** What came up in many schedules. */
export interface Summary {
  schedules: number
  /** In how many schedules each end came up. */
  readonly seen: Map<string, number>
  readonly made: Map<PromiseId, number>
  readonly broken: { readonly seed: number; readonly error: Broken }[]
}

/** Lives the schedules of many seeds. Lets the event loop breathe in between, so that Node can tell what went wrong. */
export async function simulateSeeds(seeds: Iterable<number>, most = 5): Promise<Summary> {
  const summary: Summary = { schedules: 0, seen: new Map(), made: new Map(), broken: [] }
  for (const seed of seeds) {
    const { broken, seen, made } = await simulate(wholePlanOf(seed))
    summary.schedules++
    for (const end of seen) summary.seen.set(end, (summary.seen.get(end) ?? 0) + 1)
    for (const [id, count] of Object.entries(made) as [PromiseId, number][]) {
      summary.made.set(id, (summary.made.get(id) ?? 0) + count)
    }
    if (broken !== undefined) summary.broken.push({ seed, error: broken })
    if (summary.broken.length >= most) break
    await new Promise((resolve) => setImmediate(resolve))
  }
  return summary
}

/** The ends that must come up, and in what part of the schedules at least: terminal states, then ways to get there. */
export const FLOORS: Readonly<Record<string, number>> = {
  succeeded: 0.05,
  failed: 0.05,
  canceled: 0.05,
  refused: 0.05,
  'timed out': 0.05,
  'waited too long': 0.05,
  interrupted: 0.02,
  stuck: 0.05,
  'a retry': 0.05,
  'a wait for room': 0.05,
  'a place for a waiter': 0.05,
  'a wait for itself': 0.05,
  'a stop': 0.05,
  'a pause with an end': 0.05,
  'another priority': 0.05,
  'a cancel of all': 0.05,
  forgotten: 0.02,
  'a snooze': 0.05,
  'a key over its rate': 0.05,
  'bounds of a key': 0.05,
  'another rate': 0.05,
  'a retention of its own': 0.02
}

/** The ends that came up too seldom. */
export function tooSeldom({ schedules, seen }: Summary): string[] {
  return Object.entries(FLOORS)
    .filter(([end, floor]) => (seen.get(end) ?? 0) < floor * schedules)
    .map(([end, floor]) => `${end}: ${seen.get(end) ?? 0} of ${schedules}, want ${floor * 100} %`)
}
