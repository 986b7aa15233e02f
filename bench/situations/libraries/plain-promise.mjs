import { works } from '../work/works.mjs'

/** @type {import('../types.js').Library} */
export const plainPromise = {
  name: 'a plain promise',
  latencyMs: 0,
  uses: {
    full: 'a call',
    restart: 'a call',
    failure: 'a call without `await`',
    context: 'a call'
  },
  lacks: {
    sharedSignal: 'no queue that could be given one',
    waiting: 'nothing to wait for: every call runs at once',
    timeLimit: 'no time limit',
    cancel: 'no cancel: a promise only reports',
    stop: 'nobody knows what runs',
    stopNow: 'nobody knows what runs',
    listener: 'no events',
    sameId: 'no ids',
    priorities: 'no queue'
  },
  open: () => {
    /** @type {import('../types.js').Queue['add']} */
    const add = (work, input, { signal } = {}) => works[work](input, signal)
    return {
      add,
      forget: async (work, input) => {
        void add(work, input)
      }
    }
  }
}
