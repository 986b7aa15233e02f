import { PoolStoppedError, withoutStack } from '../errors.js'
import type { Task } from '../task-contract.js'
import { readBody } from './body.js'
import { parseObject } from './json-object.js'
import { requireJson } from './media-type.js'
import type { AcceptingRoute } from './options.js'
import { ownReply } from './own-body.js'
import { ownedRequest } from './owned-request.js'
import { type Refusal, refusalReply } from './problems.js'
import type { Refusals } from './refusals.js'
import type { HttpReply } from './reply.js'
import type { HttpRequest } from './request.js'
import { requestError } from './request-error.js'
import type { Methods } from './route-table.js'
import type { TicketSettings } from './settings.js'
import type { TicketPool } from './ticket-pool.js'
import type { TicketReplies } from './ticket-replies.js'

/** What all accepting routes share. */
export interface Intake {
  readonly pool: TicketPool
  readonly settings: TicketSettings
  readonly replies: TicketReplies
  readonly refusals: Refusals
}

/** A path whose POST hands in work. */
export function acceptingResource(route: AcceptingRoute, intake: Intake): Methods {
  const { replies, refusals } = intake

  const accepted = async (task: Task): Promise<HttpReply> => {
    const { accepted: own } = route
    if (own !== undefined) {
      const status = await replies.status(task)
      const reply = refusals.guarded(
        'accepted',
        () => own(task, status),
        (body) => replies.acceptedWith(task, body)
      )
      if (reply !== undefined) return reply
    }
    return replies.accepted(task)
  }

  const refused = (refusal: Refusal): HttpReply => {
    const { refused: own } = route
    if (own === undefined) return refusalReply(refusal)
    const { problem } = refusal
    const reply = refusals.guarded(
      'refused',
      () => own(problem),
      (body) => ownReply(problem.status, body, refusal)
    )
    return reply ?? refusalReply(refusal)
  }

  const post = async (request: HttpRequest): Promise<HttpReply> => {
    let task: Task
    try {
      task = await handIn(route, request, intake)
    } catch (error) {
      return refused(refusals.of(error, request))
    }
    try {
      await task.recorded
    } catch (error) {
      return refused(refusals.notRecorded(error, request))
    }
    return accepted(task)
  }

  return { POST: post }
}

/** The checks in their order; nothing is queued before the last of them has passed. */
async function handIn(route: AcceptingRoute, request: HttpRequest, intake: Intake): Promise<Task> {
  requireOpen(intake.pool)
  requireJson(request)
  const input = parseObject(await readBody(request, intake.settings.maxBodyBytes))
  const owned = await ownedRequest(request, intake.settings.owner)
  if (request.signal.aborted) throw requestError('INVALID_BODY', 'The client left.', { close: true })
  const task = await route.submit(input, owned)
  if (typeof task?.record !== 'function') throw new TypeError(`Expected \`submit\` of ${route.path} to return a task`)
  return task
}

/** Before the body is read: a stopping server has no use for it. */
function requireOpen({ state }: TicketPool): void {
  if (state === 'stopping' || state === 'stopped') throw withoutStack(() => new PoolStoppedError(state))
}
