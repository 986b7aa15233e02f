import { getEventListeners } from 'node:events'
import { effects, number, outcomes, text, times, until } from '../observe.mjs'
import { board } from '../work/board.mjs'

const TASKS = 10_000

/** @type {import('../types.js').Play} */
export const sharedSignal = {
  title: 'One AbortSignal for 10,000 tasks',
  what: 'All tasks are given the same signal, that of the process, say. They run to their end; it does not abort.',

  async play(library, surroundings) {
    const { signal } = new AbortController()
    let warnings = 0
    const count = () => warnings++
    process.on('warning', count)
    const queue = await library.open({ concurrency: 10 }, surroundings)
    const counts = outcomes(times(TASKS, () => queue.add('hold', { until: 1 }, { signal })))
    await until(() => board.running === 10)
    await effects(library)
    const most = getEventListeners(signal, 'abort').length
    board.open(1)
    await until(() => counts.pending === 0)
    await effects(library)
    process.off('warning', count)
    const left = getEventListeners(signal, 'abort').length
    await queue.end?.()
    return {
      text: text(
        `${number(most)} ${most === 1 ? 'listener' : 'listeners'} meanwhile, ${number(left)} left`,
        warnings > 0 && `${number(warnings)} ${warnings === 1 ? 'warning' : 'warnings'}`
      )
    }
  }
}
