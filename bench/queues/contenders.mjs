/** The queues that are compared, behind the same three calls. All of them run no-op async tasks, ten at a time. */
import { fileURLToPath } from 'node:url'
import { floor } from './floor.mjs'
import { pools } from './library.mjs'

/**
 * @typedef {object} Queue One queue, for all repeats of a process.
 * @property {() => Promise<unknown>} push queues a task; the promise is that of its result
 * @property {() => unknown} forget queues a task that nobody looks at again
 * @property {() => unknown} end gives back what the queue holds
 */

/**
 * @typedef {object} Contender
 * @property {(dist: string) => Promise<() => Queue>} prepare answers what makes a queue; `dist` holds the built library
 * @property {number} [tasks] as many as it gets through in a second or two, where it is very slow
 */

export const CONCURRENCY = 10

/** The task of every measurement: what is left is the queue's own cost. */
export const noop = async () => {}

export const YARDSTICK = 'fastq.promise'
export const NO_CONTEXT = 'coatcheck, captureContext: false'
export const DEFAULTS = 'coatcheck'
export const ID_READ = 'coatcheck, id read'
export const FLOOR = 'the floor: a list and a promise'

/** @type {(push: () => Promise<unknown>, end?: () => unknown) => Queue} */
const byPromise = (push, end = () => {}) => ({ push, forget: push, end })

/** @type {(dist: string, options?: Partial<import('coatcheck').WorkerPoolOptions>) => Promise<() => Queue>} */
const byTask = async (dist, options) => {
  const newPool = await pools(dist, { concurrency: CONCURRENCY, ...options })
  return () => {
    const pool = newPool().start()
    return {
      push: () => pool.queueTask(noop).result(),
      forget: () => pool.queueTask(noop),
      end: () => pool.stop({ graceMs: 0 })
    }
  }
}

/** In the order in which they are shown. @type {Readonly<Record<string, Contender>>} */
export const contenders = {
  [NO_CONTEXT]: { prepare: (dist) => byTask(dist, { captureContext: false }) },

  [DEFAULTS]: { prepare: (dist) => byTask(dist) },

  [ID_READ]: {
    prepare: async (dist) => {
      const newPool = await pools(dist, { concurrency: CONCURRENCY })
      return () => {
        const pool = newPool().start()
        const ticket = () => {
          const task = pool.queueTask(noop)
          if (task.id === '') throw new Error('A task without a ticket.')
          return task
        }
        return { push: () => ticket().result(), forget: ticket, end: () => pool.stop({ graceMs: 0 }) }
      }
    }
  },

  [YARDSTICK]: {
    prepare: async () => {
      const { default: fastq } = await import('fastq')
      return () => {
        const queue = fastq.promise(noop, CONCURRENCY)
        return byPromise(
          () => queue.push(undefined),
          () => queue.kill()
        )
      }
    }
  },

  'async.queue': {
    prepare: async () => {
      const { default: async } = await import('async')
      return () => {
        const queue = async.queue(noop, CONCURRENCY)
        return byPromise(
          () => queue.pushAsync(undefined),
          () => queue.kill()
        )
      }
    }
  },

  'p-limit': {
    prepare: async () => {
      const { default: pLimit } = await import('p-limit')
      return () => {
        const limit = pLimit(CONCURRENCY)
        return byPromise(() => limit(noop))
      }
    }
  },

  'p-queue': {
    prepare: async () => {
      const { default: PQueue } = await import('p-queue')
      return () => {
        const queue = new PQueue({ concurrency: CONCURRENCY })
        return byPromise(() => queue.add(noop))
      }
    }
  },

  bottleneck: {
    tasks: 300,
    prepare: async () => {
      const { default: Bottleneck } = await import('bottleneck')
      return () => {
        const limiter = new Bottleneck({ maxConcurrent: CONCURRENCY })
        return byPromise(
          () => limiter.schedule(noop),
          () => limiter.stop()
        )
      }
    }
  },

  'piscina, one thread': {
    tasks: 2_000,
    prepare: async () => {
      const { Piscina } = await import('piscina')
      const filename = fileURLToPath(new URL('noop-thread.mjs', import.meta.url))
      return () => {
        const threads = { minThreads: 1, maxThreads: 1, concurrentTasksPerWorker: CONCURRENCY }
        const pool = new Piscina({ filename, ...threads })
        return byPromise(
          () => pool.run(undefined),
          () => pool.destroy()
        )
      }
    }
  },

  [FLOOR]: {
    prepare: async () => () => {
      const push = floor(CONCURRENCY, 1 << 20)
      return byPromise(() => push(noop))
    }
  }
}

/** Those whose tasks cost so much that they would only warm the room for the others: they are measured apart. */
export const slow = Object.keys(contenders).filter((name) => contenders[name]?.tasks !== undefined)
