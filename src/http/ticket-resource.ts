import type { Task } from '../task-contract.js'
import { namesTag, tagOf } from './entity-tag.js'
import type { HttpReply } from './reply.js'
import { type HttpRequest, headerOf } from './request.js'
import type { Methods } from './route-table.js'
import { decodeTicket } from './ticket-id.js'
import type { TicketPool } from './ticket-pool.js'
import type { TicketReplies } from './ticket-replies.js'

/** `/tasks/<ticket>`: what it stands for, and its cancel. */
export function ticketResource(pool: TicketPool, replies: TicketReplies): Methods {
  const find = (segment: string): Task | undefined => {
    const id = decodeTicket(segment)
    return id === undefined ? undefined : pool.task(id)
  }

  /** A finished ticket is found like any other: that its task failed is not an error of this request. */
  const read = (request: HttpRequest, segment: string): HttpReply | Promise<HttpReply> => {
    const task = find(segment)
    if (task === undefined) return replies.unknown()
    const record = task.record()
    const isKnown = namesTag(headerOf(request, 'if-none-match'), tagOf(record.revision))
    return isKnown ? replies.unchanged(record) : replies.found(task)
  }

  const cancel = (_request: HttpRequest, segment: string): HttpReply | Promise<HttpReply> => {
    const task = find(segment)
    if (task === undefined) return replies.unknown()
    const outcome = pool.cancel(task.id)
    switch (outcome) {
      case 'canceled':
        return replies.found(task)
      case 'requested':
        return replies.found(task, 202)
      case 'finished':
        return task.state === 'canceled' ? replies.found(task) : replies.finished(task.record())
      case 'unknown':
        return replies.unknown()
      default:
        return outcome satisfies never
    }
  }

  return { GET: read, DELETE: cancel }
}
