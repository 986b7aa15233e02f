/**
 * Lives the schedules of some seeds: `npm run sim -- --seeds 1..20000`.
 *
 * Prints how many there were and how often each end came up; for a seed that breaks a promise, the least that breaks it.
 */
import { parseArgs } from 'node:util'
import { describePlan } from './plan.js'
import { FLOORS, simulateSeeds, tooSeldom } from './schedules.js'
import { shrink } from './shrink.js'
import { simulate } from './simulate.js'
import { wholePlanOf } from './whole-plan.js'

/** Fewer schedules say nothing about how often something comes up. */
const ENOUGH = 200

const { values } = parseArgs({ options: { seeds: { type: 'string', default: '1..1000' } } })
const range = /^(\d+)\.\.(\d+)$/.exec(values.seeds)
if (range === null) throw new Error(`Expected --seeds FIRST..LAST, got ${values.seeds}`)
const [first, last] = [Number(range[1]), Number(range[2])]
if (last < first) throw new Error(`Expected the first seed not to be after the last, got ${values.seeds}`)

function* seeds(): Generator<number> {
  for (let seed = first; seed <= last; seed++) yield seed
}

const began = performance.now()
const summary = await simulateSeeds(seeds())
const seconds = (performance.now() - began) / 1_000
console.log(`ran ${summary.schedules} schedules in ${seconds.toFixed(1)} s`)
for (const end of Object.keys(FLOORS)) {
  const count = summary.seen.get(end) ?? 0
  console.log(`${end.padEnd(22)} ${((100 * count) / summary.schedules).toFixed(1).padStart(5)} % of the schedules`)
}
for (const { seed, error } of summary.broken) {
  console.log(`\nseed ${seed} broke ${error.message}`)
  const least = await shrink(wholePlanOf(seed))
  const { broken } = await simulate(least)
  console.log(`the least that breaks it: ${broken?.message}\n${describePlan(least)}`)
}
const seldom = summary.schedules >= ENOUGH ? tooSeldom(summary) : []
for (const line of seldom) console.log(`too seldom: ${line}`)
if (summary.broken.length > 0 || seldom.length > 0) process.exitCode = 1
