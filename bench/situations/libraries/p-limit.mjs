import { works } from '../work/works.mjs'

/** @type {import('../types.js').Library} */
export const pLimited = {
  name: 'p-limit',
  package: 'p-limit',
  latencyMs: 20,
  uses: {
    full: 'a call',
    stopNow: '`rejectOnClear`, `clearQueue()`',
    restart: 'a call',
    failure: 'a call',
    context: 'a call'
  },
  lacks: {
    sharedSignal: 'no signal',
    waiting: 'no wait for room; `pendingCount` can be read',
    timeLimit: 'no time limit',
    cancel: 'no cancel and no signal; `clearQueue` is for queued calls',
    stop: 'no wait for the end of all calls, and none to close it',
    listener: 'no events',
    sameId: 'no ids',
    priorities: 'no priorities'
  },
  open: async ({ concurrency }) => {
    const { default: pLimit } = await import('p-limit')
    const limit = pLimit({ concurrency, rejectOnClear: true })
    /** @type {import('../types.js').Queue['add']} */
    const add = (work, input, { signal } = {}) => limit(() => works[work](input, signal))
    return {
      add,
      forget: async (work, input) => {
        void add(work, input)
      },
      stopNow: async () => limit.clearQueue()
    }
  }
}
