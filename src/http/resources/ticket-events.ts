import type { EventStreams } from '../holding/event-streams.js'
import { type HttpReply, replyWith } from '../wire/reply.js'
import { type HttpRequest, headerOf } from '../wire/request.js'
import type { Methods } from '../wire/route-table.js'
import type { TicketAccess } from '../tickets/ticket-access.js'
import type { TicketReplies } from '../tickets/ticket-replies.js'
import { isDone } from '../tickets/ticket-status.js'

/** Without `no-transform` what compresses replies would hold all events back to the end, without the other a proxy. */
const HEADERS = {
  'Content-Type': 'text/event-stream',
  'Cache-Control': 'private, no-cache, no-transform',
  'X-Accel-Buffering': 'no'
}

/** `/tasks/<ticket>/events`: each change of the ticket as it comes. No HEAD: there is no reply without its stream. */
export function ticketEvents(access: TicketAccess, replies: TicketReplies, streams: EventStreams): Methods {
  const read = async (plain: HttpRequest, segment: string): Promise<HttpReply> => {
    const found = await access.findBySegment(plain, segment)
    if (found === undefined) return replies.unknown()
    const { task, request } = found
    const record = task.record()
    const isTold = headerOf(request, 'last-event-id') === String(record.revision)
    if (isDone(record) && isTold) return replyWith(204) // an EventSource does not come back from this
    const body = streams.open(task, request)
    return { ...replyWith(200, { headers: HEADERS }), body, signal: body.signal }
  }

  return { GET: read }
}
