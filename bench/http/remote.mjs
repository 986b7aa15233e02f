/** A server in a process of its own, and the load that this process puts on it. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import autocannon from 'autocannon'

/**
 * Starts a server's file in a new process.
 *
 * @param {URL} file
 * @param {object} question
 * @param {string[]} [flags] of V8
 */
export const remote = async (file, question, flags = []) => {
  const child = fork(fileURLToPath(file), [JSON.stringify(question)], { execArgv: flags })
  const ended = new AbortController()
  child.once('exit', () => ended.abort(new Error(`${fileURLToPath(file)} ended.`)))
  const told = async () => (await once(child, 'message', { signal: ended.signal }))[0]
  return {
    /** What it says once it listens. */
    ready: await told(),
    /** Its answer to whatever it is asked. */
    ask: async (/** @type {unknown} */ question = 'tell') => {
      const answered = told()
      child.send(/** @type {any} */ (question))
      return answered
    },
    ended: ended.signal,
    end: () => child.disconnect()
  }
}

export const POST = /** @type {const} */ ({
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: '{"task":"a report"}'
})

/**
 * Sends requests until so many are answered, and demands one status of every answer.
 *
 * @param {import('autocannon').Options} options
 * @param {number} status
 */
export const bombard = async (options, status) => {
  const started = performance.now()
  const result = await autocannon({ connections: 50, sampleInt: 10, ...options }) // its end is seen at a sample
  const seconds = (performance.now() - started) / 1e3
  const { statusCodeStats, errors } = /** @type {any} */ (result)
  const requests = statusCodeStats[status]?.count ?? 0
  if (errors > 0 || requests !== result.requests.total) {
    throw new Error(`Not every answer was a ${status}: ${JSON.stringify(statusCodeStats)}, ${errors} errors.`)
  }
  return { requests, rate: requests / seconds }
}

/** Demands that nothing went wrong. @type {(result: import('autocannon').Result) => void} */
export const clean = ({ errors, timeouts, non2xx }) => {
  if (errors + timeouts + non2xx > 0) {
    throw new Error(`${errors} errors, ${timeouts} answers too late, ${non2xx} that were no success.`)
  }
}
