import { works } from '../work/works.mjs'

/** @type {import('../types.js').Library} */
export const bottleneck = {
  name: 'bottleneck',
  package: 'bottleneck',
  latencyMs: 1_000,
  most: 2_000,
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
  open: async ({ concurrency, room, timeoutMs }) => {
    const { default: Bottleneck } = await import('bottleneck')
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
      queued: () => limiter.counts().QUEUED,
      onEnd: (listener) => limiter.on('done', listener),
      onError: (listener) => limiter.on('error', listener),
      stop: () => limiter.stop({ dropWaitingJobs: false }),
      stopNow: () => limiter.stop({ dropWaitingJobs: true })
    }
  }
}
