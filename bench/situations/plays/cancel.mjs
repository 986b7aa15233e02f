import { effects, outcomes, text, until } from '../observe.mjs'
import { board } from '../work/board.mjs'

/** @type {import('../types.js').Play} */
export const cancel = {
  title: 'A running task is canceled',
  what: 'Two tasks, one place. The first is canceled while it runs; its function needs a moment to clean up. Meanwhile the second waits.',

  async play(library, surroundings) {
    const queue = await library.open({ concurrency: 1 }, surroundings)
    const first = await queue.addCancelable?.('hold', { until: 2, cleanUp: 1 })
    if (first === undefined) throw new Error('A library without cancel cannot play this.')
    const second = queue.add('hold', { until: 1 })
    await until(() => board.running === 1)
    const counts = outcomes([first.result])
    first.cancel()
    await effects(library)
    const early = counts.pending === 0
    board.open(1)
    await second
    await effects(library)
    board.open(2)
    await queue.end?.()
    return {
      text: text(
        board.notified > 0 && 'the function was notified',
        board.lost > 0 && 'the thread of the function was ended',
        board.notified + board.lost === 0 && 'the function was not notified',
        early && board.lost === 0 && 'the caller was answered while the function still ran',
        `${board.peak} ran at once of 1`
      )
    }
  }
}
