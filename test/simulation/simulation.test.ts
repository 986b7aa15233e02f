import { describe, expect, it } from 'vitest'
import { PROMISES, type PromiseId } from './checks.js'
import { fullPlanOf } from './extras.js'
import { KEPT_PLANS, KEPT_SEEDS } from './kept-seeds.js'
import { describePlan } from './plan.js'
import { livelyPlanOf, planOf } from './planner.js'
import { type Summary, simulateSeeds, tooSeldom } from './schedules.js'
import { shrink } from './shrink.js'
import { simulate } from './simulate.js'
import { wholePlanOf } from './whole-plan.js'

/** A run that repeats the tests for each mutant asks for fewer. */
const SCHEDULES = Number(process.env['SIM_SCHEDULES'] ?? 20_000)

describe('seeds that found something', () => {
  it.each(KEPT_SEEDS)('seed %i keeps every promise again: %s', async (seed) => {
    for (const plan of [planOf(seed), livelyPlanOf(seed), fullPlanOf(seed), wholePlanOf(seed)]) {
      const { broken } = await simulate(plan)
      expect(broken?.message).toBeUndefined()
    }
  })

  it.each(KEPT_PLANS)('and so does the plan in which %s: %s', async (_found, end, plan) => {
    const { broken, seen } = await simulate(plan)
    expect(broken?.message).toBeUndefined()
    expect(seen).toContain(end)
  })
})

describe(`${SCHEDULES.toLocaleString('en')} schedules of 80 operations`, () => {
  let lived: Promise<Summary> | undefined
  /** Lives them once, for the first test that asks. */
  const live = (): Promise<Summary> => {
    lived ??= simulateSeeds(Array.from({ length: SCHEDULES }, (_, i) => i + 1))
    return lived
  }

  it('breaks no promise', async () => {
    const summary = await live()
    const [first] = summary.broken
    if (first === undefined) return expect(summary.schedules).toBe(SCHEDULES)
    const least = await shrink(wholePlanOf(first.seed))
    throw new Error(`seed ${first.seed} broke ${first.error.message}; the least that does:\n${describePlan(least)}`)
  }, 900_000)

  it.each(Object.entries(PROMISES) as [PromiseId, string][])(
    '%s %s',
    async (id) => {
      const summary = await live()
      expect(summary.broken.filter(({ error }) => error.id === id).map(({ seed }) => seed)).toEqual([])
      expect(summary.made.get(id)).toBeGreaterThan(SCHEDULES)
    },
    900_000
  )

  it('brings up every end in at least 5 % of the schedules', async () => {
    expect(tooSeldom(await live())).toEqual([])
  }, 900_000)
})

describe('a plan', () => {
  it('is the same whenever it is drawn from the same seed', () => {
    expect(planOf(42)).toEqual(planOf(42))
    expect(planOf(42)).not.toEqual(planOf(43))
  })

  it('has 80 operations, and stops the pool in about half of the seeds and late', () => {
    const plans = Array.from({ length: 1_000 }, (_, seed) => planOf(seed))
    const stops = plans.map(({ operations }) => operations.findIndex((operation) => operation.do === 'stop'))
    expect(plans.every(({ operations }) => operations.length === 80)).toBe(true)
    const stopping = stops.filter((at) => at >= 0)
    expect(stopping.length).toBeGreaterThan(400)
    expect(stopping.length).toBeLessThan(600)
    expect(Math.min(...stopping)).toBeGreaterThanOrEqual(50)
  })
})
