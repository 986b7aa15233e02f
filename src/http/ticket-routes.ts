import type { Task } from '../contract/task-contract.js'
import { EventStreams } from './holding/event-streams.js'
import { Followers } from './holding/followers.js'
import { HeldRequests } from './holding/held-requests.js'
import { LongPolls } from './holding/long-polls.js'
import { IdempotencyKeys } from './intake/idempotency.js'
import { type IdempotencyKeyStats, KeyMemory } from './intake/key-memory.js'
import type { TicketRoutesOptions } from './options.js'
import { acceptingResource } from './resources/accepting-resource.js'
import { livez, readyz } from './resources/health.js'
import { ticketEvents } from './resources/ticket-events.js'
import { ticketList } from './resources/ticket-list.js'
import { ticketResource } from './resources/ticket-resource.js'
import { checkTicketRoutesOptions } from './settings.js'
import { TicketAccess } from './tickets/ticket-access.js'
import { TicketLookup } from './tickets/ticket-lookup.js'
import { type AcceptedTask, requirePool, type TicketPool } from './tickets/ticket-pool.js'
import { TicketReplies } from './tickets/ticket-replies.js'
import { Hooks } from './wire/hooks.js'
import { Refusals } from './wire/refusals.js'
import { closing, type HttpReply, withoutBody } from './wire/reply.js'
import { type HttpRequest, splitTarget } from './wire/request.js'
import { absent, answer, type Match, RouteTable, readable } from './wire/route-table.js'
import { recorded } from './wire/store-failure.js'

/** The HTTP routes of a pool's tickets, independent of any framework. */
export interface TicketRoutes {
  /**
   * Decides the reply to a request. Never rejects.
   *
   * @returns `undefined` when the path is not one of these routes: the application handles the request
   */
  handle(request: HttpRequest): Promise<HttpReply | undefined>

  /**
   * The 202 for a task that the application's own route has queued. Headers and body contain the ticket. Never rejects.
   */
  accepted(task: Task | AcceptedTask): Promise<HttpReply>

  /**
   * The reply to an error, for the application's own routes: an error of `queueTask`, an {@link invalidField}. An unknown
   * error becomes a 500 without detail and goes to `onError`. Never throws.
   */
  refused(error: unknown): HttpReply

  /** Counters of the routes. */
  stats(): TicketRoutesStats
}

/** Counters of {@link TicketRoutes}. */
export interface TicketRoutesStats {
  /** The memory of `Idempotency-Key`s. */
  readonly idempotencyKeys: IdempotencyKeyStats
}

/**
 * Makes the HTTP routes of a pool: a POST queues a task and gets 202 with a ticket, the ticket's URL has the task's status
 * until the pool forgets it, and the pool's refusals become 503 and 429 with `Retry-After`.
 *
 * ```
 *  POST   <accepting route>        202 queued      400 413 415 429 503 nothing was queued
 *  GET    /tasks/<ticket>          200 status      304 not modified   404 unknown
 *         with Prefer: wait=N      held until the status changes
 *  DELETE /tasks/<ticket>          200 canceled    202 cancel requested   409 finished before   404 unknown
 *  GET    /tasks/<ticket>/events   200 an event for each change   204 no further event   404 unknown
 *  GET    /tasks                   200 the client's tickets, with `authorize`
 *  GET    /livez /readyz           200 yes         503 not yet, or no longer
 * ```
 *
 * `ticketPath` replaces `/tasks`. HEAD works like GET, OPTIONS on each path; any other method gets 405. An adapter passes in
 * a {@link HttpRequest} and writes the {@link HttpReply}. Listeners exist only for requests that wait, timers only for those
 * and for idempotency keys of tasks that have not settled; no timer keeps the process alive. Several route sets may share a
 * pool.
 *
 * @param pool - the pool of the tickets
 * @typeParam Schemas - the types of the routes' schemas, inferred
 * @param options - checked once, by this call
 * @throws TypeError or RangeError that names the wrong or unknown option
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
export function ticketRoutes<const Schemas extends readonly unknown[] = readonly undefined[]>(
  pool: TicketPool,
  options: TicketRoutesOptions<Schemas> = {}
): TicketRoutes {
  requirePool(pool)
  const settings = checkTicketRoutesOptions(options)
  const { accept, basePath, clock, random } = settings
  const ticketPath = basePath + settings.ticketPath

  const hooks = new Hooks(settings.onError)
  const refusals = new Refusals(hooks, random)
  const replies = new TicketReplies({ ...settings, ticketsUrl: `${settings.publicUrl}${ticketPath}/` }, hooks)
  const lookup = new TicketLookup(pool, clock)
  const access = new TicketAccess({ pool, lookup, hooks, rules: settings })
  const { maxIdempotencyKeys: capacity, idempotencyMs: keptMs } = settings
  const memory = new KeyMemory({ pool, replies, hooks, clock, capacity, keptMs })
  const keys = new IdempotencyKeys(memory, lookup)
  const followers = new Followers(pool, clock)
  const longPolls = new LongPolls(followers, new HeldRequests(settings.longPolls), clock)
  const held = new HeldRequests(settings.streams)
  const streams = new EventStreams({ followers, held, replies, hooks, clock, random })
  const isClosing = (): boolean =>
    pool.state === 'stopping' ||
    pool.state === 'stopped' ||
    hooks.result('closing', settings.closing, (answer) => answer === true) === true

  const table = new RouteTable()
  if (settings.authorize !== undefined) table.exact(ticketPath, ticketList(access, replies))
  else if (accept.some(({ path }) => path === settings.ticketPath)) table.exact(ticketPath, readable(absent))
  const parts = { pool, access, keys, lookup, replies, refusals, hooks, maxBodyBytes: settings.maxBodyBytes }
  for (const route of accept) table.exact(basePath + route.path, acceptingResource(route, parts))
  table.any(`${ticketPath}/{id}`, ticketResource({ pool, access, replies, longPolls }))
  table.any(`${ticketPath}/{id}/events`, ticketEvents(access, replies, streams))
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
    accepted: async (given) => {
      try {
        const task = lookup.queuedTask(given, 'the argument of `accepted` to be')
        await recorded(task)
        return finish(replies.accepted(task, false))
      } catch (error) {
        return finish(refusals.reply(error))
      }
    },
    refused: (error) => finish(refusals.reply(error)),
    stats: () => ({ idempotencyKeys: memory.stats() })
  }
}
