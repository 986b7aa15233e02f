import { wording } from '../contract/checks.js'
import type { JsonValue } from '../contract/task-record.js'
import { readAccepted, type Ticket } from './answers.js'
import { Call } from './call.js'
import type { ClientClock } from './clock.js'
import { follow } from './follow.js'
import { checkPollOptions, checkSubmitOptions, type PollOptions, type SubmitOptions } from './options.js'
import { absoluteUrl } from './ticket-url.js'

/**
 * Submits work, follows its ticket until the task has settled, and resolves with the task's result.
 *
 * - A temporary refusal (no room, stopping, a failing proxy) and a missing answer are retried after `Retry-After` plus a
 *   random backoff. All attempts have the same idempotency key, so a server that supports such keys queues one task.
 * - Polls are held by the server until the status changes, if it supports that; otherwise they follow `Retry-After`.
 * - When `signal` aborts, the promise rejects at once and the task is canceled in the background, also if the answer with
 *   its ticket has not arrived yet.
 *
 * Requests are sent only to the origin of `url` and to `trustedOrigins`. Redirects are not followed.
 *
 * @typeParam R - the type of the result; it is not checked
 * @param url - an accepting route; in a page it may be relative
 * @param body - sent as JSON
 * @returns the result as JSON has it; `null` when the task returned nothing
 * @throws the signal's reason, unchanged, once it aborts
 * @throws TaskFailedError, TaskCanceledError or ResultOmittedError when the task has no result
 * @throws RequestRefusedError when the request is wrong, or not allowed
 * @throws ServerUnavailableError or ServerUnreachableError when every attempt was refused or got no answer
 * @throws TicketNotFoundError when the server no longer has the ticket
 * @throws UnexpectedAnswerError when the answer is not that of a ticket server
 * @throws TypeError or RangeError that names the wrong argument or option; nothing was sent
 *
 * @example
 * ```ts
 * import { submit } from 'coatcheck/client'
 *
 * export const resize = (width: number, signal: AbortSignal) =>
 *   submit<{ url: string }>('https://example.org/tasks', { width }, {
 *     signal,
 *     onProgress: ({ status, progress }) => console.log(status, progress?.ratio ?? 0)
 *   })
 * ```
 *
 * @see RFC 9110 for `Retry-After` and entity tags, RFC 7240 for `Prefer: wait`
 */
export async function submit<R = JsonValue>(url: string | URL, body: unknown, options: SubmitOptions = {}): Promise<R> {
  const settings = checkSubmitOptions(options)
  const requestUrl = absoluteUrl(url)
  const text = jsonOf(body)
  const call = new Call(settings)
  return (await call.run(async () => follow(await ticketFor(requestUrl, text, call), call))) as R
}

/**
 * Follows an existing ticket until its task has settled, as `submit` does. An early end lets the task run, unless `onAbort`
 * is `'cancel'`.
 *
 * @typeParam R - the type of the result; it is not checked
 * @param ticketUrl - the ticket's URL: the argument of `onAccepted`, or the `ticketUrl` of an error
 * @returns the result as JSON has it; `null` when the task returned nothing
 * @throws as `submit`
 *
 * @example
 * ```ts
 * import { poll } from 'coatcheck/client'
 *
 * export const comeBack = (ticketUrl: string) => poll(ticketUrl, { signal: AbortSignal.timeout(60_000) })
 * ```
 */
export async function poll<R = JsonValue>(ticketUrl: string | URL, options: PollOptions = {}): Promise<R> {
  const settings = checkPollOptions(options)
  const url = absoluteUrl(ticketUrl)
  const unseen: Ticket = { url, status: undefined, tag: undefined, retryAfterMs: 0, wasHeld: false }
  const call = new Call(settings)
  return (await call.run(() => follow(unseen, call))) as R
}

function jsonOf(body: unknown): string {
  try {
    const text: string | undefined = JSON.stringify(body)
    if (text !== undefined) return text
  } catch {}
  throw new TypeError(wording('body', 'what has a JSON form', body))
}

/** Sends the work until the server has accepted it. */
function ticketFor(requestUrl: string, body: string, call: Call): Promise<Ticket> {
  const { settings } = call
  const headers = {
    accept: 'application/json',
    'content-type': 'application/json',
    'idempotency-key': settings.idempotencyKey ?? randomKey(settings.clock)
  }
  // Without aborting the request: it may have queued a task, whose ticket is needed to cancel it.
  const signal = settings.onAbort === 'cancel' ? new AbortController().signal : call.signal
  return call.persist(
    () => call.send({ method: 'POST', url: requestUrl, headers, body }, signal),
    (answer) => readAccepted(answer, { requestUrl, trustedOrigins: settings.trustedOrigins })
  )
}

function randomKey(clock: ClientClock): string {
  return Array.from(clock.randomBytes(16), (byte) => byte.toString(16).padStart(2, '0')).join('')
}
