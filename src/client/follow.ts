import type { JsonValue } from '../contract/task-record.js'
import { readCanceled, readFound, type Ticket } from './answers.js'
import type { Call, Question } from './call.js'
import { ResultOmittedError, TaskCanceledError, TaskFailedError } from './errors.js'
import type { TicketStatus } from './ticket-status.js'

/** However often there is news, and whatever a server says, it is asked no more often than this. */
const MIN_INTERVAL_MS = 250

/** An answer without news that comes sooner was not held, whatever it says. */
const MIN_HELD_MS = 1_000

/** Nobody asks for more; and it stays a number that can stand in a header. */
const MAX_HELD_SECONDS = 3_600

/**
 * What a ticket comes to.
 *
 * @throws ClientError when it comes to no result, or cannot be asked for any more
 */
export async function follow(ticket: Ticket, call: Call): Promise<JsonValue> {
  const { settings } = call
  const { url } = ticket
  let last: TicketStatus
  try {
    await call.tell(() => settings.onAccepted(url))
    last = await lastStatus(ticket, call)
  } catch (error) {
    if (call.signal.aborted && settings.onAbort === 'cancel') await cancel(url, call)
    throw error
  }
  await call.tell(() => settings.onProgress(last))
  return resultOf(last, url)
}

/** Asks until the task has ended, and tells all news before that. */
async function lastStatus(first: Ticket, call: Call): Promise<TicketStatus> {
  const { clock, longPollMs, onProgress } = call.settings
  const heldSeconds = Math.min(Math.floor(longPollMs / 1_000), MAX_HELD_SECONDS)
  const mayHold = ({ tag }: Ticket): boolean => tag !== undefined && heldSeconds > 0
  let ticket = first
  let told = ''
  let isFirstQuestion = true
  // A server that holds questions is best asked at once; of one that does not, this is the only question too early.
  let restMs = mayHold(first) || (first.status === undefined && heldSeconds > 0) ? 0 : first.retryAfterMs
  for (;;) {
    const { status } = ticket
    if (status?.done === true) return status
    const text = JSON.stringify(status) ?? ''
    if (status !== undefined && text !== told) await call.tell(() => onProgress(status))
    told = text

    await call.pause(restMs)
    const known = ticket
    let askedAt = 0
    ticket = await call.persist(
      () => {
        askedAt = clock.now()
        return call.ask(question(known, mayHold(known) ? heldSeconds : 0))
      },
      (answer) => readFound(answer, known)
    )
    const tookMs = clock.now() - askedAt
    const wasHeld = ticket.wasHeld && (ticket.status !== known.status || tookMs >= MIN_HELD_MS)
    if (isFirstQuestion && !mayHold(known) && mayHold(ticket)) restMs = 0
    else if (wasHeld) restMs = Math.max(0, MIN_INTERVAL_MS - tookMs)
    else restMs = Math.max(ticket.retryAfterMs * (1 + clock.random() / 10), MIN_INTERVAL_MS)
    isFirstQuestion = false
  }
}

function question({ url, tag }: Ticket, heldSeconds: number): Question {
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

/** Asks for the end of a task for which nobody waits any more, so that there is nobody to tell how that went. */
async function cancel(url: string, call: Call): Promise<void> {
  const { signal } = new AbortController()
  try {
    await call.persist(
      () => call.ask({ method: 'DELETE', url, headers: {} }, signal),
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
