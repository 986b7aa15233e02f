import type { Task } from '../contract/task-contract.js'
import { livez, readyz } from './resources/health.js'
import { EventStreams } from './holding/event-streams.js'
import { Followers } from './holding/followers.js'
import { Holds } from './holding/held-requests.js'
import { LongPolls } from './holding/long-polls.js'
import { acceptingResource } from './resources/accepting-resource.js'
import { IdempotencyKeys } from './intake/idempotency.js'
import { recorded } from './intake/recorded.js'
import type { TicketRoutesOptions } from './options.js'
import { Refusals } from './wire/refusals.js'
import { checkTicketRoutesOptions } from './settings.js'
import { TicketAccess } from './tickets/ticket-access.js'
import { ticketEvents } from './resources/ticket-events.js'
import { ticketList } from './resources/ticket-list.js'
import { requirePool, type TicketPool } from './tickets/ticket-pool.js'
import { TicketReplies } from './tickets/ticket-replies.js'
import { ticketResource } from './resources/ticket-resource.js'
import { closing, type HttpReply, withoutBody } from './wire/reply.js'
import { type HttpRequest, splitTarget } from './wire/request.js'
import { absent, answer, type Match, RouteTable, readable } from './wire/route-table.js'

/** A pool's tickets over HTTP, without a framework. */
export interface TicketRoutes {
  /**
   * Decides the reply to a request. Never rejects.
   *
   * @returns `undefined` when the path is none of these routes: the application goes on
   */
  handle(request: HttpRequest): Promise<HttpReply | undefined>

  /**
   * The 202 for a task that a route of the application's own has queued: once it is as durable as its pool can make it,
   * with the ticket in headers and body. Never rejects.
   */
  accepted(task: Task): Promise<HttpReply>

  /**
   * The reply to an error, for routes of the application's own: what `queueTask` threw, an {@link invalidField}; anything
   * unknown is a 500 without a word about it, and goes to `onError`. Never throws.
   */
  refused(error: unknown): HttpReply
}

/**
 * Puts a pool's tickets on HTTP: work is handed in by POST and answered with 202 and a ticket; the ticket is asked for,
 * or canceled, until its task has ended; the pool's refusals become 503 and 429 with `Retry-After`.
 *
 * ```
 *  POST   <accepting route>   202 the ticket    400 413 415 429 503 not queued, for sure
 *  GET    /tasks/<ticket>     200 the status    304 unchanged   404 unknown
 *         with Prefer: wait=N held until there is news
 *  GET    /tasks              200 the tickets that the client may see, with `authorize`
 *  DELETE /tasks/<ticket>     200 canceled      202 asked to end   409 had ended   404 unknown
 *  GET    /tasks/<ticket>/events   200 each change as an event     204 nothing more to tell   404 unknown
 *  GET    /livez /readyz      200 yes           503 not (yet, any more)
 * ```
 *
 * HEAD comes with GET, OPTIONS with everything; any other method is a 405. Everything is decided here: an adapter hands
 * over a {@link HttpRequest} and writes the {@link HttpReply}. Holds timers and listeners only for requests that wait;
 * several may share a pool.
 *
 * @param pool - whose tickets these are
 * @param options - checked once, now
 * @throws TypeError or RangeError that names the option that is wrong or unknown
 *
 * @example
 * ```ts
 * import { WorkerPool } from 'coatcheck'
 * import { invalidField, ticketRoutes } from 'coatcheck/http'
 *
 * const pool = new WorkerPool({
 *   concurrency: 10,
 *   queueCapacity: 100,
 *   handlers: { greet: async (name: string) => `hello, ${name}` }
 * })
 *
 * export const tickets = ticketRoutes(pool, {
 *   accept: [
 *     {
 *       path: '/tasks',
 *       submit: (input) => {
 *         const name = Object.hasOwn(input, 'name') ? input['name'] : undefined
 *         if (typeof name !== 'string') throw invalidField('/name', 'must be a string')
 *         return pool.queueTask('greet', name)
 *       }
 *     }
 *   ]
 * })
 * ```
 *
 * @see RFC 9110 for the statuses, RFC 9457 for the errors
 */
export function ticketRoutes(pool: TicketPool, options: TicketRoutesOptions = {}): TicketRoutes {
  requirePool(pool)
  const settings = checkTicketRoutesOptions(options)
  const refusals = new Refusals(settings)
  const replies = new TicketReplies(settings, (error) => refusals.report(error))
  const isClosing = (): boolean =>
    pool.state === 'stopping' ||
    pool.state === 'stopped' ||
    refusals.guarded('closing', settings.closing, (answer) => answer === true) === true

  const { basePath, clock } = settings
  const access = new TicketAccess(pool, settings, refusals)
  const followers = new Followers(pool, clock)
  const longPolls = new LongPolls(followers, new Holds(settings.longPolls), clock)

  const streams = new EventStreams({ followers, replies, settings, report: (error) => refusals.report(error) })

  const table = new RouteTable()
  if (settings.authorize !== undefined) table.exact(`${basePath}/tasks`, ticketList(access, replies))
  else if (settings.accept.some(({ path }) => path === '/tasks')) table.exact(`${basePath}/tasks`, readable(absent))
  const keys = new IdempotencyKeys(pool, settings.maxIdempotencyKeys)
  const intake = { pool, settings, access, keys, replies, refusals }
  for (const route of settings.accept) {
    table.exact(basePath + route.path, acceptingResource(route, intake))
  }
  table.any(`${basePath}/tasks/:`, ticketResource({ pool, access, replies, longPolls }))
  table.any(`${basePath}/tasks/:/events`, ticketEvents(access, replies, streams))
  table.exact(`${basePath}/livez`, livez)
  table.exact(`${basePath}/readyz`, readyz(pool, isClosing))

  const answered = async (match: Match, request: HttpRequest): Promise<HttpReply> => {
    try {
      return await answer(match, request)
    } catch (error) {
      return refusals.reply(error, request)
    }
  }

  const finish = (reply: HttpReply): HttpReply => (isClosing() ? closing(reply) : reply)

  return {
    handle: async (request) => {
      const path = splitTarget(request.target)?.path
      const match = path === undefined ? undefined : table.match(path)
      if (match === undefined) return undefined
      const reply = finish(await answered(match, request))
      return request.method === 'HEAD' ? withoutBody(reply) : reply
    },
    accepted: async (task) => {
      try {
        await recorded(task)
        return finish(await replies.accepted(task, false))
      } catch (error) {
        return finish(refusals.reply(error))
      }
    },
    refused: (error) => finish(refusals.reply(error))
  }
}
