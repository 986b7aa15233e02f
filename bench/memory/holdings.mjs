/** What is held in memory for each task: queued behind tasks that never end, or settled and kept for look-up. */
import { AsyncLocalStorage } from 'node:async_hooks'
import { CONCURRENCY, DEFAULTS, FLOOR, ID_READ, NO_CONTEXT, noop, YARDSTICK } from '../queues/contenders.mjs'
import { floor } from '../queues/floor.mjs'
import { pools } from '../queues/library.mjs'

export const ACTIVE = 'coatcheck, an AsyncLocalStorage active'

/** Makes the memory grow by so many tasks, and answers what keeps them. */
/** @typedef {(count: number, dist: string) => Promise<(count: number) => unknown>} Holding */

/** One function for all tasks: a closure of its own costs each task the same with every queue. */
const never = () => new Promise(() => {})

/** @typedef {import('coatcheck').Task<unknown>} Task */

/**
 * @param {{ captureContext: boolean, active?: boolean, look?: (task: Task) => unknown }} how
 * @returns {Holding}
 */
const queued =
  ({ captureContext, active = false, look }) =>
  async (most, dist) => {
    const newPool = await pools(dist, { concurrency: CONCURRENCY, captureContext })
    const pool = newPool().start()
    const looks = new Array(look === undefined ? 0 : most)
    let next = 0
    /** @type {(count: number) => unknown} */
    const fill = (count) => {
      for (let n = 0; n < count; n++) {
        const task = pool.queueTask(never)
        if (look !== undefined) looks[next++] = look(task)
      }
      return { pool, looks }
    }
    return active ? (count) => new AsyncLocalStorage().run({}, fill, count) : fill
  }

const none = { captureContext: false }
const defaults = { captureContext: true }
const active = { captureContext: true, active: true }

/** @type {(task: Task) => void} */
const readId = (task) => void task.id

/** @type {(task: Task) => unknown} */
const askSettled = (task) => task.settled()

/** Retained with their tickets. @param {() => unknown} run @param {(task: Task) => unknown} look @returns {Holding} */
const kept = (run, look) => async (most, dist) => {
  const newPool = await pools(dist, { captureContext: false, retention: { count: 2 * most, ms: 3_600_000 } })
  const pool = newPool().start()
  return async (count) => {
    const tasks = []
    for (let n = 0; n < count; n++) {
      const task = pool.queueTask(run)
      readId(task)
      tasks.push(task)
    }
    await pool.drain()
    for (const task of tasks) look(task)
    return pool
  }
}

/** A result of a thousand characters: a string of its own for each task. */
const text = () => Buffer.alloc(1_000, 'result ').toString('latin1')

export const KEPT = `${NO_CONTEXT}, kept after its end, id read`
export const KEPT_RESULT = `${KEPT}, with a result of 1,000 bytes`
export const KEPT_RECORD = `${KEPT_RESULT}, status read`

/** @param {() => Promise<() => unknown>} prepare answers what queues one task @returns {Holding} */
const each = (prepare) => async () => {
  const push = await prepare()
  return (count) => {
    for (let n = 0; n < count; n++) push()
    return push
  }
}

/** A promise that was asked for is kept in one place of an array. @type {Readonly<Record<string, Holding>>} */
export const holdings = {
  [NO_CONTEXT]: queued(none),
  [DEFAULTS]: queued(defaults),
  [ACTIVE]: queued(active),
  [`${NO_CONTEXT}, id read`]: queued({ ...none, look: readId }),
  [ID_READ]: queued({ ...defaults, look: readId }),
  [`${ACTIVE}, id read`]: queued({ ...active, look: readId }),
  [`${NO_CONTEXT}, settled() asked`]: queued({ ...none, look: askSettled }),
  [`${ACTIVE}, settled() asked`]: queued({ ...active, look: askSettled }),
  [KEPT]: kept(noop, () => {}),
  [KEPT_RESULT]: kept(text, () => {}),
  [KEPT_RECORD]: kept(text, (task) => void task.record()),
  fastq: each(async () => {
    const { default: fastq } = await import('fastq')
    const queue = fastq((_, done) => void never().then(done), CONCURRENCY)
    return () => queue.push(undefined, done)
  }),
  [YARDSTICK]: each(async () => {
    const { default: fastq } = await import('fastq')
    const queue = fastq.promise(never, CONCURRENCY)
    return () => queue.push(undefined)
  }),
  'async.queue': each(async () => {
    const { default: async } = await import('async')
    const queue = async.queue(async () => never(), CONCURRENCY)
    return () => queue.pushAsync(undefined)
  }),
  'p-limit': each(async () => {
    const { default: pLimit } = await import('p-limit')
    const limit = pLimit(CONCURRENCY)
    return () => limit(never)
  }),
  'p-queue': each(async () => {
    const { default: PQueue } = await import('p-queue')
    const queue = new PQueue({ concurrency: CONCURRENCY })
    return () => queue.add(never)
  }),
  bottleneck: each(async () => {
    const { default: Bottleneck } = await import('bottleneck')
    const limiter = new Bottleneck({ maxConcurrent: CONCURRENCY })
    return () => limiter.schedule(never)
  }),
  [FLOOR]: each(async () => {
    const push = floor(CONCURRENCY, 1 << 20)
    return () => push(never)
  })
}

function done() {}
