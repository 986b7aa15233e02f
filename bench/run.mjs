/**
 * The whole suite, against the library as `npm run build` makes it.
 *
 * `npm run bench` takes a few minutes, runs on every line of Node too, writes `results.json` and, from it, the graph and
 * the figures in the pages. `npm run bench:quick` takes less than one, on this Node only, and writes nothing.
 */
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { nodeLines } from './measure/node-lines.mjs'
import { full, quick } from './plan.mjs'
import { publish, rounded } from './report/publish.mjs'
import { tables } from './report/tables.mjs'
import { measure } from './suite.mjs'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { quick: { type: 'boolean', default: false } }
})
const dist = resolve(positionals[0] ?? 'dist')

const measured = values.quick ? await measure(quick, [process.execPath], dist) : await measure(full, nodeLines(), dist)
const results = rounded(measured)
for (const table of Object.values(tables)) console.log(`\n${table(results)}`)
if (!values.quick) await publish(results)
