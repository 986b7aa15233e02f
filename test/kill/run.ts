/**
 * Kills a process under load and starts it again: `npm run kill -- --cycles 500`.
 *
 * `--mode thread`, `--mode loop`; without it half of the cycles each. `--driver` names the module of a driver. `--planted` kills
 * processes whose store acknowledges too early, by its thread, and must find it. The exit code is 0 if every figure is as it must be.
 */
import { parseArgs } from 'node:util'
import type { Audit } from './audit.js'
import { killLoop } from './kill-loop.js'

const { values } = parseArgs({
  options: {
    cycles: { type: 'string', default: '20' },
    mode: { type: 'string' },
    driver: { type: 'string' },
    planted: { type: 'boolean', default: false }
  }
})
const cycles = Number(values.cycles)
if (!Number.isInteger(cycles) || cycles < 1) throw new Error(`Expected --cycles N, got ${values.cycles}`)

const only = values.planted ? 'thread' : values.mode
const modes = [true, false].filter((thread) => only === undefined || (only === 'thread') === thread)

const report = (thread: boolean, count: number, { wrongs, seen, examples }: Audit): void => {
  console.log(`\n${count} kills, ${thread ? 'written by a thread' : 'written on the loop'}, ${process.version}`)
  for (const [what, figure] of Object.entries({ ...seen, ...wrongs })) console.log(`  ${what.padEnd(16)} ${figure}`)
  for (const example of examples) console.log(`  ${example}`)
}

let wrong = 0
for (const [index, thread] of modes.entries()) {
  const count = Math.floor((cycles + index) / modes.length)
  if (count === 0) continue
  const audit = await killLoop({
    ...{ cycles: count, thread, driver: values.driver, planted: values.planted },
    onCycle: (cycle) => void (cycle % 50 === 0 && console.log(`${cycle} of ${count}`))
  })
  report(thread, count, audit)
  wrong += Object.values(audit.wrongs).reduce((sum, figure) => sum + figure, 0)
}
if (wrong > 0 !== values.planted) process.exitCode = 1
