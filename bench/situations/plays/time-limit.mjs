import { setTimeout as delay } from 'node:timers/promises'
import { effects, outcomes, text, times, until } from '../observe.mjs'
import { board } from '../work/board.mjs'

const LIMIT_MS = 20
const TASKS = 3

/** @type {import('../types.js').Play} */
export const timeLimit = {
  title: 'A time limit that the function ignores',
  what: 'Three tasks, one place, a time limit of 20 milliseconds. The functions take no notice of it, as a driver without cancel does.',

  async play(library, surroundings) {
    const queue = await library.open({ concurrency: 1, timeoutMs: LIMIT_MS }, surroundings)
    const counts = outcomes(times(TASKS, () => queue.add('ignore', { until: 1 })))
    await until(() => board.started > 0)
    await delay(LIMIT_MS * (TASKS + 2))
    await effects(library)
    board.open(1)
    await until(() => counts.pending === 0)
    await queue.end?.()
    return { text: text(board.lost > 0 && 'the thread of the function was ended', `${board.peak} ran at once of 1`) }
  }
}
