import { effects, outcomes, printedBy, text, times } from '../observe.mjs'

const TASKS = 3

/** @type {(printed: number, reported: number) => string} */
const fateOf = (printed, reported) => {
  if (reported > 0) return 'the error was reported'
  return printed > 0 ? 'the error was printed' : 'the error was not reported'
}

/** @type {import('../types.js').Play} */
export const listener = {
  title: 'A listener that throws',
  what: 'Three tasks, one place, and a listener of an event at the end of a task, or of the last task, that throws each time. Where there is an event for errors of the queue, it has a listener too.',
  mayEndProcess: true,

  async play(library, surroundings) {
    const queue = await library.open({ concurrency: 1 }, surroundings)
    let called = 0
    queue.onEnd?.(() => {
      called++
      throw new Error('the listener failed')
    })
    let reported = 0
    queue.onError?.(() => {
      reported++
    })
    let done = 0
    const printed = await printedBy(async () => {
      const counts = outcomes(times(TASKS, (label) => queue.add('note', { label })))
      await effects(library)
      done = counts.fulfilled
    })
    await queue.end?.()
    return {
      text: text(
        `${done} of ${TASKS} results delivered`,
        called === 0 && 'the listener was not called',
        called > 0 && fateOf(printed, reported)
      )
    }
  }
}
