import type { LongPolls } from '../holding/long-polls.js'
import type { TicketAccess } from '../tickets/ticket-access.js'
import type { TicketPool } from '../tickets/ticket-pool.js'
import type { TicketReplies } from '../tickets/ticket-replies.js'
import { isDone } from '../tickets/ticket-status.js'
import { knownRevisions } from '../wire/entity-tag.js'
import type { HttpReply } from '../wire/reply.js'
import { type HttpRequest, headerOf } from '../wire/request.js'
import { type Methods, readable } from '../wire/route-table.js'

/** The parts that a ticket's resource uses. */
export interface TicketParts {
  readonly pool: TicketPool
  readonly access: TicketAccess
  readonly replies: TicketReplies
  readonly longPolls: LongPolls
}

/** `/tasks/<ticket>`: GET reads the status, DELETE cancels the task. */
export function ticketResource({ pool, access, replies, longPolls }: TicketParts): Methods {
  /** 200 for a failed task too: its failure is not an error of this request. */
  const read = async (plain: HttpRequest, segment: string): Promise<HttpReply> => {
    const found = await access.findBySegment(plain, segment)
    if (found === undefined) return replies.unknown()
    const { task, request } = found
    const seen = task.record()
    const ifNoneMatch = headerOf(request, 'if-none-match')
    const isKnown = knownRevisions(ifNoneMatch, seen.revision)
    const applied = await longPolls.wait(request, task, seen, (record) =>
      ifNoneMatch === undefined ? isDone(record) : !isKnown(record.revision)
    )
    const headers = applied === undefined ? {} : { 'Preference-Applied': applied }
    const record = applied === undefined ? seen : task.record()
    return isKnown(record.revision) ? replies.unchanged(record, headers) : replies.found(task, { record, headers })
  }

  const cancel = async (plain: HttpRequest, segment: string): Promise<HttpReply> => {
    const found = await access.findBySegment(plain, segment)
    if (found === undefined) return replies.unknown()
    const { task } = found
    // While `authorize` ran, a caller's own id may have passed to a newer task.
    const outcome = pool.task(task.id) === task ? pool.cancel(task.id) : 'unknown'
    switch (outcome) {
      case 'canceled':
        return replies.found(task)
      case 'requested':
        return replies.found(task, { status: 202 })
      case 'finished':
        return task.state === 'canceled' ? replies.found(task) : replies.finished(task.record())
      case 'unknown':
        return replies.unknown()
      default:
        return outcome satisfies never
    }
  }

  return { ...readable(read), DELETE: cancel }
}
