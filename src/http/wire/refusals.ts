import { callHook } from '../../contract/hooks.js'
import { NotRecorded } from '../intake/recorded.js'
import type { TicketSettings } from '../settings.js'
import { guarded } from './hooks.js'
import { problemOf, type Refusal, refusalReply } from './problems.js'
import { notRecorded, refusalOf } from './refusal.js'
import type { HttpReply } from './reply.js'
import type { HttpRequest } from './request.js'

const INTERNAL: Refusal = { problem: problemOf('INTERNAL') }

/** The client left while it waited: nobody reads this. */
const WITHDRAWN: Refusal = {
  problem: problemOf('INVALID_BODY', { detail: 'The client left before its request was answered.' }),
  close: true
}

/** Decides what a client is told of an error, and hands what it is not told to the hook: nothing is lost, nothing leaks. */
export class Refusals {
  readonly #onError: TicketSettings['onError']
  readonly #random: () => number

  constructor(settings: TicketSettings) {
    this.#onError = settings.onError
    this.#random = settings.random
  }

  /** What the client is told of an error: its own mistakes and the pool's refusals in detail, of all else nothing. */
  of(error: unknown, request?: HttpRequest): Refusal {
    const known = refusalOf(error, this.#random)
    if (known !== undefined) return known
    if (NotRecorded.is(error)) {
      this.report(error.cause, request)
      return notRecorded(this.#random)
    }
    if (request?.signal.aborted === true && error === request.signal.reason) return WITHDRAWN
    this.report(error, request)
    return INTERNAL
  }

  /** The reply to an error. Never throws: a problem that has no JSON form is told as if nothing were known. */
  reply(error: unknown, request?: HttpRequest): HttpReply {
    try {
      return refusalReply(this.of(error, request))
    } catch (unsendable) {
      this.report(unsendable, request)
      return refusalReply(INTERNAL)
    }
  }

  /** What becomes of a hook's answer; `undefined` when there is none to use, which is told to the application only. */
  guarded<A, T>(name: string, hook: () => A, use: (answer: A) => T): T | undefined {
    return guarded(name, hook, use, (error) => this.report(error))
  }

  /** Tells the application. A hook that fails here, at once or later, has nobody left to tell. */
  report(error: unknown, request?: HttpRequest): void {
    callHook(
      () => this.#onError(error, request),
      () => {}
    )
  }
}
