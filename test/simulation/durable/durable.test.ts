import { describe, expect, it } from 'vitest'
import { describePlan } from '../plan.js'
import { durablePlanOf } from './plan.js'
import { shrinkDurable, simulateDurable } from './simulate.js'

/** A run that repeats the tests for each mutant asks for fewer. */
const SCHEDULES = Math.ceil(Number(process.env['SIM_SCHEDULES'] ?? 20_000) / 50)

/** Seeds that found something once, and what it was. */
const KEPT_SEEDS: readonly (readonly [seed: number, found: string])[] = [
  [9, 'a stop that left a queued task counted that as a change, which the next pool did not know of'],
  [41, 'functions whose starts were in one batch were called in the order of their acceptance'],
  [73, 'a look-up found the row of a task that was given up'],
  [294, 'a stop inside the event of a snooze showed the end of another snoozed task twice, and never ended'],
  [485, 'a cancel inside the event of a failing store was shown and not written']
]

/** What must come up in at least a tenth of the schedules. */
const COMMON = [
  'a kill',
  'a stop',
  'a store that fails',
  'a store that works again',
  'a drain',
  'a retry',
  'a lost handler',
  'recovered',
  'left',
  'snoozed',
  'progress',
  'succeeded',
  'failed',
  'canceled',
  'ERR_STORE',
  'ERR_TASK_INTERRUPTED',
  'ERR_TASK_POISONED',
  'refused ERR_STORE',
  'refused ERR_QUEUE_FULL'
]

describe('pools that follow each other on one disk', () => {
  it.each(KEPT_SEEDS)('keep every promise again in seed %i: %s', async (seed) => {
    expect((await simulateDurable(durablePlanOf(seed))).broken).toBeUndefined()
  })

  it(`keep every promise in ${SCHEDULES} schedules of kills, restarts and failing stores`, async () => {
    const seen = new Map<string, number>()
    for (let seed = 1; seed <= SCHEDULES; seed++) {
      const run = await simulateDurable(durablePlanOf(seed))
      for (const end of run.seen) seen.set(end, (seen.get(end) ?? 0) + 1)
      await new Promise((resolve) => setImmediate(resolve))
      if (run.broken === undefined) continue
      const least = describePlan(await shrinkDurable(durablePlanOf(seed)))
      throw new Error(`seed ${seed}: ${run.broken.message}; the least that does:\n${least}`)
    }
    if (SCHEDULES < 100) return
    expect(COMMON.filter((end) => (seen.get(end) ?? 0) < SCHEDULES / 10)).toEqual([])
  }, 900_000)

  it('have the same plan whenever it is drawn from the same seed', () => {
    expect(durablePlanOf(42)).toEqual(durablePlanOf(42))
    expect(durablePlanOf(42)).not.toEqual(durablePlanOf(43))
  })
})
