import { effects, outcomes, text, until } from '../observe.mjs'
import { board } from '../work/board.mjs'

/** @type {import('../types.js').Play} */
export const sameId = {
  title: 'The same id twice',
  what: 'A client repeats its request: a second task with the same id is queued while the first one runs.',

  async play(library, surroundings) {
    const queue = await library.open({ concurrency: 2 }, surroundings)
    const first = outcomes([queue.add('hold', { until: 1 }, { id: 'order-7' })])
    await until(() => board.running === 1)
    const second = outcomes([queue.add('hold', { until: 1 }, { id: 'order-7' })])
    await effects(library)
    const refused = second.rejected > 0
    board.open(1)
    await until(() => first.pending + second.pending === 0)
    await queue.end?.()
    return {
      text: text(
        `ran ${board.started === 1 ? 'once' : 'twice'}`,
        refused && 'the second caller was refused',
        !refused && board.started === 1 && 'both callers got the result'
      )
    }
  }
}
