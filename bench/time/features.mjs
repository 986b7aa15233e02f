/** The features of a pool, each switched on alone, so that each shows its price. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { noop } from '../queues/contenders.mjs'
import { observed } from './observed.mjs'

/** @typedef {import('coatcheck').TaskOptions} TaskOptions */

/**
 * @typedef {object} Feature What differs from a pool that keeps no context and a task that nobody looks at.
 * @property {Partial<import('coatcheck').WorkerPoolOptions>} [pool]
 * @property {(pool: import('coatcheck').WorkerPool, dist: string) => unknown} [listen] may return how to end it
 * @property {readonly (TaskOptions | undefined)[]} [options] of the tasks, in turn
 * @property {(context: import('coatcheck').TaskContext) => unknown} [run]
 * @property {(task: import('coatcheck').Task) => unknown} [look] what is done with the task when it is queued
 */

export const NOTHING = 'nothing'
export const CONTEXT = 'captureContext'

const { signal } = new AbortController()

/** @type {(count: number, options: (n: number) => TaskOptions) => readonly TaskOptions[]} */
const inTurn = (count, options) => Array.from({ length: count }, (_, n) => options(n))

/** @type {(pool: import('coatcheck').WorkerPool) => () => void} */
const subscribed = (pool) => {
  const name = 'coatcheck:task.settled'
  const take = () => {}
  subscribe(name, take)
  pool.on('stopped', take) // which makes the pool look for subscribers
  return () => void unsubscribe(name, take)
}

/** @type {Readonly<Record<string, Feature>>} */
export const features = {
  [NOTHING]: { run: noop },
  [CONTEXT]: { pool: { captureContext: true } },
  'id read': { look: ({ id }) => id },
  'result() asked': { look: (task) => task.result() },
  'settled() asked': { look: (task) => task.settled() },
  'signal read by the task': { run: async (context) => context.signal.aborted },
  "the caller's signal": { options: [{ signal }] },
  timeoutMs: { options: [{ timeoutMs: 60_000 }] },
  queueTimeoutMs: { options: [{ queueTimeoutMs: 60_000 }] },
  retry: { options: [{ retry: { attempts: 3, backoffMs: 100 } }] },
  'a listener to settled': { listen: (pool) => pool.on('settled', () => {}) },
  'a subscriber to coatcheck:task.settled': { listen: subscribed },
  'observe() with a meter': { listen: (pool, dist) => observed(pool, dist, ['meter']) },
  'observe() with a meter and a tracer': { listen: (pool, dist) => observed(pool, dist, ['meter', 'tracer']) },
  'key, a thousand of them': { options: inTurn(1_000, (n) => ({ key: `customer-${n}` })) },
  'priority, ten of them': { options: inTurn(10, (n) => ({ priority: n })) },
  detectSelfWait: { pool: { detectSelfWait: true } }
}

/**
 * Features that slow the whole process for good, so that no other may share it.
 *
 * @type {ReadonlySet<string>}
 */
export const lonely = new Set(['detectSelfWait'])
