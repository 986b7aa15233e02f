/** Writes the results down: as data, and from the data the graph and the figures in the pages. */
import { readFile, writeFile } from 'node:fs/promises'
import { memoryGraph } from './memory-graph.mjs'
import { pages, withFigures } from './pages.mjs'

/** @typedef {import('../results.js').Results} Results */

const DATA = new URL('../results.json', import.meta.url)
const top = new URL('../../', import.meta.url)
const GRAPH = new URL('docs/memory.svg', top)

/** Four figures say more than was measured. @type {(results: Results) => Results} */
export const rounded = (results) =>
  JSON.parse(
    JSON.stringify(results, (_, value) =>
      typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(4)) : value
    )
  )

/** One line for each row, so that a change shows as what it is. @type {(results: Results) => string} */
const dataOf = (results) => {
  const parts = Object.entries(results).map(([name, value]) => {
    const text = Array.isArray(value)
      ? `[\n${value.map((row) => `    ${JSON.stringify(row)}`).join(',\n')}\n  ]`
      : JSON.stringify(value)
    return `  ${JSON.stringify(name)}: ${text}`
  })
  return `{\n${parts.join(',\n')}\n}\n`
}

/** @type {(results: Results) => Promise<void>} */
export const publish = async (results) => {
  await writeFile(DATA, dataOf(results))
  await writeFile(GRAPH, memoryGraph(results.overload))
  for (const page of pages) {
    const file = new URL(page, top)
    await writeFile(file, withFigures(await readFile(file, 'utf8'), results))
  }
}
