/** One process: features in turn, a hundred tasks at once, then drained. Answers nanoseconds per task of each. */
import { AsyncLocalStorage } from 'node:async_hooks'
import { cost } from '../measure/cost.mjs'
import { answer } from '../measure/own-process.mjs'
import { median, shuffled } from '../measure/statistics.mjs'
import { noop } from '../queues/contenders.mjs'
import { pools } from '../queues/library.mjs'
import { features } from './features.mjs'

const WAVE = 100

/**
 * @typedef {object} Question
 * @property {string} dist
 * @property {readonly string[]} names of features
 * @property {number} tasks in one repeat
 * @property {number} warmups
 * @property {number} repeats
 * @property {boolean} context whether all of it runs in an `AsyncLocalStorage`
 */

/** @type {(pool: import('coatcheck').WorkerPool, feature: import('./features.mjs').Feature, tasks: number) => Promise<void>} */
const waves = async (pool, { run = noop, options = [undefined], look = () => {} }, tasks) => {
  for (let done = 0; done < tasks; done += WAVE) {
    for (let n = done; n < done + WAVE; n++) look(pool.queueTask(run, options[n % options.length]))
    await pool.drain()
  }
}

/** @param {Question} question */
const measure = async ({ dist, names, tasks, warmups, repeats }) => {
  const newPool = await pools(dist, { captureContext: false })
  const entrants = names.map((name) => ({ feature: features[name] ?? {}, costs: /** @type {number[]} */ ([]) }))
  for (let round = -warmups; round < repeats; round++) {
    for (const { feature, costs } of shuffled(entrants)) {
      const pool = newPool(feature.pool).start()
      const end = await feature.listen?.(pool, dist)
      const { cpu } = await cost(tasks, () => waves(pool, feature, tasks))
      if (round >= 0) costs.push(cpu)
      await pool.stop({ graceMs: 0 })
      if (typeof end === 'function') await end()
    }
  }
  return entrants.map(({ costs }) => median(costs))
}

await answer((/** @type {Question} */ question) =>
  question.context ? new AsyncLocalStorage().run({}, () => measure(question)) : measure(question)
)
