/** The queues that are compared, each behind the same few calls. All run no-op async tasks, ten at a time. */
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

/**
 * @typedef {object} Queue One queue, made for one repeat.
 * @property {() => Promise<unknown>} push queues a task; the promise is that of its result
 * @property {() => unknown} forget queues a task that nobody looks at again
 * @property {() => Promise<unknown>} drained resolves when the queue is empty and nothing runs
 * @property {() => unknown} end gives back what the queue holds
 */

export const CONCURRENCY = 10

/** The task of every measurement: what is left is the queue's own cost. */
export const noop = async () => {}

/**
 * The built library of a `dist` folder.
 *
 * @type {(dist: string) => Promise<typeof import('coatcheck')>}
 */
export const library = (dist) => import(pathToFileURL(join(dist, 'index.js')).href)

/**
 * A started pool that has room for every task of a measurement.
 *
 * @param {string} dist
 * @returns {Promise<(options?: Partial<import('coatcheck').WorkerPoolOptions>) => import('coatcheck').WorkerPool>}
 */
export const pools = async (dist) => {
  const { WorkerPool } = await library(dist)
  return (options) => new WorkerPool({ concurrency: CONCURRENCY, queueCapacity: 10_000_000, ...options }).start()
}

/** @type {(pool: import('coatcheck').WorkerPool) => Queue} */
const plain = (pool) => ({
  push: () => pool.queueTask(noop).result(),
  forget: () => pool.queueTask(noop),
  drained: () => pool.drain(),
  end: () => pool.stop()
})

/**
 * What makes a contender ready, by name: a function that is given the `dist` folder and answers one that makes queues.
 *
 * @type {Readonly<Record<string, (dist: string) => Promise<() => Queue>>>}
 */
export const contenders = {
  'fastq.promise': async () => {
    const { default: fastq } = await import('fastq')
    return () => {
      const queue = fastq.promise(noop, CONCURRENCY)
      const push = () => queue.push(undefined)
      return { push, forget: push, drained: () => queue.drained(), end: () => queue.kill() }
    }
  },

  'coatcheck, captureContext: false': async (dist) => {
    const newPool = await pools(dist)
    return () => plain(newPool({ captureContext: false }))
  },

  coatcheck: async (dist) => {
    const newPool = await pools(dist)
    return () => plain(newPool())
  },

  'coatcheck, id read': async (dist) => {
    const newPool = await pools(dist)
    return () => {
      const pool = newPool()
      const ticket = () => {
        const task = pool.queueTask(noop)
        if (task.id === '') throw new Error('A task without a ticket.')
        return task
      }
      return { push: () => ticket().result(), forget: ticket, drained: () => pool.drain(), end: () => pool.stop() }
    }
  }
}
