import Bottleneck from 'bottleneck'
import { works } from '../work/works.mjs'

/** @type {import('../types.js').Library} */
export const bottleneck = {
  name: 'bottleneck',
  package: 'bottleneck',
  latencyMs: 50,
  most: 10_000,
  uses: {
    full: '`highWater`, `strategy: OVERFLOW`',
    timeLimit: '`expiration`',
    stop: '`stop({ dropWaitingJobs: false })`',
    stopNow: '`stop({ dropWaitingJobs: true })`',
    restart: '`schedule`, no Redis',
    failure: '`schedule`',
    listener: "`on('done')`",
    sameId: '`id`',
    priorities: '`priority`',
    context: '`schedule`'
  },
  lacks: {
    sharedSignal: 'no signal',
    waiting: 'no wait for room; `strategy` decides what is dropped, and the events `empty` and `idle` report',
    cancel: 'no cancel and no signal'
  },
  open: ({ concurrency, room, timeoutMs }) => {
    const bound = room === undefined ? {} : { highWater: room, strategy: Bottleneck.strategy.OVERFLOW }
    const limiter = new Bottleneck({ maxConcurrent: concurrency, ...bound })
    const limit = timeoutMs === undefined ? {} : { expiration: timeoutMs }
    /** @type {import('../types.js').Queue['add']} */
    const add = (work, input, { id, priority = 4, signal } = {}) => {
      const options = { ...limit, ...(id === undefined ? {} : { id }), priority: 9 - priority }
      return limiter.schedule(options, () => works[work](input, signal))
    }
    return {
      add,
      forget: async (work, input, options) => {
        void add(work, input, options)
      },
      onEnd: (listener) => limiter.on('done', listener),
      stop: () => limiter.stop({ dropWaitingJobs: false }),
      stopNow: () => limiter.stop({ dropWaitingJobs: true })
    }
  }
}
