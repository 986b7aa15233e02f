/** A queue filled with very many trivial tasks, and what empties it. */
import { noop } from '../queues/contenders.mjs'
import { pools } from '../queues/library.mjs'

/** @type {Readonly<Record<string, (tasks: number, dist: string) => Promise<() => unknown>>>} */
export const crowds = {
  'coatcheck, run': async (tasks, dist) => {
    const pool = await filled(tasks, dist)
    return () => pool.start().drain()
  },
  'coatcheck, stop': async (tasks, dist) => {
    const pool = await filled(tasks, dist)
    return () => pool.start().stop({ graceMs: 0 })
  },
  'fastq.promise, run': async (tasks) => {
    const { default: fastq } = await import('fastq')
    const queue = fastq.promise(noop, 10)
    queue.pause()
    for (let n = 0; n < tasks; n++) void queue.push(undefined)
    return () => {
      queue.resume()
      return queue.drained()
    }
  },
  'async.queue, run': async (tasks) => {
    const { default: async } = await import('async')
    const queue = async.queue(noop, 10)
    queue.pause()
    for (let n = 0; n < tasks; n++) void queue.push(undefined)
    return async () => {
      const empty = queue.drain()
      queue.resume()
      await empty
    }
  },
  'p-queue, run': async (tasks) => {
    const { default: PQueue } = await import('p-queue')
    const queue = new PQueue({ concurrency: 10, autoStart: false })
    for (let n = 0; n < tasks; n++) void queue.add(noop)
    return () => {
      queue.start()
      return queue.onIdle()
    }
  }
}

/** @type {(tasks: number, dist: string) => Promise<import('coatcheck').WorkerPool>} */
async function filled(tasks, dist) {
  const pool = (await pools(dist))()
  for (let n = 0; n < tasks; n++) pool.queueTask(noop)
  return pool
}
