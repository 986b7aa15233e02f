/** Writes the findings down: as data, and from the data the tables in the page. */
import { readFile, writeFile } from 'node:fs/promises'
import { withFindings } from './page.mjs'

/** @typedef {import('./types.js').Findings} Findings */

const DATA = new URL('findings.json', import.meta.url)
const PAGE = new URL('../../docs/comparison.md', import.meta.url)

/** One line for each row, so that a change shows as what it is. @type {(findings: Findings) => string} */
const dataOf = ({ rows, ...head }) => {
  const lines = Object.entries(head).map(([name, value]) => `  ${JSON.stringify(name)}: ${JSON.stringify(value)},\n`)
  return `{\n${lines.join('')}  "rows": [\n${rows.map((row) => `    ${JSON.stringify(row)}`).join(',\n')}\n  ]\n}\n`
}

/** @type {(findings: Findings) => Promise<void>} */
export const publish = async (findings) => {
  await writeFile(DATA, dataOf(findings))
  await writeFile(PAGE, withFindings(await readFile(PAGE, 'utf8'), findings))
}
