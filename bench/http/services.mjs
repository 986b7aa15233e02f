/**
 * A service whose every request brings 100 KB that a worker needs for 50 ms: ten workers can do 200 a second. What is
 * compared is where the requests go that come beyond that.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { library, pools } from '../queues/library.mjs'

export const WORKERS = 10
export const TASK_MS = 50
const BYTES = 100_000

export const UNBOUNDED = 'fastq.promise, unbounded'
export const ALSO_UNBOUNDED = 'p-queue, unbounded'
export const BOUNDED = 'coatcheck, 10 workers and 100 waiting'

/** @typedef {(task: () => Promise<unknown>) => boolean} Accept Queues a task; false when it is refused. */

/** @type {Readonly<Record<string, (dist: string) => Promise<Accept>>>} */
export const services = {
  [UNBOUNDED]: async () => {
    const { default: fastq } = await import('fastq')
    const queue = fastq.promise((/** @type {() => Promise<unknown>} */ task) => task(), WORKERS)
    return (task) => {
      void queue.push(task)
      return true
    }
  },

  [ALSO_UNBOUNDED]: async () => {
    const { default: PQueue } = await import('p-queue')
    const queue = new PQueue({ concurrency: WORKERS })
    return (task) => {
      void queue.add(task)
      return true
    }
  },

  [BOUNDED]: async (dist) => {
    const { QueueFullError } = await library(dist)
    const pool = (await pools(dist))({ concurrency: WORKERS, queueCapacity: 100 }).start()
    return (task) => {
      try {
        pool.queueTask(task)
        return true
      } catch (error) {
        if (error instanceof QueueFullError) return false
        throw error
      }
    }
  }
}

/** Holds what the request brought for as long as its work takes. */
/** @type {(brought: Buffer) => Promise<number>} */
export const work = async (brought) => {
  await delay(TASK_MS)
  return brought.length
}

export const bring = () => Buffer.alloc(BYTES, 1)
