import type { CheckedRoute } from '../intake/accepting-route.js'
import type { Submitted } from '../intake/idempotency.js'
import { type Intake, readSubmission, type Submission, submitOnce } from '../intake/submission.js'
import type { TicketReplies } from '../tickets/ticket-replies.js'
import type { Hooks } from '../wire/hooks.js'
import { ownReply } from '../wire/own-body.js'
import { type Refusal, refusalReply } from '../wire/problems.js'
import type { Refusals } from '../wire/refusals.js'
import type { HttpReply } from '../wire/reply.js'
import type { HttpRequest, OwnedRequest } from '../wire/request.js'
import type { Methods } from '../wire/route-table.js'

/** The parts that accepting resources use. */
export interface AcceptingParts extends Intake {
  readonly replies: TicketReplies
  readonly refusals: Refusals
  readonly hooks: Hooks
}

/** An accepting route: POST queues a task. */
export function acceptingResource(route: CheckedRoute, parts: AcceptingParts): Methods {
  const { access, replies, refusals, hooks } = parts

  const accepted = ({ task, isReplayed }: Submitted): HttpReply => {
    const { accepted: own } = route
    if (own !== undefined) {
      const status = replies.status(task)
      const reply = hooks.result(
        'accepted',
        () => own(task, status),
        (body) => replies.acceptedWith(task, isReplayed, body)
      )
      if (reply !== undefined) return reply
    }
    return replies.accepted(task, isReplayed)
  }

  const refused = (refusal: Refusal): HttpReply => {
    const { refused: own } = route
    if (own === undefined) return refusalReply(refusal)
    const { problem } = refusal
    const reply = hooks.result(
      'refused',
      () => own(problem),
      (body) => ownReply(problem.status, body, refusal)
    )
    return reply ?? refusalReply(refusal)
  }

  /** A duplicate id gets the `Location` of the other task if that belongs to the same client. */
  const notQueued = async (error: unknown, request: OwnedRequest): Promise<HttpReply> => {
    const refusal = refusals.of(error, request)
    const other = await access.ownDuplicate(request, error)
    if (other === undefined) return refused(refusal)
    return refused({ ...refusal, headers: { ...refusal.headers, Location: replies.url(other.id) } })
  }

  const post = async (request: HttpRequest): Promise<HttpReply> => {
    let submission: Submission
    let submitted: Submitted
    try {
      submission = await readSubmission(request, parts)
    } catch (error) {
      return refused(refusals.of(error, request))
    }
    try {
      submitted = await submitOnce(route, submission, parts)
    } catch (error) {
      return notQueued(error, submission.request)
    }
    return accepted(submitted)
  }

  return { POST: post }
}
