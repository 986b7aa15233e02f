import { wording } from '../contract/checks.js'
import type { JsonValue } from '../contract/task-record.js'
import { readAccepted, type Ticket } from './answers.js'
import { Call } from './call.js'
import type { ClientClock } from './clock.js'
import { follow } from './follow.js'
import { checkPollOptions, checkSubmitOptions, type PollOptions, type SubmitOptions } from './options.js'
import { absoluteUrl } from './ticket-url.js'

/**
 * Hands work in, follows its ticket until the task has ended, and resolves with the task's result.
 *
 * - What the server refuses for now (no room, stopping, a proxy in trouble) and what gets no answer is sent again: after
 *   the time the server names and a random backoff, with the same idempotency key each time, so that a server that knows
 *   such keys runs it once.
 * - Questions for the ticket are held by the server until there is news, where it can do that; else they are as far apart
 *   as it wants.
 * - When `signal` aborts, the promise rejects at once and the task is canceled in the background: also when the answer
 *   with its ticket is still to come.
 *
 * Requests go to the origin of `url` and no other, unless it is named in `trustedOrigins`; redirects are not followed.
 *
 * @typeParam R - what the result is taken for; it is not checked
 * @param url - an accepting route; relative to the page, where there is one
 * @param body - what the server is sent, as JSON
 * @returns the result as JSON has it; `null` when the task returned nothing
 * @throws the signal's reason, unchanged, once it aborts
 * @throws TaskFailedError, TaskCanceledError or ResultOmittedError when the task comes to no result
 * @throws RequestRefusedError when the request is wrong, or not allowed
 * @throws ServerUnavailableError or ServerUnreachableError when there was no room, or no answer, in all attempts
 * @throws TicketNotFoundError when the ticket was forgotten
 * @throws UnexpectedAnswerError when what answers is no server of tickets
 * @throws TypeError or RangeError that names the argument or option that is wrong; nothing was sent
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
  const asked = absoluteUrl(url)
  const text = jsonOf(body)
  const call = new Call(settings)
  return (await call.run(async () => follow(await handIn(asked, text, call), call))) as R
}

/**
 * Follows a ticket that was got earlier or elsewhere until its task has ended, as `submit` does. Leaving early leaves the
 * task alone, unless `onAbort` says otherwise.
 *
 * @typeParam R - what the result is taken for; it is not checked
 * @param ticketUrl - the ticket's URL: what `onAccepted` was told, or the `ticketUrl` of an error
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

/** Sends the work until it is taken. */
function handIn(asked: string, body: string, call: Call): Promise<Ticket> {
  const { settings } = call
  const headers = {
    accept: 'application/json',
    'content-type': 'application/json',
    'idempotency-key': settings.idempotencyKey ?? randomKey(settings.clock)
  }
  // To cut the request off could leave a task behind whose ticket nobody knows, and so nobody can cancel.
  const signal = settings.onAbort === 'cancel' ? new AbortController().signal : call.signal
  return call.persist(
    () => call.ask({ method: 'POST', url: asked, headers, body }, signal),
    (answer) => readAccepted(answer, { asked, trustedOrigins: settings.trustedOrigins })
  )
}

function randomKey(clock: ClientClock): string {
  return Array.from(clock.randomBytes(16), (byte) => byte.toString(16).padStart(2, '0')).join('')
}
