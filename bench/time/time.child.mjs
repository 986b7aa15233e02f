/**
 * One process: one shape of load, the contenders in turn. Answers what a task cost each of them: in the steady state, where
 * a queue is made once, as in a server; or with a fresh queue in each round, made after a collection, where the engine
 * drops some of the code that it had compiled for the former one.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { cost } from '../measure/cost.mjs'
import { answer } from '../measure/own-process.mjs'
import { median, shuffled } from '../measure/statistics.mjs'
import { heap } from '../memory/heap.mjs'
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
 * @property {boolean} fresh whether each repeat has a queue of its own; with `--expose-gc`
 */

/** @typedef {import('../measure/cost.mjs').Cost} Cost */

/**
 * @typedef {object} Entrant
 * @property {() => import('../queues/contenders.mjs').Queue} newQueue
 * @property {number} most
 * @property {Cost[]} costs
 */

/** @type {(name: string, dist: string) => Promise<Entrant>} */
const ready = async (name, dist) => {
  const contender = contenders[name]
  if (contender === undefined) throw new RangeError(`No contender ${name}`)
  return { newQueue: await contender.prepare(dist), most: contender.tasks ?? Number.POSITIVE_INFINITY, costs: [] }
}

/** @param {Question} question */
const measure = async ({ dist, shape, names, tasks, warmups, repeats, fresh }) => {
  const load = shapes[shape]
  if (load === undefined) throw new RangeError(`No shape ${shape}`)
  const entrants = await Promise.all(names.map((name) => ready(name, dist)))
  const queues = new Map(fresh ? [] : entrants.map((entrant) => [entrant, entrant.newQueue()]))
  for (let round = -warmups; round < repeats; round++) {
    for (const entrant of shuffled(entrants)) {
      if (fresh) await heap()
      const count = Math.min(tasks, entrant.most)
      const queue = queues.get(entrant) ?? entrant.newQueue()
      const once = await cost(count, () => load(queue, count))
      if (round >= 0) entrant.costs.push(once)
    }
  }
  for (const queue of queues.values()) await queue.end()
  return entrants.map(({ costs }) => ({
    cpu: median(costs.map(({ cpu }) => cpu)),
    wall: median(costs.map(({ wall }) => wall))
  }))
}

await answer((/** @type {Question} */ question) =>
  question.context ? new AsyncLocalStorage().run({}, () => measure(question)) : measure(question)
)
