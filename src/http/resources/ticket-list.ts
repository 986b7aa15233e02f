import { TASK_STATES, type TaskState } from '../../contract/task-record.js'
import type { TicketAccess } from '../tickets/ticket-access.js'
import type { TicketReplies } from '../tickets/ticket-replies.js'
import { problemOf } from '../wire/problems.js'
import { type HttpRequest, splitTarget } from '../wire/request.js'
import { RequestError } from '../wire/request-error.js'
import { type Methods, readable } from '../wire/route-table.js'

const MAX_LIMIT = 100

/** `GET /tasks`: the newest tickets that the client may see. */
export function ticketList(access: TicketAccess, replies: TicketReplies): Methods {
  return readable(async (request: HttpRequest) => {
    const query = new URLSearchParams(splitTarget(request.target)?.query)
    const [state, limit] = [stateOf(query), limitOf(query)]
    return replies.list(await access.list(await access.identify(request), state, limit))
  })
}

function stateOf(query: URLSearchParams): TaskState | undefined {
  const state = single(query, 'state')
  if (state !== undefined && !TASK_STATES.has(state))
    throw wrong('state', `must be one of ${[...TASK_STATES].join(', ')}`)
  return state as TaskState | undefined
}

function limitOf(query: URLSearchParams): number {
  const limit = single(query, 'limit') ?? String(MAX_LIMIT)
  if (!/^[1-9]\d{0,2}$/.test(limit) || Number(limit) > MAX_LIMIT) {
    throw wrong('limit', `must be a whole number from 1 to ${MAX_LIMIT}`)
  }
  return Number(limit)
}

function single(query: URLSearchParams, name: string): string | undefined {
  const values = query.getAll(name)
  if (values.length > 1) throw wrong(name, 'must be given once')
  return values[0]
}

function wrong(name: string, detail: string): RequestError {
  const errors = [{ pointer: `/${name}`, detail }]
  return new RequestError({ problem: problemOf('INVALID_FIELD', { detail: 'A part of the query is wrong.', errors }) })
}
