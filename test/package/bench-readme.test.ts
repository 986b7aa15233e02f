/** What the pages say about speed and memory was measured: it stands in `bench/results.json`. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { budgets, isMet } from '../../bench/budgets.mjs'
import { memoryGraph } from '../../bench/report/memory-graph.mjs'
import { pages, partsOf, withFigures } from '../../bench/report/pages.mjs'
import { tables } from '../../bench/report/tables.mjs'
import type { Results } from '../../bench/results.js'
import { root } from './run.js'

const read = (name: string): Promise<string> => readFile(join(root, name), 'utf8')

const results = JSON.parse(await read('bench/results.json')) as Results
const readme = await read('README.md')

/** The rows of the README's table: what stands first in each cell. */
const comparison = readme
  .slice(readme.indexOf('<!-- bench: comparison -->'), readme.indexOf('<!-- /bench -->'))
  .split('\n')
  .filter((line) => line.startsWith('| '))
  .map((line) => line.split('|').slice(1, -1))
  .map((cells) => cells.map((cell) => cell.trim().replace(/ \(.*\)$/, '')))

describe('the figures in the README', () => {
  const [head = [], , ...rows] = comparison

  it('are the medians of the results, of every contender that was measured', () => {
    expect(head).toEqual(['', 'burst', 'closed loop', 'waves', 'bytes per queued task'])
    expect(rows.map(([contender]) => contender)).toEqual([...new Set(results.time.map(({ contender }) => contender))])
    for (const [contender, ...cells] of rows) {
      for (const [at, shape] of ['burst', 'closed loop', 'waves'].entries()) {
        const { median } = results.time.find((row) => row.contender === contender && row.shape === shape)!.ratio
        const shown = Number(cells[at]!.replaceAll(',', ''))
        expect(Math.abs(shown - median), `${contender}, ${shape}`).toBeLessThanOrEqual(median < 10 ? 0.0051 : 0.51)
      }
      const heap = results.memory.find(({ holding }) => holding === contender)?.bytes.median
      expect(cells[3]?.replaceAll(',', ''), `${contender}, bytes`).toBe(heap === undefined ? '' : heap.toFixed(0))
    }
  })

  it('say when, on what and with which Node they were measured', () => {
    expect(results.date).toMatch(/^\d{4}-\d\d-\d\d$/)
    expect(results.machine.cores).toBeGreaterThan(0)
    expect(readme).toContain(
      `${results.date}, Node ${results.node.slice(1)} on ${results.machine.system}, ${results.machine.cores} cores (${results.machine.cpu})`
    )
  })
})

describe('the figures in every page', () => {
  it('are those of the results', async () => {
    for (const page of pages) {
      const text = await read(page)
      expect(text, page).toBe(withFigures(text, results))
    }
  })

  it('are other ones for other results', async () => {
    const others = JSON.parse(JSON.stringify(results), (_, value) =>
      typeof value === 'number' ? value + 2 : value
    ) as Results
    for (const page of pages) {
      const text = await read(page)
      for (const [part, other] of partsOf(withFigures(text, others)).entries()) {
        expect(partsOf(text)[part]?.text, `${page}, ${other.name}`).not.toBe(other.text)
      }
    }
  })

  it('leave out nothing that was measured', async () => {
    expect(partsOf(await read('docs/benchmarks.md')).map(({ name }) => name)).toEqual(Object.keys(tables))
  })

  it('name every budget, and those that are missed as missed', async () => {
    const page = await read('docs/benchmarks.md')
    for (const budget of budgets) {
      const line = page.split('\n').find((text) => text.startsWith(`| ${budget.what} |`))
      expect(line, budget.what).toMatch(
        isMet(budget, budget.measured(results)) ? /\| kept \|$/ : /\| \*\*missed\*\* \|$/
      )
    }
  })
})

describe('the results', () => {
  it('were taken on every line of Node that is supported, with an AsyncLocalStorage and without', () => {
    const taken = results.lines.map(({ node, context }) => `${node.slice(1, 3)} ${context}`)
    expect(taken).toEqual(['20', '22', '24', '26'].flatMap((line) => [`${line} false`, `${line} true`]))
  })

  it('are what the graph of memory is drawn from', async () => {
    expect(await read('docs/memory.svg')).toBe(memoryGraph(results.overload))
  })
})
