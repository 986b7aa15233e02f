/** What a task costs as the queue grows: to queue it while nothing runs, and to run or cancel it. */
import { ask } from '../measure/own-process.mjs'
import { loads } from './loads.mjs'

const CHILD = new URL('growth.child.mjs', import.meta.url)

/** @typedef {{ dist: string, sizes: readonly number[], longestMs: number, huge: number }} Wanted */

/** @type {(wanted: Wanted) => Promise<import('../results.js').Growth[]>} */
export const growth = async ({ dist, sizes, longestMs }) => {
  const rows = []
  for (const [load, { contender, order, judged = 'both', most = Number.POSITIVE_INFINITY }] of loads.entries()) {
    /** @type {import('../results.js').GrowthCost[]} */
    const costs = []
    for (const size of sizes) {
      if (size <= most) costs.push(await ask(CHILD, { dist, load, size, longestMs }))
    }
    const [few, many] = [costs.at(0)?.[judged], costs.at(-1)?.[judged]]
    rows.push({ contender, order, ratio: (many ?? Number.NaN) / (few ?? Number.NaN), costs })
  }
  return rows
}

/**
 * Once through with more tasks than anybody should queue: that it works, and at what cost each.
 *
 * @type {(wanted: Wanted) => Promise<import('../results.js').GrowthCost>}
 */
export const huge = async ({ dist, longestMs, huge: size }) =>
  ask(CHILD, { dist, load: 0, size, longestMs, runs: 1 }, { flags: ['--max-old-space-size=8192'] })
