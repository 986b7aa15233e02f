import { times, until } from '../observe.mjs'
import { board } from '../work/board.mjs'
import { requests } from '../work/works.mjs'

const REQUESTS = 5

/** @type {import('../types.js').Play} */
export const context = {
  title: 'The context of a request',
  what: 'Five requests, each in an `AsyncLocalStorage` context of its own, queue one task each for one place.',

  async play(library, surroundings) {
    const queue = await library.open({ concurrency: 1 }, surroundings)
    const results = times(REQUESTS, (n) => requests.run(n, () => queue.add('request', { until: 1 })))
    await until(() => board.running > 0)
    board.open(1)
    const seen = await Promise.all(results)
    await queue.end?.()
    const own = seen.filter((request, n) => request === n).length
    const none = seen.filter((request) => request === undefined || request === null).length
    const others = REQUESTS - own - none
    return {
      text: [
        `${own} of ${REQUESTS} ran in the context of their request`,
        ...(others > 0 ? [`${others} in that of another one`] : []),
        ...(none > 0 ? [`${none} in none`] : [])
      ].join(', ')
    }
  }
}
