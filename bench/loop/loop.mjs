/** How long the event loop is held while a million trivial tasks run, and while they are stopped. */
import { ask } from '../measure/own-process.mjs'
import { spread } from '../measure/statistics.mjs'
import { crowds } from './crowds.mjs'

const CHILD = new URL('loop.child.mjs', import.meta.url)

/** @typedef {{ dist: string, tasks: number, processes: number }} Wanted */

/** @type {(wanted: Wanted) => Promise<import('../results.js').Loop[]>} */
export const loop = async ({ dist, tasks, processes }) => {
  const rows = []
  for (const crowd of Object.keys(crowds)) {
    /** @type {{ tookMs: number, worstMs: number, usualMs: number }[]} */
    const answers = []
    for (let n = 0; n < processes; n++) answers.push(await ask(CHILD, { dist, crowd, tasks }))
    rows.push({
      crowd,
      worstMs: spread(answers.map(({ worstMs }) => worstMs)),
      usualMs: spread(answers.map(({ usualMs }) => usualMs)),
      tookMs: spread(answers.map(({ tookMs }) => tookMs))
    })
  }
  return rows
}
