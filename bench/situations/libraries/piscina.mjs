import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { times } from '../observe.mjs'
import { board } from '../work/board.mjs'

const filename = fileURLToPath(new URL('piscina-thread.mjs', import.meta.url))

/** @type {import('../types.js').Library} */
export const piscina = {
  name: 'piscina',
  package: 'piscina',
  latencyMs: 300,
  uses: {
    full: '`maxQueue`',
    waiting: '`needsDrain`, the event `drain`, then `run`, with `maxQueue: 1`',
    timeLimit: '`signal: AbortSignal.timeout(20)`',
    cancel: '`signal`',
    stop: '`close()`',
    stopNow: '`close({ force: true })`',
    restart: '`run`',
    failure: '`run`',
    listener: "`on('drain')`",
    sharedSignal: '`signal`',
    context: '`run`'
  },
  lacks: {
    sameId: 'no ids',
    priorities: 'no priorities; `taskQueue` takes a queue of your own'
  },
  open: async ({ concurrency, room, timeoutMs }) => {
    const { Piscina } = await import('piscina')
    const pool = new Piscina({
      ...{ filename, minThreads: concurrency, maxThreads: concurrency, concurrentTasksPerWorker: 1 },
      ...{ workerData: board.shared, ...(room === undefined ? {} : { maxQueue: room }) }
    })
    const watched = new Set()
    const watch = () => {
      for (const thread of pool.threads) {
        if (watched.has(thread)) continue
        watched.add(thread)
        const { threadId } = thread
        thread.once('exit', () => board.lose(threadId))
      }
    }
    pool.on('workerCreate', watch)
    watch()
    await Promise.all(times(concurrency, () => pool.run({ work: 'note', input: {} }))) // the threads have started
    board.clear()
    /** @type {import('../types.js').Queue['add']} */
    const add = (work, input, { signal } = {}) => {
      const limit = timeoutMs === undefined ? signal : AbortSignal.timeout(timeoutMs)
      return pool.run({ work, input }, limit === undefined ? {} : { signal: limit })
    }
    return {
      add,
      forget: async (work, input) => {
        void add(work, input)
      },
      addWhenFree: async (work, input) => {
        if (pool.needsDrain) await once(pool, 'drain')
        return { result: add(work, input) }
      },
      addCancelable: async (work, input) => {
        const controller = new AbortController()
        return { result: add(work, input, { signal: controller.signal }), cancel: () => controller.abort() }
      },
      onEnd: (listener) => pool.on('drain', listener),
      stop: () => pool.close(),
      stopNow: () => pool.close({ force: true })
    }
  }
}
