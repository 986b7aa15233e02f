import { effects, outcomes, text, times, until } from '../observe.mjs'
import { board } from '../work/board.mjs'

/** @typedef {import('../types.js').Play['play']} Playing */

const TASKS = 5

/** @type {(newcomer: ReturnType<typeof outcomes>, kept: boolean) => string} */
const fateOf = ({ rejected, fulfilled }, kept) => {
  if (rejected > 0) return 'refused'
  if (fulfilled > 0) return 'accepted and done'
  return kept ? 'accepted and kept' : 'accepted, and never settled'
}

/** @type {(how: 'stop' | 'stopNow') => Playing} */
const stopping = (how) => async (library, surroundings) => {
  const queue = await library.open({ concurrency: 2 }, surroundings)
  const counts = outcomes(times(TASKS, (n) => queue.add('hold', { until: n === 0 ? 1 : 2 })))
  await until(() => board.running === 2)
  await effects(library)
  const stopped = queue[how]?.()
  const newcomer = outcomes([queue.add('hold', { until: 2 })])
  await effects(library)
  board.open(1)
  await effects(library)
  board.open(2)
  await stopped
  await effects(library)
  const kept = (await queue.kept?.()) === counts.pending + newcomer.pending
  await queue.end?.()
  return {
    text: text(
      `${counts.fulfilled} of ${TASKS} done`,
      counts.rejected > 0 && `${counts.rejected} rejected`,
      counts.pending > 0 && `${counts.pending} ${kept ? 'kept for the next process' : 'never settled'}`,
      `a newcomer was ${fateOf(newcomer, kept)}`
    )
  }
}

/** @type {import('../types.js').Play} */
export const stop = {
  title: 'A stop that lets accepted work end',
  what: 'Two tasks run and three are queued. The queue is asked to finish, then a sixth task is added. The tasks end one after the other.',
  runs: 10,
  mayEndProcess: true,
  play: stopping('stop')
}

/** @type {import('../types.js').Play} */
export const stopNow = {
  title: 'A stop that drops what is queued',
  what: 'Two tasks run and three are queued. What runs may end, what is queued is dropped; then a sixth task is added. The tasks end one after the other.',
  play: stopping('stopNow')
}
