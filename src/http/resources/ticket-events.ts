import type { EventStreams } from '../holding/event-streams.js'
import type { TicketAccess } from '../tickets/ticket-access.js'
import type { TicketReplies } from '../tickets/ticket-replies.js'
import { isDone } from '../tickets/ticket-status.js'
import { type HttpReply, replyWith } from '../wire/reply.js'
import { type HttpRequest, headerOf } from '../wire/request.js'
import type { Methods } from '../wire/route-table.js'

/** `no-transform` stops compression, and `X-Accel-Buffering` stops proxies, from buffering events. */
const HEADERS = {
  'Content-Type': 'text/event-stream',
  'Cache-Control': 'private, no-cache, no-transform',
  'X-Accel-Buffering': 'no'
}

/** `/tasks/<ticket>/events`: each change of the ticket as an event. Without HEAD, since each reply is a stream. */
export function ticketEvents(access: TicketAccess, replies: TicketReplies, streams: EventStreams): Methods {
  const read = async (plain: HttpRequest, segment: string): Promise<HttpReply> => {
    const found = await access.findBySegment(plain, segment)
    if (found === undefined) return replies.unknown()
    const { task, request } = found
    const record = task.record()
    const isKnown = headerOf(request, 'last-event-id') === String(record.revision)
    if (isDone(record) && isKnown) return replyWith(204) // after which an EventSource does not reconnect
    const body = streams.open(task, request)
    return { ...replyWith(200, { headers: HEADERS }), body, signal: body.signal }
  }

  return { GET: read }
}
