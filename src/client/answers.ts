import {
  type ClientError,
  RequestRefusedError,
  ServerUnavailableError,
  ServerUnreachableError,
  TicketNotFoundError,
  UnexpectedAnswerError
} from './errors.js'
import type { Answer, Lost } from './exchange.js'
import { fieldsOf } from './fields.js'
import { readStatus, type TicketStatus } from './ticket-status.js'
import { type TicketUrlRules, ticketUrlOf } from './ticket-url.js'

/** What an answer means: it is final, or worth another attempt, whose error is thrown if it was the last. */
export type Verdict<T> =
  | { readonly done: T }
  | { readonly again: ClientError; readonly retryAfterMs?: number | undefined }

/** What is known of a ticket. */
export interface Ticket {
  readonly url: string
  /** Its status, if the server sent one. */
  readonly status: TicketStatus | undefined
  /** The entity tag of that status. */
  readonly tag: string | undefined
  /** How soon the server wants to be asked again, in milliseconds. */
  readonly retryAfterMs: number
  /** Whether the server says that it held the question until there was news, or for as long as it was asked to. */
  readonly wasHeld: boolean
}

/** Where the server leaves the pause between two questions to the client. */
const DEFAULT_POLL_MS = 1_000

/** These pass. A POST answered so has queued nothing, or is kept by its key from running twice. */
const PASSING: ReadonlySet<number> = new Set([408, 425, 429, 500, 502, 503, 504])

/** Reads the answer to a POST: it is to be a ticket. @throws ClientError when none is to come */
export function readAccepted(answer: Answer | Lost, rules: TicketUrlRules): Verdict<Ticket> {
  if ('lost' in answer) return { again: new ServerUnreachableError(answer.lost, undefined) }
  if (answer.status !== 202) return refused(answer, undefined)
  const status = readStatus(answer.text)
  const { headers } = answer
  const reference = headers.get('Location') ?? headers.get('Operation-Location') ?? status?.links.self
  if (reference === null || reference === undefined) throw unexpected(answer, 'it does not say where its ticket is')
  const url = ticketUrlOf(reference, rules)
  if (url === undefined) throw unexpected(answer, 'its ticket is not on an origin that is trusted')
  return { done: ticketOf(url, answer, status) }
}

/** Reads the answer to a GET: it is to be the ticket as it is now. @throws ClientError when that is not to come */
export function readFound(answer: Answer | Lost, known: Ticket): Verdict<Ticket> {
  const { url } = known
  if ('lost' in answer) return { again: new ServerUnreachableError(answer.lost, url) }
  if (answer.status === 304 && known.tag !== undefined) {
    return { done: { ...known, retryAfterMs: nextQuestionMs(answer, known.status), wasHeld: wasHeld(answer) } }
  }
  if (answer.status === 404 || answer.status === 410) throw new TicketNotFoundError(url)
  if (answer.status !== 200) return refused(answer, url)
  const status = readStatus(answer.text)
  // Often a page that a proxy shows for a while.
  if (status === undefined) return { again: unexpected(answer, 'it is not the status of a ticket', url) }
  return { done: ticketOf(url, answer, status) }
}

/** Reads the answer to a DELETE: unless it passes there is nothing left to do. @throws ClientError for an odd answer */
export function readCanceled(answer: Answer | Lost, url: string): Verdict<undefined> {
  if ('lost' in answer) return { again: new ServerUnreachableError(answer.lost, url) }
  return PASSING.has(answer.status) ? refused(answer, url) : { done: undefined }
}

function ticketOf(url: string, answer: Answer, status: TicketStatus | undefined): Ticket {
  const tag = status === undefined ? null : answer.headers.get('ETag')
  return {
    url,
    status,
    tag: tag ?? undefined,
    retryAfterMs: nextQuestionMs(answer, status),
    wasHeld: wasHeld(answer)
  }
}

function nextQuestionMs(answer: Answer, status: TicketStatus | undefined): number {
  return answer.retryAfterMs ?? status?.pollAfterMs ?? DEFAULT_POLL_MS
}

/** @see RFC 7240, section 3 */
function wasHeld({ headers }: Answer): boolean {
  return /(?:^|,)[ \t]*wait[ \t]*(?:[=;,]|$)/i.test(headers.get('Preference-Applied') ?? '')
}

/** Anything but what was asked for: worth another attempt, or thrown. */
function refused(answer: Answer, url: string | undefined): Verdict<never> {
  const { status, text, retryAfterMs } = answer
  const fields = fieldsOf(text) // a problem document, RFC 9457, it is to be hoped
  const refusal = { status, problemCode: fields?.text('code') ?? null, detail: fields?.text('detail') ?? null }
  if (PASSING.has(status)) {
    return { again: new ServerUnavailableError({ ...refusal, retryAfterMs: retryAfterMs ?? null }, url), retryAfterMs }
  }
  if (status >= 400) {
    const wrong = (fields?.each('errors') ?? []).map((each) => ({
      pointer: each.text('pointer') ?? '',
      detail: each.text('detail') ?? ''
    }))
    throw new RequestRefusedError({ ...refusal, fields: wrong }, url)
  }
  const isRedirect = status === 0 || (status >= 300 && status !== 304)
  throw unexpected(answer, isRedirect ? 'it leads elsewhere, and is not followed' : `its status is ${status}`, url)
}

function unexpected({ status }: Answer, what: string, url?: string): UnexpectedAnswerError {
  return new UnexpectedAnswerError(what, status, url)
}
