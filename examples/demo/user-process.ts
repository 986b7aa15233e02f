import type { Task } from 'coatcheck'
import { type HttpReply, type HttpRequest, problem, replyWith, type TicketRoutes } from 'coatcheck/http'
import type { Work } from './work.js'

const USER_PROCESS_MS = 3_000

/** Whether a request is for the route below, and its query if so. */
export function userProcessQuery(target: string): URLSearchParams | undefined {
  return target === '/' || target.startsWith('/?') ? new URLSearchParams(target.slice(2)) : undefined
}

/**
 * `GET /?user_id=1` of a well-known question about a channel as a queue: one user's process is queued, a text says so.
 * Where the original answers 500 when its channel is full, this is the 503 of every other route.
 *
 * A GET that does something is not a pattern to follow: prefetchers send it, pages of other sites can.
 */
export function userProcess(
  request: HttpRequest,
  query: URLSearchParams,
  queue: (work: Work) => Task,
  tickets: Pick<TicketRoutes, 'refused'>
): HttpReply {
  const allow = { Allow: 'GET, OPTIONS' }
  if (request.method === 'OPTIONS') return replyWith(204, { headers: allow })
  if (request.method !== 'GET') return withHeaders(problem('METHOD_NOT_ALLOWED'), allow)
  const userId = query.get('user_id') ?? ''
  if (userId === '') return replyWith(400, { body: "missing 'user_id' in query params" })
  try {
    queue({ label: `user ${userId}`, workMs: USER_PROCESS_MS, fails: false })
  } catch (error) {
    return tickets.refused(error)
  }
  return replyWith(200, { body: `queuing user process: ${userId}` })
}

function withHeaders(reply: HttpReply, headers: Readonly<Record<string, string>>): HttpReply {
  return { ...reply, headers: { ...reply.headers, ...headers } }
}
