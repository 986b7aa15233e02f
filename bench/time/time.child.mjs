/**
 * One process: one shape of load, the contenders in turn. Answers what a task cost each of them in the steady state: a
 * queue is made once, as in a server. One made for each round would be measured while its code is compiled anew.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { cost } from '../measure/cost.mjs'
import { answer } from '../measure/own-process.mjs'
import { median, shuffled } from '../measure/statistics.mjs'
import { contenders } from '../queues/contenders.mjs'
import { shapes } from './shapes.mjs'

/**
 * @typedef {object} Question
 * @property {string} dist
 * @property {string} shape
 * @property {readonly string[]} names of contenders; each round has another order, as one pays for the garbage of another
 * @property {number} tasks in one repeat
 * @property {number} warmups repeats that are not counted
 * @property {number} repeats
 * @property {boolean} context whether all of it runs in an `AsyncLocalStorage`
 */

/** @typedef {import('../measure/cost.mjs').Cost} Cost */

/** @type {(name: string, dist: string) => Promise<{ queue: import('../queues/contenders.mjs').Queue, most: number, costs: Cost[] }>} */
const ready = async (name, dist) => {
  const contender = contenders[name]
  if (contender === undefined) throw new RangeError(`No contender ${name}`)
  const newQueue = await contender.prepare(dist)
  return { queue: newQueue(), most: contender.tasks ?? Number.POSITIVE_INFINITY, costs: [] }
}

/** @param {Question} question */
const measure = async ({ dist, shape, names, tasks, warmups, repeats }) => {
  const load = shapes[shape]
  if (load === undefined) throw new RangeError(`No shape ${shape}`)
  const entrants = await Promise.all(names.map((name) => ready(name, dist)))
  for (let round = -warmups; round < repeats; round++) {
    for (const { queue, most, costs } of shuffled(entrants)) {
      const count = Math.min(tasks, most)
      const once = await cost(count, () => load(queue, count))
      if (round >= 0) costs.push(once)
    }
  }
  for (const { queue } of entrants) await queue.end()
  return entrants.map(({ costs }) => ({
    cpu: median(costs.map(({ cpu }) => cpu)),
    wall: median(costs.map(({ wall }) => wall))
  }))
}

await answer((/** @type {Question} */ question) =>
  question.context ? new AsyncLocalStorage().run({}, () => measure(question)) : measure(question)
)
