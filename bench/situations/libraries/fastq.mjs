import { works } from '../work/works.mjs'

/** @typedef {import('../types.js').Input} Input */
/** @typedef {{ work: import('../types.js').Work, input: Input, signal?: AbortSignal | undefined }} Job */

/** @type {import('../types.js').Library} */
export const fastQueue = {
  name: 'fastq',
  package: 'fastq',
  latencyMs: 20,
  uses: {
    full: '`push`',
    stop: '`drained()`',
    stopNow: '`abort()`',
    restart: '`push`',
    failure: '`push`',
    listener: '`drain`',
    context: '`push`'
  },
  lacks: {
    sharedSignal: 'no signal',
    waiting:
      'no wait for room; `saturated`, `empty` and `drain` report, and `drained()` waits for the end of all tasks',
    timeLimit: 'no time limit',
    cancel: 'no cancel and no signal; `kill` and `abort` are for queued tasks',
    sameId: 'no ids',
    priorities: 'no priorities; `unshift` puts a task first'
  },
  open: async ({ concurrency }) => {
    const { default: fastq } = await import('fastq')
    const queue = fastq.promise((/** @type {Job} */ { work, input, signal }) => works[work](input, signal), concurrency)
    return {
      add: (work, input, { signal } = {}) => queue.push({ work, input, signal }),
      forget: async (work, input) => {
        void queue.push({ work, input })
      },
      onEnd: (listener) => {
        queue.drain = listener
      },
      stop: () => queue.drained(),
      stopNow: async () => queue.abort()
    }
  }
}
