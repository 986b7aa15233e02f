/** How tasks come: the patterns of load by which queues are compared. Each ends when its last task has ended. */
import { CONCURRENCY } from '../queues/contenders.mjs'

const WAVE = 100

/** @typedef {(queue: import('../queues/contenders.mjs').Queue, tasks: number) => Promise<unknown>} Shape */

/** @type {Readonly<Record<string, Shape>>} */
export const shapes = {
  /** All at once, then every result awaited: the queue is as long as it gets. */
  burst: (queue, tasks) => {
    const results = new Array(tasks)
    for (let n = 0; n < tasks; n++) results[n] = queue.push()
    return Promise.all(results)
  },

  /** As many clients as workers; each awaits its result before it asks again: nothing ever waits for a worker. */
  'closed loop': (queue, tasks) => {
    let left = tasks
    const client = async () => {
      while (left-- > 0) await queue.push()
    }
    return Promise.all(Array.from({ length: CONCURRENCY }, client))
  },

  /** A hundred at once, all their results awaited, then the next hundred: a short queue, filled and emptied. */
  waves: async (queue, tasks) => {
    const results = new Array(WAVE)
    for (let done = 0; done < tasks; done += WAVE) {
      for (let n = 0; n < WAVE; n++) results[n] = queue.push()
      await Promise.all(results)
    }
  },

  /** A hundred in each turn of the event loop, none looked at again but the last hundred, as request handlers do. */
  'fire and forget': async (queue, tasks) => {
    for (let done = WAVE; done < tasks; done += WAVE) {
      for (let n = 0; n < WAVE; n++) queue.forget()
      await new Promise((turn) => setImmediate(turn))
    }
    await shapes['burst']?.(queue, WAVE)
  }
}
