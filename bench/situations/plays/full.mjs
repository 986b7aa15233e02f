import { effects, number, outcomes, text, times, until } from '../observe.mjs'
import { board } from '../work/board.mjs'

const TASKS = 1_000

/** @type {import('../types.js').Play} */
export const full = {
  title: 'A full queue',
  what: 'A thousand tasks arrive in one turn of the event loop, for two places and room for ten.',

  async play(library, surroundings) {
    const queue = await library.open({ concurrency: 2, room: 10 }, surroundings)
    const counts = outcomes(times(TASKS, () => queue.add('hold', { until: 1 })))
    await until(() => board.running >= 2)
    await effects(library, () => counts.rejected + board.started)
    const refused = counts.rejected
    board.open(1)
    await until(() => counts.pending === 0)
    await queue.end?.()
    return {
      text: text(
        refused === 0
          ? `all ${number(TASKS)} accepted`
          : `${number(TASKS - refused)} accepted, ${number(refused)} refused`,
        board.peak > 2 && `${number(board.peak)} ran at once of 2`
      )
    }
  }
}
