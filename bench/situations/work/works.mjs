/** The task functions of all libraries. */
import { AsyncLocalStorage } from 'node:async_hooks'
import { appendFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { board } from './board.mjs'

/** @typedef {import('../types.js').Input} Input */

/** The request that a caller belongs to. @type {AsyncLocalStorage<number>} */
export const requests = new AsyncLocalStorage()

/** The labels of the tasks that ran, in order. @type {number[]} */
export const order = []

/** @type {(level: number, signal?: AbortSignal) => Promise<void>} */
const reached = async (level, signal) => {
  while (board.level < level && signal?.aborted !== true) await delay(1)
}

/** @type {(run: () => Promise<unknown>) => Promise<unknown>} */
const counted = async (run) => {
  board.enter()
  try {
    return await run()
  } finally {
    board.leave()
  }
}

export const works = {
  /** Waits at the gate. Ends early when its signal aborts, after it has cleaned up. */
  hold: (/** @type {Input} */ { until = 0, cleanUp = 0 }, /** @type {AbortSignal | undefined} */ signal) =>
    counted(async () => {
      await reached(until, signal)
      if (signal?.aborted !== true) return
      board.notify()
      await reached(cleanUp)
      throw signal.reason
    }),

  /** Waits at the gate and takes no notice of its signal. */
  ignore: (/** @type {Input} */ { until = 0 }) => counted(() => reached(until)),

  /** Returns at once. */
  note: (/** @type {Input} */ { label = 0 }) =>
    counted(async () => {
      order.push(label)
    }),

  fail: () =>
    counted(async () => {
      throw new Error('the task failed')
    }),

  /** Returns the request whose context it runs in. */
  request: (/** @type {Input} */ { until = 0 }) =>
    counted(async () => {
      const request = requests.getStore()
      await reached(until)
      return request
    }),

  /** Writes down that it has started and ended. */
  log: (/** @type {Input} */ { file = '', label }) =>
    counted(async () => {
      await reached(1)
      appendFileSync(file, `started ${label}\n`)
      await delay(1)
      if (board.isKillDue) process.kill(process.pid, 'SIGKILL')
      appendFileSync(file, `ended ${label}\n`)
    })
}
