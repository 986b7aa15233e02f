// @ts-check
/** Functions that run in the threads of the tests. */
import { setTimeout as delay } from 'node:timers/promises'
import { threadId } from 'node:worker_threads'

/** @import { ThreadContext } from 'coatcheck/threads' */

/** @param {{ n: number }} input */
export const double = ({ n }) => n * 2

/** Which thread it is. */
export const thread = () => threadId

/** @param {unknown} input */
export const echo = async (input) => input

/** What the context holds. @param {undefined} _ @param {ThreadContext} ctx */
export const context = async (_, { id, name, key, attempt, metadata, signal, stopping }) => ({
  ...{ id, name, key, attempt, metadata, threadId },
  aborted: [signal.aborted, stopping.aborted],
  isSignal: signal instanceof AbortSignal
})

/** Never looks at anything. @param {unknown} _ @param {ThreadContext} ctx */
export const deaf = (_, { progress }) => {
  progress(0.5, 'deaf')
  for (;;);
}

/** Waits for its abort on the event loop. @param {unknown} _ @param {ThreadContext} ctx */
export const polite = async (_, { progress, signal }) => {
  progress(0.5)
  await delay(3_600_000, undefined, { signal })
}

/** Computes, and looks at its signal now and then. @param {unknown} _ @param {ThreadContext} ctx */
export const computing = (_, { progress, signal }) => {
  progress(0.5)
  while (!signal.aborted);
  throw signal.reason
}

/** @param {unknown} _ @param {ThreadContext} ctx */
export const throwing = (_, { progress, signal }) => {
  progress(0.5)
  for (;;) signal.throwIfAborted()
}

/** Describes the reason of its abort as it sees it. @param {unknown} _ @param {ThreadContext} ctx */
export const reason = async (_, { progress, signal }) => {
  progress(0.5)
  await new Promise((resolve) => signal.addEventListener('abort', resolve))
  const { name, code, message } = signal.reason
  return { name, code, message }
}

/** Ends as soon as the pool stops. @param {unknown} _ @param {ThreadContext} ctx */
export const checkpoint = async (_, { progress, stopping }) => {
  progress(0.5)
  if (!stopping.aborted) await new Promise((resolve) => stopping.addEventListener('abort', resolve))
  return `checkpoint: ${stopping.reason.code}`
}

/** @param {number} code */
export const exit = (code) => process.exit(code)

export const outOfMemory = () => {
  const all = []
  for (;;) all.push(new Array(100_000).fill(0.5))
}

/** An exception that no promise of the call has. */
export const crash = () => {
  setImmediate(() => {
    throw Object.assign(new Error('not caught'), { code: 'E_CRASH' })
  })
  return delay(3_600_000)
}

/** Ends well, and leaves an exception behind. */
export const crashLater = () => {
  setImmediate(() => {
    throw new Error('left behind')
  })
}

export const uncloneable = () => ({ callback: () => {} })

/** @param {ThreadContext['progress'] extends (...args: infer P) => void ? P[] : never} steps @param {ThreadContext} ctx */
export const steps = (steps, { progress }) => {
  for (const step of steps) progress(...step)
}

/** Fails by itself when it is aborted. @param {unknown} _ @param {ThreadContext} ctx */
export const failing = async (_, { progress, signal }) => {
  progress(0.5)
  await new Promise((resolve) => signal.addEventListener('abort', resolve))
  throw new RangeError('its own')
}

/** @param {string} text */
export const fail = (text) => {
  const cause = Object.assign(new Error('the cause'), { code: 'E_CAUSE' })
  throw Object.assign(new TypeError(text, { cause }), { code: 'E_MINE', expose: true })
}

/** @param {unknown} value */
export const reject = async (value) => {
  throw value
}

/** @param {number} length @param {ThreadContext} ctx */
export const moved = (length, { transfer }) => {
  const bytes = new Uint8Array(length).fill(7)
  transfer(bytes.buffer)
  return bytes
}

/** @param {unknown} _ @param {ThreadContext} ctx */
export const movedTwice = (_, { transfer }) => {
  const { buffer } = new Uint8Array(8)
  transfer(buffer, buffer)
  return buffer
}

export const notAFunction = 1

// biome-ignore lint/style/noDefaultExport: what `cpuTask` calls without the option `export`
export default () => 'by default'
