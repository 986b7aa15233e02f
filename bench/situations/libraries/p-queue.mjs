import { works } from '../work/works.mjs'

/** @type {import('../types.js').Library} */
export const pQueue = {
  name: 'p-queue',
  package: 'p-queue',
  latencyMs: 20,
  uses: {
    full: '`add`',
    waiting: '`onSizeLessThan(1)`, then `add`',
    timeLimit: '`timeout`',
    cancel: '`signal`',
    stop: '`onIdle()`',
    stopNow: '`pause()`, `clear()`, `onPendingZero()`',
    restart: '`add`',
    failure: '`add`',
    listener: "`on('completed')`",
    sameId: '`id`',
    priorities: '`priority`',
    sharedSignal: '`signal`',
    context: '`add`'
  },
  lacks: {},
  open: async ({ concurrency, room = 1, timeoutMs }) => {
    const { default: PQueue } = await import('p-queue')
    const queue = new PQueue({ concurrency, ...(timeoutMs === undefined ? {} : { timeout: timeoutMs }) })
    /** @type {import('../types.js').Queue['add']} */
    const add = (work, input, options) => queue.add(({ signal }) => works[work](input, signal ?? undefined), options)
    return {
      add,
      forget: async (work, input, options) => {
        void add(work, input, options)
      },
      addWhenFree: async (work, input) => {
        await queue.onSizeLessThan(room)
        return { result: add(work, input) }
      },
      addCancelable: async (work, input) => {
        const controller = new AbortController()
        return { result: add(work, input, { signal: controller.signal }), cancel: () => controller.abort() }
      },
      onEnd: (listener) => queue.on('completed', listener),
      onError: (listener) => queue.on('error', listener),
      stop: () => queue.onIdle(),
      stopNow: () => {
        queue.pause()
        queue.clear()
        return queue.onPendingZero()
      }
    }
  }
}
