import { works } from '../work/works.mjs'

/** @typedef {import('../types.js').Input} Input */
/** @typedef {{ work: import('../types.js').Work, input: Input, signal?: AbortSignal | undefined }} Job */

/** `async.queue`, and `async.priorityQueue` where there are priorities. @type {import('../types.js').Library} */
export const asyncQueue = {
  name: 'async.queue',
  package: 'async',
  latencyMs: 20,
  uses: {
    full: '`pushAsync`',
    waiting: '`unsaturated()`, then `pushAsync`',
    timeLimit: '`async.timeout`',
    stop: '`drain()`',
    stopNow: '`kill()`',
    restart: '`push`',
    failure: '`push`',
    listener: '`drain(listener)`',
    priorities: '`async.priorityQueue`',
    context: '`pushAsync`'
  },
  lacks: {
    sharedSignal: 'no signal',
    cancel: 'no cancel and no signal; `remove` and `kill` are for queued tasks',
    sameId: 'no ids'
  },
  open: async ({ concurrency, timeoutMs, prioritized = false }) => {
    const { default: async } = await import('async')
    const run = async (/** @type {Job} */ { work, input, signal }) => works[work](input, signal)
    /** @type {import('async').AsyncWorker<Job, Error>} */
    const worker =
      timeoutMs === undefined ? run : /** @type {any} */ (async.timeout(/** @type {any} */ (run), timeoutMs))
    const queue = async.queue(worker, concurrency)
    const byPriority = async.priorityQueue(worker, concurrency)
    return {
      add: (work, input, { signal } = {}) => queue.pushAsync({ work, input, signal }),
      forget: async (work, input, { priority = 0 } = {}) => {
        if (prioritized) void byPriority.push({ work, input }, -priority)
        else void queue.push({ work, input })
      },
      addWhenFree: async (work, input) => {
        await queue.unsaturated()
        return { result: queue.pushAsync({ work, input }) }
      },
      onEnd: (listener) => queue.drain(listener),
      stop: () => queue.drain(),
      stopNow: async () => queue.kill()
    }
  }
}
