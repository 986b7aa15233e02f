import { effects, outcomes, text, times, until } from '../observe.mjs'
import { board } from '../work/board.mjs'

/** @typedef {import('../types.js').Play['play']} Playing */

const TASKS = 5

/** @type {(how: 'stop' | 'stopNow') => Playing} */
const stopping = (how) => async (library, surroundings) => {
  const queue = await library.open({ concurrency: 2 }, surroundings)
  const counts = outcomes(times(TASKS, () => queue.add('hold', { until: 1 })))
  await until(() => board.running === 2)
  await effects(library)
  const stopped = queue[how]?.()
  const newcomer = outcomes([queue.add('hold', { until: 1 })])
  await effects(library)
  board.open(1)
  await stopped
  await effects(library)
  const kept = await queue.kept?.()
  await queue.end?.()
  return {
    text: text(
      `${counts.fulfilled} of ${TASKS} done`,
      counts.rejected > 0 && `${counts.rejected} rejected`,
      kept !== undefined && `${kept - newcomer.pending} kept for the next process`,
      kept === undefined && counts.pending > 0 && `${counts.pending} never settled`,
      `a newcomer was ${newcomer.rejected > 0 ? 'refused' : newcomer.fulfilled > 0 ? 'accepted and done' : 'accepted, and never settled'}`
    )
  }
}

/** @type {import('../types.js').Play} */
export const stop = {
  title: 'A stop that lets accepted work end',
  what: 'Two tasks run and three are queued. The queue is asked to finish, then a sixth task is added.',
  play: stopping('stop')
}

/** @type {import('../types.js').Play} */
export const stopNow = {
  title: 'A stop that drops what is queued',
  what: 'Two tasks run and three are queued. What runs may end, what is queued is dropped; then a sixth task is added.',
  play: stopping('stopNow')
}
