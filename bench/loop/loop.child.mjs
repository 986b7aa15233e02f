/** One process: a timer of ten milliseconds, and how late it comes while very many trivial tasks run or are stopped. */
import { answer } from '../measure/own-process.mjs'
import { median } from '../measure/statistics.mjs'
import { crowds } from './crowds.mjs'

const EVERY_MS = 10

/** @typedef {{ dist: string, crowd: string, tasks: number }} Question */

await answer(async (/** @type {Question} */ { dist, crowd, tasks }) => {
  const empty = await crowds[crowd]?.(tasks, dist)
  if (empty === undefined) throw new RangeError(`No crowd ${crowd}`)
  await new Promise((done) => setTimeout(done, 10 * EVERY_MS))
  /** @type {number[]} */
  const late = []
  const begun = performance.now()
  let last = begun
  const tick = () => {
    const now = performance.now()
    late.push(Math.max(0, now - last - EVERY_MS))
    last = now
  }
  const timer = setInterval(tick, EVERY_MS)
  await empty()
  const tookMs = performance.now() - begun
  await new Promise((turn) => setTimeout(turn, EVERY_MS)) // the timer that was held back to the end
  clearInterval(timer)
  return { tookMs, worstMs: Math.max(...late), usualMs: median(late) }
})
