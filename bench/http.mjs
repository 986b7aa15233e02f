/**
 * The HTTP part of the suite alone: what a request costs, what one costs that is held until its task ends, what becomes
 * of those beyond the limits, and memory under overload. `npm run bench:http` takes two minutes and ends with an error
 * before three; it writes its part of `results.json` and of the pages. With `--quick` it takes half a minute and writes
 * nothing.
 */
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { full, quick } from './plan.mjs'
import { publish, rounded } from './report/publish.mjs'
import { tables } from './report/tables.mjs'
import { measureHttp } from './suite.mjs'

const LONGEST_MS = 170_000

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { quick: { type: 'boolean', default: false } }
})

setTimeout(() => {
  throw new Error(`It took longer than ${LONGEST_MS / 1e3} s.`) // the servers end with this process
}, LONGEST_MS).unref()

/** @type {import('./results.js').Results} */
const others = JSON.parse(await readFile(new URL('results.json', import.meta.url), 'utf8'))
const measured = await measureHttp(values.quick ? quick : full, resolve(positionals[0] ?? 'dist'))
const results = rounded({ ...others, ...measured })
for (const part of ['http', 'held', 'limits', 'crowd']) console.log(`\n${tables[part]?.(results)}`)
if (!values.quick) await publish(results)
