import { isPoolError, type PoolError } from '../../contract/errors.js'
import { read } from '../../contract/task-record.js'
import type { Hooks } from './hooks.js'
import { type ProblemCode, type ProblemDetails, problemOf, type Refusal, refusalReply } from './problems.js'
import type { HttpReply } from './reply.js'
import type { HttpRequest } from './request.js'
import { isRequestError } from './request-error.js'
import { retryAfterSeconds } from './retry-after.js'
import { isStoreError, notRecorded, StoreFailure } from './store-failure.js'

/** `Retry-After` while the server stops: another one replaces it soon. Without jitter: no client returns to this one. */
const STOPPED_RETRY_MS = 5_000

/** `Retry-After` when a store or mirror fails: how long that lasts is unknown. */
const STORE_RETRY_MS = 1_000

const INTERNAL: Refusal = { problem: problemOf('INTERNAL') }

/** For a client that left while its POST waited. Nobody reads it. */
const WITHDRAWN: Refusal = {
  problem: problemOf('INVALID_BODY', { detail: 'The client left before its request was answered.' }),
  close: true
}

/** Turns errors into replies. An error that the client may not read is reported to `onError`. */
export class Refusals {
  readonly #hooks: Hooks
  readonly #random: () => number

  constructor(hooks: Hooks, random: () => number) {
    this.#hooks = hooks
    this.#random = random
  }

  /** Request errors and the pool's refusals in detail; anything else is `INTERNAL`, without detail. */
  of(error: unknown, request?: HttpRequest): Refusal {
    if (isRequestError(error)) return { problem: error.problem, close: error.close }
    const known = isPoolError(error) ? poolRefusal(error, this.#random) : undefined
    if (known !== undefined) return known
    if (StoreFailure.is(error)) {
      if (!isStoreError(error.cause)) this.#hooks.report(error.cause, request)
      return unavailable(error.message, this.#random)
    }
    if (request?.signal.aborted === true && error === request.signal.reason) return WITHDRAWN
    this.#hooks.report(error, request)
    return INTERNAL
  }

  /** The reply to an error. Never throws: a problem without a JSON form is replaced by `INTERNAL`. */
  reply(error: unknown, request?: HttpRequest): HttpReply {
    try {
      return refusalReply(this.of(error, request))
    } catch (unsendable) {
      this.#hooks.report(unsendable, request)
      return refusalReply(INTERNAL)
    }
  }
}

/**
 * Whether an error has a refusal of its own, which `tickets.refused` sends: a pool without room, stopped or without its
 * store, an id that is taken (of any copy of the package), or a {@link RequestError}. Of any other error a client learns nothing. Never throws.
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
  return isRequestError(error) || (isPoolError(error) && poolRefusal(error, () => 0) !== undefined)
}

function poolRefusal(error: PoolError, random: () => number): Refusal | undefined {
  switch (error.code) {
    case 'ERR_QUEUE_FULL':
    case 'ERR_KEY_QUEUE_FULL':
    case 'ERR_WAIT_FULL':
    case 'ERR_WAIT_TIMEOUT':
      return later(error.code.slice('ERR_'.length) as ProblemCode, read(error, 'retryAfterMs'), random)
    case 'ERR_POOL_STOPPED':
      return {
        problem: problemOf('POOL_STOPPED', { retryAfterMs: STOPPED_RETRY_MS }),
        headers: { 'Retry-After': String(STOPPED_RETRY_MS / 1_000) },
        close: true
      }
    case 'ERR_STORE':
      return unavailable(notRecorded(error), random)
    case 'ERR_DUPLICATE_TASK':
      return { problem: problemOf('DUPLICATE_TASK') }
    default:
      return undefined
  }
}

function unavailable(detail: string, random: () => number): Refusal {
  return later('STORE_UNAVAILABLE', STORE_RETRY_MS, random, { detail })
}

function later(code: ProblemCode, time: unknown, random: () => number, details: ProblemDetails = {}): Refusal {
  const retryAfterMs = Number.isFinite(time) ? Number(time) : 1_000
  return {
    problem: problemOf(code, { ...details, retryAfterMs }),
    headers: { 'Retry-After': String(retryAfterSeconds(retryAfterMs, random)) }
  }
}
