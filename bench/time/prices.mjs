/** What each feature adds to a task: its price, as nanoseconds over a task without it in the same process. */
import { ask } from '../measure/own-process.mjs'
import { spread } from '../measure/statistics.mjs'
import { CONTEXT, features, lonely, NOTHING } from './features.mjs'

const CHILD = new URL('price.child.mjs', import.meta.url)

/** @typedef {Omit<import('./price.child.mjs').Question, 'names' | 'context'> & { processes: number }} Wanted */

/** @type {(wanted: Wanted) => Promise<import('../results.js').Price[]>} */
export const prices = async (wanted) => {
  const others = Object.keys(features).filter((name) => name !== NOTHING && !lonely.has(name))
  const together = await pricesOf(wanted, others, false)
  const alone = []
  for (const name of lonely) alone.push(...(await pricesOf(wanted, [name], false)))
  const inContext = await pricesOf(wanted, [CONTEXT], true)
  return [...together, ...alone, ...inContext]
}

/** @type {(wanted: Wanted, names: readonly string[], context: boolean) => Promise<import('../results.js').Price[]>} */
const pricesOf = async ({ processes, ...wanted }, names, context) => {
  /** @type {number[][]} */
  const answers = []
  for (let n = 0; n < processes; n++) {
    answers.push(await ask(CHILD, { ...wanted, names: [NOTHING, ...names], context }))
  }
  /** @type {(costs: readonly number[], at: number) => number} */
  const added = (costs, at) => (costs[at] ?? Number.NaN) - (costs[0] ?? Number.NaN)
  return names.map((feature, at) => ({
    feature,
    context,
    added: spread(answers.map((costs) => added(costs, at + 1))),
    base: spread(answers.map(([base = Number.NaN]) => base))
  }))
}
