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

/** What an answer means: it is final, or the request is sent again. The error is thrown after the last attempt. */
export type Verdict<T> =
  | { readonly done: T }
  | { readonly again: ClientError; readonly retryAfterMs?: number | undefined }

/** A ticket, as the last answer described it. */
export interface Ticket {
  readonly url: string
  /** Its status, if the answer contained one. */
  readonly status: TicketStatus | undefined
  /** The entity tag of that status. */
  readonly tag: string | undefined
  /** Milliseconds until the next poll is due. */
  readonly retryAfterMs: number
  /** Whether the server states that it held the request (`Preference-Applied: wait`). */
  readonly wasHeld: boolean
}

/** The pause between two polls when the server states none. */
const DEFAULT_POLL_MS = 1_000

/** Statuses that are retried. Safe for a POST: nothing was queued, or the idempotency key prevents a second task. */
const TEMPORARY: ReadonlySet<number> = new Set([408, 425, 429, 500, 502, 503, 504])

/** Reads the answer to a POST: a ticket. @throws ClientError when retrying cannot give one */
export function readAccepted(answer: Answer | Lost, rules: TicketUrlRules): Verdict<Ticket> {
  if ('lost' in answer) return { again: new ServerUnreachableError(answer.lost, undefined) }
  if (answer.status !== 202) return refused(answer, undefined)
  const status = readStatus(answer.text)
  const { headers } = answer
  const reference = headers.get('Location') ?? headers.get('Operation-Location') ?? status?.links.self
  if (reference === null || reference === undefined) throw unexpected(answer, 'it has no ticket URL')
  const url = ticketUrlOf(reference, rules)
  if (url === undefined) throw unexpected(answer, 'its ticket is not on an origin that is trusted')
  return { done: ticketOf(url, answer, status) }
}

/** Reads the answer to a GET: the current state of the ticket. @throws ClientError when retrying cannot give it */
export function readFound(answer: Answer | Lost, known: Ticket): Verdict<Ticket> {
  const { url } = known
  if ('lost' in answer) return { again: new ServerUnreachableError(answer.lost, url) }
  if (answer.status === 304 && known.tag !== undefined) {
    return { done: { ...known, retryAfterMs: nextPollMs(answer, known.status), wasHeld: wasHeld(answer) } }
  }
  if (answer.status === 404 || answer.status === 410) throw new TicketNotFoundError(url)
  if (answer.status !== 200) return refused(answer, url)
  const status = readStatus(answer.text)
  // Often a temporary page of a proxy.
  if (status === undefined) return { again: unexpected(answer, 'it is not the status of a ticket', url) }
  return { done: ticketOf(url, answer, status) }
}

/** Reads the answer to a DELETE: final unless it is temporary. */
export function readCanceled(answer: Answer | Lost, url: string): Verdict<undefined> {
  if ('lost' in answer) return { again: new ServerUnreachableError(answer.lost, url) }
  return TEMPORARY.has(answer.status) ? refused(answer, url) : { done: undefined }
}

function ticketOf(url: string, answer: Answer, status: TicketStatus | undefined): Ticket {
  const tag = status === undefined ? null : answer.headers.get('ETag')
  return {
    url,
    status,
    tag: tag ?? undefined,
    retryAfterMs: nextPollMs(answer, status),
    wasHeld: wasHeld(answer)
  }
}

function nextPollMs(answer: Answer, status: TicketStatus | undefined): number {
  return answer.retryAfterMs ?? status?.pollAfterMs ?? DEFAULT_POLL_MS
}

/** @see RFC 7240, section 3 */
function wasHeld({ headers }: Answer): boolean {
  return /(?:^|,)[ \t]*wait[ \t]*(?:[=;,]|$)/i.test(headers.get('Preference-Applied') ?? '')
}

/** An answer that is not the expected one: the request is sent again, or an error is thrown. */
function refused(answer: Answer, url: string | undefined): Verdict<never> {
  const { status, text, retryAfterMs } = answer
  const fields = fieldsOf(text) // normally a problem document, RFC 9457
  const refusal = { status, problemCode: fields?.text('code') ?? null, detail: fields?.text('detail') ?? null }
  if (TEMPORARY.has(status)) {
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
  throw unexpected(answer, isRedirect ? 'it redirects, and redirects are not followed' : `its status is ${status}`, url)
}

function unexpected({ status }: Answer, problem: string, url?: string): UnexpectedAnswerError {
  return new UnexpectedAnswerError(problem, status, url)
}
