import { effects, printedBy, until } from '../observe.mjs'
import { board } from '../work/board.mjs'

/** @type {import('../types.js').Play} */
export const failure = {
  title: 'A failure that nobody awaits',
  what: 'A task is queued and its promise, if there is one, dropped. The task throws. No handler of errors is set.',
  mayEndProcess: true,

  async play(library, surroundings) {
    const queue = await library.open({ concurrency: 1 }, surroundings)
    const printed = await printedBy(async () => {
      queue.forget('fail', {})
      await until(() => board.ended === 1)
      await effects(library)
    })
    const recorded = (await queue.failures?.()) ?? 0
    await queue.end?.()
    if (printed > 0) return { text: 'printed, the process goes on' }
    return { text: recorded > 0 ? 'recorded, the process goes on' : 'not reported' }
  }
}
