import type { CancelOutcome, Task } from '../../contract/task-contract.js'
import type { LongPolls } from '../holding/long-polls.js'
import { RecordTask } from '../tickets/record-task.js'
import type { TicketAccess } from '../tickets/ticket-access.js'
import type { TicketPool } from '../tickets/ticket-pool.js'
import type { TicketReplies } from '../tickets/ticket-replies.js'
import { isDone } from '../tickets/ticket-status.js'
import { knownRevisions } from '../wire/entity-tag.js'
import type { HttpReply } from '../wire/reply.js'
import { type HttpRequest, headerOf, type OwnedRequest } from '../wire/request.js'
import { type Methods, readable } from '../wire/route-table.js'
import { cancelRecorded, lookedUp } from '../wire/store-failure.js'

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
    const { task, request } = found
    return task instanceof RecordTask ? cancelElsewhere(task, request) : cancelHere(task)
  }

  const cancelHere = async (task: Task): Promise<HttpReply> => {
    // While `authorize` ran, a caller's own id may have passed to a newer task.
    if (pool.task?.(task.id) !== task) return replies.unknown()
    return canceled(task, await lookedUp(() => pool.cancel(task.id)))
  }

  const cancelElsewhere = async (task: Task, request: OwnedRequest): Promise<HttpReply> => {
    if (isDone(task)) return canceled(task, 'finished')
    const outcome = await lookedUp(() => pool.cancel(task.id))
    if (outcome === 'unknown') return replies.elsewhere()
    const now = await access.find(request, task.id)
    return now === undefined ? replies.unknown() : canceled(now, outcome)
  }

  const canceled = async (task: Task, outcome: CancelOutcome): Promise<HttpReply> => {
    switch (outcome) {
      case 'canceled':
        await cancelRecorded(task)
        return replies.found(task)
      case 'requested':
        await cancelRecorded(task)
        return replies.found(task, { status: 202 })
      case 'finished':
        return task.state === 'canceled' ? replies.found(task) : replies.finished(task.record())
      case 'unknown':
        return replies.unknown()
    }
  }

  return { ...readable(read), DELETE: cancel }
}
