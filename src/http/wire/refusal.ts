import { isPoolError, type PoolError } from '../../contract/errors.js'
import { read } from '../../contract/task-record.js'
import { type ProblemCode, problemOf, type Refusal } from './problems.js'
import { isRequestError } from './request-error.js'
import { retryAfterSeconds } from './retry-after.js'

/** A stopping server is soon another server: short, and no jitter, for nobody comes back to this one. */
const STOPPED_RETRY_MS = 5_000

/** Nothing is known about when a store comes back. */
const STORE_RETRY_MS = 1_000

/** What the client is told of an error; `undefined` when it is none of ours, and so nothing the client may know of. */
export function refusalOf(error: unknown, random: () => number): Refusal | undefined {
  if (isRequestError(error)) return { problem: error.problem, close: error.close }
  return isPoolError(error) ? poolRefusal(error, random) : undefined
}

/**
 * Whether an error is one that `tickets.refused` answers in detail: a refusal of the pool (no room, stopped, duplicate id,
 * of whatever copy of the package) or a `RequestError`. Of any other error the client would learn nothing. Never throws.
 *
 * @example
 * ```ts
 * import { isRefusal, type TicketRoutes } from 'coatcheck/http'
 *
 * export function replyTo(error: unknown, tickets: TicketRoutes) {
 *   if (!isRefusal(error)) throw error
 *   return tickets.refused(error)
 * }
 * ```
 */
export function isRefusal(error: unknown): boolean {
  return refusalOf(error, () => 0) !== undefined
}

function poolRefusal(error: PoolError, random: () => number): Refusal | undefined {
  switch (error.code) {
    case 'ERR_QUEUE_FULL':
    case 'ERR_KEY_QUEUE_FULL':
    case 'ERR_WAIT_FULL':
    case 'ERR_WAIT_TIMEOUT':
      return later(error.code.slice('ERR_'.length) as ProblemCode, read(error, 'retryAfterMs'), random)
    case 'ERR_POOL_STOPPED':
      return stopped()
    case 'ERR_DUPLICATE_TASK':
      return { problem: problemOf('DUPLICATE_TASK') }
    default:
      return undefined
  }
}

function later(code: ProblemCode, time: unknown, random: () => number): Refusal {
  const retryAfterMs = Number.isFinite(time) ? Number(time) : 1_000
  return {
    problem: problemOf(code, { retryAfterMs }),
    headers: { 'Retry-After': String(retryAfterSeconds(retryAfterMs, random)) }
  }
}

/** The pool takes no more work. */
export function stopped(): Refusal {
  return {
    problem: problemOf('POOL_STOPPED', { retryAfterMs: STOPPED_RETRY_MS }),
    headers: { 'Retry-After': String(STOPPED_RETRY_MS / 1_000) },
    close: true
  }
}

/** The task could not be made as durable as its pool promises. */
export function notRecorded(random: () => number): Refusal {
  return later('STORE_UNAVAILABLE', STORE_RETRY_MS, random)
}
