/** Lives the schedules of pools with a store: `npm run sim:durable -- --seeds 1..2000`. */
import { parseArgs } from 'node:util'
import { describePlan } from '../plan.js'
import { durablePlanOf } from './plan.js'
import { shrinkDurable, simulateDurable } from './simulate.js'

/** Seeds with a mistake that are shrunk and printed. */
const MOST = 3

const { values } = parseArgs({ options: { seeds: { type: 'string', default: '1..1000' } } })
const range = /^(\d+)\.\.(\d+)$/.exec(values.seeds)
if (range === null) throw new Error(`Expected --seeds FIRST..LAST, got ${values.seeds}`)
const [first, last] = [Number(range[1]), Number(range[2])]

const seen = new Map<string, number>()
let broken = 0
for (let seed = first; seed <= last && broken < MOST; seed++) {
  const run = await simulateDurable(durablePlanOf(seed))
  for (const end of run.seen) seen.set(end, (seen.get(end) ?? 0) + 1)
  await new Promise((resolve) => setImmediate(resolve))
  if (run.broken === undefined) continue
  broken++
  const least = await shrinkDurable(durablePlanOf(seed))
  const { broken: error } = await simulateDurable(least)
  console.log(`\nseed ${seed} broke: ${run.broken.message}`)
  console.log(`the least that breaks it: ${error?.stack}\n${describePlan(least)}`)
}
for (const [end, count] of [...seen].sort()) console.log(`${end.padEnd(30)} ${count} of ${last - first + 1}`)
if (broken > 0) process.exitCode = 1
