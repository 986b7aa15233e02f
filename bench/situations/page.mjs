/** What was observed stands in the page between two comments, and is written there from the findings and nowhere else. */
import { plays } from './plays/plays.mjs'

/** @typedef {import('./types.js').Findings} Findings */

const NOT_OFFERED = 'not offered'

/** @type {(head: readonly string[], rows: readonly (readonly string[])[]) => string} */
const table = (head, rows) =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')

/** One table for each situation, under its title. @type {(findings: Findings) => string} */
const situations = ({ rows }) =>
  Object.entries(plays)
    .map(([situation, { title, what }]) => {
      const lines = rows
        .filter((row) => row.situation === situation)
        .map(({ library, text, by }) => [library, text ?? NOT_OFFERED, by])
      return `### ${title}\n\n${what}\n\n${table(['', 'observed', 'by'], lines)}`
    })
    .join('\n\n')

/** The libraries of which the same was observed, together; last those that do not offer it. @type {(rows: Findings['rows']) => string} */
const grouped = (rows) => {
  const observations = new Set(rows.map(({ text }) => text))
  const offered = [...observations].filter((text) => text !== null)
  return [...offered, ...(observations.has(null) ? [null] : [])]
    .map((text) => {
      const names = rows.filter((row) => row.text === text).map(({ library }) => library)
      return `${names.join(', ')}: ${text ?? NOT_OFFERED}`
    })
    .join('<br>')
}

/** All situations in one table. @type {(findings: Findings) => string} */
const overview = ({ rows }) =>
  table(
    ['', 'coatcheck', 'others'],
    Object.entries(plays).map(([situation, { title }]) => {
      const of = rows.filter((row) => row.situation === situation)
      const own = of.filter(({ library }) => library.startsWith('coatcheck'))
      const [only, ...more] = own
      const text = more.length === 0 ? (only?.text ?? NOT_OFFERED) : grouped(own)
      return [title, text, grouped(of.filter((row) => !own.includes(row)))]
    })
  )

/** @type {(findings: Findings) => string} */
const setting = ({ date, node, versions }) => {
  const list = Object.entries(versions).map(([name, version]) => `${name} ${version}`)
  return `${date}, Node ${node.slice(1)}; ${list.join(', ')}.`
}

/** @type {Readonly<Record<string, (findings: Findings) => string>>} */
const parts = { setting, overview, situations }

const PART = /(<!-- compare: ([\w-]+) -->\n)[\s\S]*?(<!-- \/compare -->)/g

/**
 * A page with these findings.
 *
 * @param {string} page
 * @param {Findings} findings
 */
export const withFindings = (page, findings) =>
  page.replace(PART, (_, opening, name, closing) => {
    const part = parts[name]
    if (part === undefined) throw new RangeError(`A page wants the findings of ${name}, which there are not.`)
    return `${opening}\n${part(findings)}\n\n${closing}`
  })
