/** The figures in the pages stand between two comments, and are written there from the results and nowhere else. */
import { contenders } from '../queues/contenders.mjs'
import { fixed } from './numbers.mjs'
import { table } from './table.mjs'
import { ratio, setting, tables } from './tables.mjs'

/** @typedef {import('../results.js').Results} Results */

/** @type {(row: import('../results.js').Memory | undefined) => string} */
const bytesOf = (row) => (row === undefined ? '' : fixed(row.bytes.median))

/** Time and memory beside the peers. @type {(results: Results) => string} */
const comparison = (results) => {
  const shapes = ['burst', 'closed loop', 'waves']
  const rows = Object.keys(contenders).map((contender) => [
    contender,
    ...shapes.map((shape) => ratio(results.time.find((row) => row.contender === contender && row.shape === shape))),
    bytesOf(results.memory.find(({ holding }) => holding === contender))
  ])
  return `${table(['', ...shapes, 'bytes per queued task'], rows)}\n\n${setting(results)}`
}

/** Those at the top level of a page's name. @type {Readonly<Record<string, (results: Results) => string>>} */
const parts = { comparison, ...tables }

/** The pages that show figures, from the top of the repository. */
export const pages = ['README.md', 'docs/benchmarks.md']

const PART = /(<!-- bench: ([\w-]+) -->\n)([\s\S]*?)(<!-- \/bench -->)/g

/**
 * A page with the figures of these results.
 *
 * @param {string} page
 * @param {Results} results
 */
export const withFigures = (page, results) =>
  page.replace(PART, (_, opening, name, __, closing) => {
    const part = parts[name]
    if (part === undefined) throw new RangeError(`A page wants the figures of ${name}, which there are not.`)
    return `${opening}\n${part(results)}\n\n${closing}`
  })

/** What a page shows of the results. @type {(page: string) => { name: string, text: string }[]} */
export const partsOf = (page) => [...page.matchAll(PART)].map(([, , name = '', text = '']) => ({ name, text }))
