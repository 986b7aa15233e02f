import { createHash } from 'node:crypto'
import { PoolStoppedError, withoutStack } from '../../contract/errors.js'
import type { Task } from '../../contract/task-contract.js'
import type { TicketAccess } from '../tickets/ticket-access.js'
import type { TicketLookup } from '../tickets/ticket-lookup.js'
import type { TicketPool } from '../tickets/ticket-pool.js'
import { requireJson } from '../wire/media-type.js'
import type { HttpRequest, OwnedRequest } from '../wire/request.js'
import { requestError } from '../wire/request-error.js'
import { recorded } from '../wire/store-failure.js'
import type { CheckedRoute } from './accepting-route.js'
import { readBody } from './body.js'
import type { IdempotencyKeys, Submitted } from './idempotency.js'
import { idempotencyKeyOf } from './idempotency-key.js'
import { type JsonObject, parseObject } from './json-object.js'
import { validated } from './validated-body.js'

/** The parts that all accepting routes share. */
export interface Intake {
  readonly pool: TicketPool
  readonly access: TicketAccess
  readonly keys: IdempotencyKeys
  readonly lookup: TicketLookup
  readonly maxBodyBytes: number
}

/** A request to an accepting route that has passed all checks but those of `submit`. */
export interface Submission {
  readonly bytes: Uint8Array
  readonly input: JsonObject
  readonly request: OwnedRequest
  readonly key: string | undefined
}

/**
 * Reads a submission. The checks run in this order: pool state, content type, size, JSON, idempotency key, owner.
 *
 * @throws PoolStoppedError, RequestError, or what the `owner` hook throws
 */
export async function readSubmission(request: HttpRequest, intake: Intake): Promise<Submission> {
  const { state } = intake.pool
  if (state === 'stopping' || state === 'stopped') throw withoutStack(() => new PoolStoppedError(state))
  requireJson(request)
  const bytes = await readBody(request, intake.maxBodyBytes)
  const input = parseObject(bytes)
  const key = idempotencyKeyOf(request)
  return { bytes, input, key, request: await intake.access.identify(request) }
}

/**
 * Queues a submission, or finds the task that was queued with its idempotency key.
 *
 * @throws RequestError (422) when the key was sent with another body, or by a client whose ticket this one may not see: the
 *   answer does not reveal which; what `submit` throws
 */
export async function submitOnce(
  route: CheckedRoute,
  submission: Submission,
  { keys, access, pool, lookup }: Intake
): Promise<Submitted> {
  const { request, key, bytes } = submission
  if (key === undefined) return { task: await queued(route, submission, lookup), isReplayed: false }
  const place = JSON.stringify([request.owner, request.method, route.path, key])
  const fingerprint = digest(bytes)
  const ticket = pool.ticketFor?.(place)
  const once = ticket === undefined ? {} : { id: ticket, fingerprint }
  const submitted = await keys.once({ place, fingerprint, ticket, signal: request.signal }, () =>
    queued(route, { ...submission, request: { ...request, once } }, lookup)
  )
  if (submitted.isReplayed && !(await access.permits(request, submitted.task.record()))) {
    throw requestError('IDEMPOTENCY_KEY_REUSED')
  }
  return submitted
}

function digest(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('base64')
}

/** The queued task, once it is recorded. */
async function queued(route: CheckedRoute, { input, request }: Submission, lookup: TicketLookup): Promise<Task> {
  const body = route.body === undefined ? input : await validated(route.body, input)
  if (request.signal.aborted) throw requestError('INVALID_BODY', 'The client left.', { close: true })
  const task = lookup.queuedTask(await route.submit(body, request), `\`submit\` of ${route.path} to return`)
  await recorded(task)
  return task
}
