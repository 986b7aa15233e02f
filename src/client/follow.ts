import type { JsonValue } from '../contract/task-record.js'
import { readCanceled, readFound, type Ticket } from './answers.js'
import type { Call, CallRequest } from './call.js'
import { ResultOmittedError, TaskCanceledError, TaskFailedError } from './errors.js'
import type { TicketStatus } from './ticket-status.js'

/** The shortest time between two polls, however often the status changes and whatever the server states. */
const MIN_INTERVAL_MS = 250

/** An unchanged status that arrives sooner was not held, whatever the server states. */
const MIN_HELD_MS = 1_000

/** The longest `Prefer: wait`; it also keeps the number finite. */
const MAX_HELD_SECONDS = 3_600

/**
 * Follows a ticket to its result.
 *
 * @throws ClientError when there is no result, or the ticket can no longer be read
 */
export async function follow(ticket: Ticket, call: Call): Promise<JsonValue> {
  const { settings } = call
  const { url } = ticket
  let last: TicketStatus
  try {
    await call.notify(() => settings.onAccepted(url))
    last = await lastStatus(ticket, call)
  } catch (error) {
    if (call.signal.aborted && settings.onAbort === 'cancel') await cancel(url, call)
    throw error
  }
  await call.notify(() => settings.onProgress(last))
  return resultOf(last, url)
}

/** Polls until the task has settled, and reports each changed status before that. */
async function lastStatus(first: Ticket, call: Call): Promise<TicketStatus> {
  const { clock, longPollMs, onProgress } = call.settings
  const heldSeconds = Math.min(Math.floor(longPollMs / 1_000), MAX_HELD_SECONDS)
  const mayHold = ({ tag }: Ticket): boolean => tag !== undefined && heldSeconds > 0
  let ticket = first
  let reported = ''
  let isFirstPoll = true
  // Poll at once if the server may hold the request. If it does not, only this one poll is too early.
  let restMs = mayHold(first) || (first.status === undefined && heldSeconds > 0) ? 0 : first.retryAfterMs
  for (;;) {
    const { status } = ticket
    if (status?.done === true) return status
    const text = JSON.stringify(status) ?? ''
    if (status !== undefined && text !== reported) await call.notify(() => onProgress(status))
    reported = text

    await call.pause(restMs)
    const known = ticket
    let sentAt = 0
    ticket = await call.persist(
      () => {
        sentAt = clock.now()
        return call.send(pollRequest(known, mayHold(known) ? heldSeconds : 0))
      },
      (answer) => readFound(answer, known)
    )
    const tookMs = clock.now() - sentAt
    const wasHeld = ticket.wasHeld && (ticket.status !== known.status || tookMs >= MIN_HELD_MS)
    if (isFirstPoll && !mayHold(known) && mayHold(ticket)) restMs = 0
    else if (wasHeld) restMs = Math.max(0, MIN_INTERVAL_MS - tookMs)
    else restMs = Math.max(ticket.retryAfterMs * (1 + clock.random() / 10), MIN_INTERVAL_MS)
    isFirstPoll = false
  }
}

function pollRequest({ url, tag }: Ticket, heldSeconds: number): CallRequest {
  return {
    method: 'GET',
    url,
    headers: {
      accept: 'application/json',
      ...(tag === undefined ? {} : { 'if-none-match': tag }),
      ...(heldSeconds === 0 ? {} : { prefer: `wait=${heldSeconds}` })
    },
    heldMs: heldSeconds * 1_000
  }
}

/** Cancels a task after its caller has left. An error has no observer and is dropped. */
async function cancel(url: string, call: Call): Promise<void> {
  const { signal } = new AbortController()
  try {
    await call.persist(
      () => call.send({ method: 'DELETE', url, headers: {} }, signal),
      (answer) => readCanceled(answer, url),
      signal
    )
  } catch {}
}

function resultOf(status: TicketStatus, url: string): JsonValue {
  if (status.error !== null) throw new TaskFailedError(status.error, url)
  if (status.status === 'canceled') throw new TaskCanceledError(status, url)
  if (status.resultOmitted !== null) throw new ResultOmittedError(status.resultOmitted, url)
  return status.result
}
