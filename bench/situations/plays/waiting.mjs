import { effects, number, outcomes, text, times, until } from '../observe.mjs'
import { board } from '../work/board.mjs'

const CALLERS = 50

/** @type {import('../types.js').Play} */
export const waiting = {
  title: 'Fifty callers wait for one place',
  what: 'One task runs and one is queued, where one may be queued. Fifty callers wait for room, each with one task. Then one place becomes free.',

  async play(library, surroundings) {
    const queue = await library.open({ concurrency: 1, room: 1 }, surroundings)
    const before = [queue.add('hold', { until: 1 }), queue.add('hold', { until: 2 })]
    await until(() => board.running === 1)
    let entered = 0
    const callers = times(CALLERS, async () => {
      const accepted = await queue.addWhenFree?.('hold', { until: 2 })
      entered++
      return accepted?.result
    })
    const counts = outcomes(callers)
    await effects(library)
    const early = entered
    board.open(1)
    await before[0]
    await effects(library, () => entered + counts.rejected)
    const admitted = entered - early
    board.open(2)
    await until(() => counts.pending === 0)
    await queue.end?.()
    return {
      text: text(
        early > 0 && `${number(early)} did not wait`,
        `${number(admitted)} of ${CALLERS} entered`,
        `in the end ${number(counts.fulfilled)} done` +
          (counts.rejected > 0 ? `, ${number(counts.rejected)} refused` : '')
      )
    }
  }
}
