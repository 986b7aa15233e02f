/** Every measurement, one after the other: never two at a time, they would share the machine. */
import { growth, huge } from './growth/growth.mjs'
import { crowd } from './http/crowd.mjs'
import { held } from './http/held.mjs'
import { holdLimits } from './http/hold-limits.mjs'
import { http } from './http/http.mjs'
import { overload } from './http/overload.mjs'
import { loop } from './loop/loop.mjs'
import { machine } from './measure/machine.mjs'
import { versionOf } from './measure/node-lines.mjs'
import { versions } from './measure/versions.mjs'
import { memory } from './memory/memory.mjs'
import { contenders, DEFAULTS, ID_READ, NO_CONTEXT, slow, YARDSTICK } from './queues/contenders.mjs'
import { prices } from './time/prices.mjs'
import { shapes } from './time/shapes.mjs'
import { timeOf } from './time/time.mjs'

/**
 * @param {typeof import('./plan.mjs').full} plan
 * @param {readonly string[]} nodes programs of the lines of Node
 * @param {string} dist holds the built library
 * @returns {Promise<import('./results.js').Results>}
 */
export const measure = async (plan, nodes, dist) => ({
  ...taken(),
  versions,
  time: await step('time per task', () => time(plan, dist)),
  lines: await step('time per task on lines of Node', () => lines(plan, nodes, dist)),
  prices: await step('price of each feature', () => prices({ dist, ...plan.prices })),
  growth: await step('growth', () => growth({ dist, ...plan.growth })),
  huge: await step('a huge queue', () => huge({ dist, ...plan.growth })),
  memory: await step('memory', () => memory({ dist, ...plan.memory })),
  loop: await step('event loop', () => loop({ dist, ...plan.loop })),
  ...(await measureHttp(plan, dist)),
  overload: await step('overload', () => overload({ dist, ...plan.overload }))
})

/**
 * The HTTP part alone.
 *
 * @param {typeof import('./plan.mjs').full} plan
 * @param {string} dist
 * @returns {Promise<Pick<import('./results.js').Results, 'httpTaken' | 'http' | 'held' | 'holdLimits' | 'crowd'>>}
 */
export const measureHttp = async (plan, dist) => ({
  httpTaken: taken(),
  http: await step('HTTP', () => http({ dist, ...plan.http })),
  held: await step('long polls and event streams', () => held({ dist, ...plan.held })),
  holdLimits: await step('limits of both', () => holdLimits({ dist, ...plan.holdLimits })),
  crowd: await step('a crowd', () => crowd({ dist, ...plan.crowd }))
})

/** @type {() => import('./results.js').Taken} */
const taken = () => ({ date: new Date().toISOString().slice(0, 10), machine: machine(), node: process.version })

/** @template T @param {string} name @param {() => Promise<T>} work */
const step = async (name, work) => {
  const begun = performance.now()
  const found = await work()
  console.error(`${name}: ${((performance.now() - begun) / 1e3).toFixed(0)} s`)
  return found
}

/** @type {(plan: typeof import('./plan.mjs').full, dist: string) => Promise<import('./results.js').TimeRow[]>} */
const time = async (plan, dist) => {
  const where = { dist, shapes: Object.keys(shapes), context: false, fresh: false }
  const fast = Object.keys(contenders).filter((name) => !slow.includes(name))
  const together = await timeOf({ ...where, names: fast, ...plan.time })
  const apart = await timeOf({ ...where, names: [YARDSTICK, ...slow], ...plan.scale })
  const rows = [...together, ...apart.filter(({ contender }) => contender !== YARDSTICK)]
  return Object.keys(contenders).flatMap((name) => rows.filter(({ contender }) => contender === name))
}

/** @type {(plan: typeof import('./plan.mjs').full, nodes: readonly string[], dist: string) => Promise<import('./results.js').LineTimes[]>} */
const lines = async (plan, nodes, dist) => {
  const names = [YARDSTICK, NO_CONTEXT, DEFAULTS, ID_READ]
  const wanted = { dist, names, shapes: ['burst', 'closed loop', 'waves'], fresh: false, ...plan.lines }
  const found = []
  for (const node of nodes) {
    for (const context of [false, true]) {
      found.push({ node: versionOf(node), context, rows: await timeOf({ ...wanted, node, context }) })
    }
  }
  return found
}
