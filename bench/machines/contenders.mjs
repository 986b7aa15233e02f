/** Pools over one Redis: how tasks are queued, and how they are run by a new worker until none is left. */
import { Queue, Worker } from 'bullmq'

/** @typedef {import('coatcheck/bullmq')} Library */

/** The connections of plain BullMQ: those of a server that waits for its Redis. @type {(socket: string) => object} */
const connectionTo = (socket) => ({ path: socket, maxRetriesPerRequest: null })

/**
 * @typedef {object} Contender
 * @property {() => Promise<unknown>} queue one task that does nothing
 * @property {(tasks: number) => Promise<() => Promise<unknown>>} drain starts a worker and waits until it has run so many; answers how to end it
 * @property {() => Promise<unknown>} end
 */

/** @typedef {{ socket: string, concurrency: number, library: Library }} Place */

const INPUT = { url: 'https://example.com/picture.png', width: 200 }

/** As many as a pool retains by default. */
const KEPT = { removeOnComplete: { count: 1_000, age: 600 }, removeOnFail: { count: 1_000, age: 600 } }

/** @type {(name: string, options: object, place: Place) => Promise<Contender>} */
const plain = async (name, options, { socket, concurrency }) => {
  const connection = connectionTo(socket)
  const queue = new Queue(name, { connection, prefix: 'plain' })
  await queue.waitUntilReady()
  return {
    queue: () => queue.add('resize', INPUT, { ...KEPT, ...options }),
    drain: async (tasks) => {
      const worker = new Worker(name, async () => {}, { connection, prefix: 'plain', concurrency })
      let left = tasks
      await new Promise((resolve) => worker.on('completed', () => --left === 0 && resolve(undefined)))
      return () => worker.close()
    },
    end: () => queue.close()
  }
}

/** @type {(place: Place) => Promise<Contender>} */
const shared = async ({ socket, concurrency, library }) => {
  const open = () =>
    library.sharedPool({
      ...{ name: 'shared', connection: { path: socket }, concurrency, queueCapacity: 1_000_000 },
      handlers: { resize: async (/** @type {object} */ _input) => {} }
    })
  const pool = await open()
  return {
    queue: () => pool.queueTask('resize', INPUT),
    drain: async (tasks) => {
      const worker = await open()
      let left = tasks
      const done = new Promise((resolve) => worker.on('settled', () => --left === 0 && resolve(undefined)))
      worker.start()
      await done
      return () => worker.stop({ graceMs: 0 })
    },
    end: () => pool.stop({ graceMs: 0 })
  }
}

/** The first is what the others are compared with. @type {Readonly<Record<string, (place: Place) => Promise<Contender>>>} */
export const contenders = {
  'BullMQ, Queue and Worker': (place) => plain('plain', {}, place),
  'the same with a priority': (place) => plain('priority', { priority: 2 ** 20 }, place),
  sharedPool: shared
}
