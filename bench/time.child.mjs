/** One process: one shape of load, `fastq.promise` and one contender in turn. */
import { AsyncLocalStorage } from 'node:async_hooks'
import { contenders } from './contenders.mjs'
import { cost } from './cost.mjs'
import { answer } from './own-process.mjs'
import { shapes } from './shapes.mjs'
import { median } from './statistics.mjs'

/**
 * @typedef {object} Question
 * @property {string} dist
 * @property {string} shape
 * @property {readonly string[]} names of contenders, in the order of their turns
 * @property {number} tasks
 * @property {number} warmups repeats that are not counted
 * @property {number} repeats
 * @property {boolean} context whether all of it runs in an `AsyncLocalStorage`
 */

/** @typedef {import('./cost.mjs').Cost} Cost */

/** @param {Question} question */
const measure = async ({ dist, shape, names, tasks, warmups, repeats }) => {
  const load = shapes[shape]
  if (load === undefined) throw new RangeError(`No shape ${shape}`)
  const entrants = await Promise.all(
    names.map(async (name) => ({ name, newQueue: await contenders[name]?.(dist), costs: /** @type {Cost[]} */ ([]) }))
  )
  for (let round = -warmups; round < repeats; round++) {
    for (const { name, newQueue, costs } of entrants) {
      if (newQueue === undefined) throw new RangeError(`No contender ${name}`)
      const queue = newQueue()
      const once = await cost(tasks, () => load(queue, tasks))
      if (round >= 0) costs.push(once)
      await queue.end()
    }
  }
  return entrants.map(({ costs }) => ({
    cpu: median(costs.map(({ cpu }) => cpu)),
    wall: median(costs.map(({ wall }) => wall))
  }))
}

await answer((/** @type {Question} */ question) =>
  question.context ? new AsyncLocalStorage().run({}, () => measure(question)) : measure(question)
)
