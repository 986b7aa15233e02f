/**
 * Kills and stops processes of a shared pool under load, and Redis: `npm run chaos -- --cycles 200`. Needs `redis-server`. The
 * exit code is 0 if every figure is 0 that must be.
 */
import { parseArgs } from 'node:util'
import { chaosLoop } from './chaos-loop.js'

const { values } = parseArgs({ options: { cycles: { type: 'string', default: '20' } } })
const cycles = Number(values.cycles)
if (!Number.isInteger(cycles) || cycles < 1) throw new Error(`Expected --cycles N, got ${values.cycles}`)

const audit = await chaosLoop({
  cycles,
  onCycle: (cycle) => void (cycle % 20 === 0 && console.log(`${cycle} of ${cycles}`))
})
if (audit === undefined) {
  console.error('redis-server is not installed. On Debian or Ubuntu: apt-get install redis-server')
  process.exit(2)
}
const { wrongs, seen, examples } = audit
console.log(`\n${cycles} cycles, ${process.version}`)
for (const [what, figure] of Object.entries({ ...seen, ...wrongs })) console.log(`  ${what.padEnd(16)} ${figure}`)
for (const example of examples) console.log(`  ${example}`)
if (Object.values(wrongs).some((figure) => figure > 0)) process.exitCode = 1
