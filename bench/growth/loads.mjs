/** Queues that are filled while nothing runs, and then emptied. */
import { noop } from '../queues/contenders.mjs'
import { pools } from '../queues/library.mjs'

/**
 * @typedef {object} Filled One queue for one run.
 * @property {(n: number) => unknown} queue queues the nth task
 * @property {() => unknown} leave runs them all, or cancels them all
 * @property {() => unknown} [end]
 */

/**
 * @typedef {object} Load
 * @property {string} contender
 * @property {string} order in which tasks leave
 * @property {(dist: string) => Promise<(size: number) => Filled>} prepare
 * @property {number} [most] queued tasks, where more would take minutes
 * @property {'leave'} [judged] what must not grow, where it is not the whole from queueing to end
 */

/**
 * @typedef {(n: number, size: number) => import('coatcheck').TaskOptions | undefined} OptionsOf
 * @typedef {Partial<import('coatcheck').WorkerPoolOptions>} PoolOptions
 */

/** @type {(options: OptionsOf, common?: PoolOptions) => Load['prepare']} */
const pool = (options, common) => async (dist) => {
  const newPool = await pools(dist, { captureContext: false, ...common })
  return (size) => {
    const pool = newPool()
    const given = Array.from({ length: size }, (_, n) => options(n, size))
    return {
      queue: (n) => pool.queueTask(noop, given[n]),
      leave: () => pool.start().drain(),
      end: () => pool.stop({ graceMs: 0 })
    }
  }
}

/** @type {Load['prepare']} */
const canceled = async (dist) => {
  const newPool = await pools(dist, { captureContext: false })
  return (size) => {
    const pool = newPool()
    /** @type {{ cancel: () => boolean }[]} */
    const tasks = Array.from({ length: size }, () => ({ cancel: () => true }))
    const middle = size >> 1
    return {
      queue: (n) => {
        tasks[n] = pool.queueTask(noop)
      },
      leave: () => {
        for (let n = middle; n < size; n++) tasks[n]?.cancel()
        for (let n = middle - 1; n >= 0; n--) tasks[n]?.cancel()
      },
      end: () => pool.stop({ graceMs: 0 })
    }
  }
}

/** Each task goes to another priority, from the middle outwards, before any runs. @type {Load['prepare']} */
const reprioritized = async (dist) => {
  const newPool = await pools(dist, { captureContext: false })
  return (size) => {
    const pool = newPool()
    /** @type {{ reprioritize: (priority: number) => boolean }[]} */
    const tasks = Array.from({ length: size }, () => ({ reprioritize: () => true }))
    const middle = size >> 1
    return {
      queue: (n) => {
        tasks[n] = pool.queueTask(noop)
      },
      leave: () => {
        for (let n = middle; n < size; n++) tasks[n]?.reprioritize(1 + (n % 10))
        for (let n = middle - 1; n >= 0; n--) tasks[n]?.reprioritize(1 + (n % 10))
        return pool.start().drain()
      },
      end: () => pool.stop({ graceMs: 0 })
    }
  }
}

const FIFO = 'first in, first out'
const PRIORITIES = 'ten priorities'
const KEYS = 'a thousand keys in turn'
const CANCEL = 'canceled from the middle outwards'
const DELAYS = 'delayed by up to ten milliseconds'
const MOVES = 'moved to ten priorities, from the middle outwards'
const WEIGHTS = 'ten weights'
const KEY_RATES = 'ten tasks of each key, one per millisecond'

export const COATCHECK = 'coatcheck'
/** Those with a budget. */
export const ORDERS = [FIFO, PRIORITIES, KEYS, CANCEL]

/** @type {readonly Load[]} */
export const loads = [
  { contender: COATCHECK, order: FIFO, prepare: pool(() => undefined) },
  {
    contender: 'fastq.promise',
    order: FIFO,
    prepare: async () => {
      const { default: fastq } = await import('fastq')
      return () => {
        const queue = fastq.promise(noop, 10)
        queue.pause()
        return {
          queue: () => queue.push(undefined),
          leave: () => {
            queue.resume()
            return queue.drained()
          }
        }
      }
    }
  },
  { contender: COATCHECK, order: PRIORITIES, prepare: pool((n) => ({ priority: n % 10 })) },
  {
    contender: 'async.priorityQueue',
    order: PRIORITIES,
    prepare: async () => {
      const { default: async } = await import('async')
      return () => {
        const queue = async.priorityQueue(noop, 10)
        queue.pause()
        return {
          queue: (n) => queue.push(undefined, n % 10),
          leave: async () => {
            const empty = queue.drain()
            queue.resume()
            await empty
          }
        }
      }
    }
  },
  {
    contender: 'p-queue',
    order: PRIORITIES,
    most: 100_000,
    prepare: async () => {
      const { default: PQueue } = await import('p-queue')
      return () => {
        const queue = new PQueue({ concurrency: 10, autoStart: false })
        return {
          queue: (n) => queue.add(noop, { priority: n % 10 }),
          leave: () => {
            queue.start()
            return queue.onIdle()
          }
        }
      }
    }
  },
  {
    contender: COATCHECK,
    order: KEYS,
    prepare: pool((n) => ({ key: `customer-${n % 1_000}` }))
  },
  { contender: COATCHECK, order: CANCEL, judged: 'leave', prepare: canceled },
  { contender: COATCHECK, order: DELAYS, prepare: pool((n) => ({ delayMs: 1 + (n % 10) })) },
  { contender: COATCHECK, order: MOVES, prepare: reprioritized },
  {
    contender: COATCHECK,
    order: WEIGHTS,
    prepare: pool((n) => ({ weight: 1 + (n % 10) }), { weightCapacity: 100_000_000 })
  },
  {
    contender: COATCHECK,
    order: KEY_RATES,
    prepare: pool((n, size) => ({ key: `customer-${n % Math.ceil(size / 10)}` }), {
      perKey: { rateLimit: { starts: 1, intervalMs: 1 } }
    })
  }
]
