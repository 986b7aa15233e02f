/**
 * Plays small situations with this library and with others, prints what was observed and writes it to the page:
 *
 *     node bench/situations/run.mjs [--situation=full …] [--library=p-queue …]
 *
 * With a choice, or without a `redis-server`, nothing is written.
 */
import { parseArgs } from 'node:util'
import { find, situations } from './find.mjs'
import { publish } from './publish.mjs'
import { versions } from './versions.mjs'

const { values } = parseArgs({
  options: {
    situation: { type: 'string', multiple: true },
    library: { type: 'string', multiple: true }
  }
})

const chosen = situations.filter((name) => values.situation?.includes(name) ?? true)
const { rows, skipped } = await find({
  situations: chosen,
  names: values.library,
  found: ({ situation, library, text, by }) => console.log(`${situation}: ${library}: ${text ?? 'not offered'} (${by})`)
})
for (const name of skipped) console.log(`${name} was skipped: it needs a redis-server, and there is none.`)

if (values.situation === undefined && values.library === undefined && skipped.length === 0) {
  await publish({ date: new Date().toISOString().slice(0, 10), node: process.version, versions, rows })
}
