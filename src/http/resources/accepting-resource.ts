import { PoolStoppedError, withoutStack } from '../../contract/errors.js'
import type { Task } from '../../contract/task-contract.js'
import type { AcceptingRoute } from '../options.js'
import type { Refusals } from '../wire/refusals.js'
import type { TicketSettings } from '../settings.js'
import type { TicketAccess } from '../tickets/ticket-access.js'
import type { TicketPool } from '../tickets/ticket-pool.js'
import type { TicketReplies } from '../tickets/ticket-replies.js'
import { requireJson } from '../wire/media-type.js'
import { ownReply } from '../wire/own-body.js'
import { type Refusal, refusalReply } from '../wire/problems.js'
import type { HttpReply } from '../wire/reply.js'
import type { HttpRequest, OwnedRequest } from '../wire/request.js'
import { requestError } from '../wire/request-error.js'
import type { Methods } from '../wire/route-table.js'
import { readBody } from '../intake/body.js'
import type { IdempotencyKeys, Submitted } from '../intake/idempotency.js'
import { idempotencyKeyOf } from '../intake/idempotency-key.js'
import { type JsonObject, parseObject } from '../intake/json-object.js'
import { recorded } from '../intake/recorded.js'

/** What all accepting routes share. */
export interface Intake {
  readonly pool: TicketPool
  readonly settings: TicketSettings
  readonly access: TicketAccess
  readonly keys: IdempotencyKeys
  readonly replies: TicketReplies
  readonly refusals: Refusals
}

/** A path whose POST hands in work. */
export function acceptingResource(route: AcceptingRoute, intake: Intake): Methods {
  const { access, replies, refusals } = intake

  const accepted = async ({ task, isReplayed }: Submitted): Promise<HttpReply> => {
    const { accepted: own } = route
    if (own !== undefined) {
      const status = await replies.status(task)
      const reply = refusals.guarded(
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
    const reply = refusals.guarded(
      'refused',
      () => own(problem),
      (body) => ownReply(problem.status, body, refusal)
    )
    return reply ?? refusalReply(refusal)
  }

  /** A submission that failed; where the task is that has its id already, if it is the client's own. */
  const notHandedIn = async (error: unknown, request: OwnedRequest): Promise<HttpReply> => {
    const refusal = refusals.of(error, request)
    const other = await access.ownDuplicate(request, error)
    if (other === undefined) return refused(refusal)
    return refused({ ...refusal, headers: { ...refusal.headers, Location: replies.url(other.id) } })
  }

  const post = async (request: HttpRequest): Promise<HttpReply> => {
    let submission: Submission
    let submitted: Submitted
    try {
      submission = await checked(request, intake)
    } catch (error) {
      return refused(refusals.of(error, request))
    }
    try {
      submitted = await handIn(route, submission, intake.keys)
    } catch (error) {
      return notHandedIn(error, submission.request)
    }
    return accepted(submitted)
  }

  return { POST: post }
}

/** What a client handed in, after the checks of its form. */
interface Submission {
  readonly bytes: Uint8Array
  readonly input: JsonObject
  readonly request: OwnedRequest
  readonly key: string | undefined
}

/** The checks in their order, up to those that only `submit` can make. */
async function checked(request: HttpRequest, { pool, settings, access }: Intake): Promise<Submission> {
  requireOpen(pool)
  requireJson(request)
  const bytes = await readBody(request, settings.maxBodyBytes)
  const input = parseObject(bytes)
  const key = idempotencyKeyOf(request)
  return { bytes, input, key, request: await access.identify(request) }
}

/** Before the body is read: a stopping server has no use for it. */
function requireOpen({ state }: TicketPool): void {
  if (state === 'stopping' || state === 'stopped') throw withoutStack(() => new PoolStoppedError(state))
}

/** Queues, unless that was done before; nothing was queued up to here. */
async function handIn(route: AcceptingRoute, submission: Submission, keys: IdempotencyKeys): Promise<Submitted> {
  const { request, key, bytes } = submission
  const queue = (): Promise<Task> => queued(route, submission)
  if (key === undefined) return { task: await queue(), isReplayed: false }
  const scope = [request.owner, request.method, route.path]
  return keys.once({ scope, key, bytes, signal: request.signal }, queue)
}

/** The task of a submission, as durable as its pool can make it. */
async function queued(route: AcceptingRoute, { input, request }: Submission): Promise<Task> {
  if (request.signal.aborted) throw requestError('INVALID_BODY', 'The client left.', { close: true })
  const task = await route.submit(input, request)
  if (typeof task?.record !== 'function') throw new TypeError(`Expected \`submit\` of ${route.path} to return a task`)
  await recorded(task)
  return task
}
