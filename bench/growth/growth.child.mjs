/** One process: one load at one size, again and again. Answers nanoseconds per task to queue it, and to run or cancel it. */
import { cost } from '../measure/cost.mjs'
import { answer } from '../measure/own-process.mjs'
import { median } from '../measure/statistics.mjs'
import { loads } from './loads.mjs'

/** Runs end when this many tasks have gone through, or so much time: no fewer than three, no more than three hundred. */
const TASKS = 1_500_000

/**
 * @typedef {object} Question
 * @property {string} dist
 * @property {number} load its place among the loads
 * @property {number} size
 * @property {number} longestMs
 * @property {number} [runs] instead
 */

await answer(async (/** @type {Question} */ { dist, load, size, longestMs, runs = runsOf(size) }) => {
  const prepared = await loads[load]?.prepare(dist)
  if (prepared === undefined) throw new RangeError(`No load ${load}`)
  const costs = []
  const begun = performance.now()
  for (let run = 0; run < runs; run++) {
    if (run >= 3 && performance.now() - begun > longestMs) break
    const filled = prepared(size)
    const queue = await cost(size, () => {
      for (let n = 0; n < size; n++) filled.queue(n)
    })
    const leave = await cost(size, filled.leave)
    await filled.end?.()
    costs.push({ queue: queue.cpu, leave: leave.cpu })
  }
  const warm = costs.slice(costs.length >> 2)
  return {
    tasks: size,
    queue: median(warm.map(({ queue }) => queue)),
    leave: median(warm.map(({ leave }) => leave)),
    both: median(warm.map(({ queue, leave }) => queue + leave))
  }
})

/** @type {(size: number) => number} */
function runsOf(size) {
  return Math.min(300, Math.max(3, Math.round(TASKS / size)))
}
