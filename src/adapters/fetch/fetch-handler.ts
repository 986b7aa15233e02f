import { callable, optionsOf } from '../../contract/checks.js'
import type { HttpRequest, TicketRoutes } from '../../http/index.js'
import { leftSignal } from '../left-signal.js'
import { requireTickets } from '../require-tickets.js'
import { type NodeBindings, nodeBindings } from './node-bindings.js'
import { responseOf } from './response-of.js'

/**
 * A handler of Fetch requests.
 *
 * `platform` is what the server gives its handler besides the request. On Node give it on, as in `handler(request, env)`: it
 * holds Node's own request and response.
 */
export type FetchHandler<Answer> = (request: Request, ...platform: unknown[]) => Promise<Answer>

/** What is around the tickets on a server. */
export interface FetchHandlerOptions {
  /** Answers the requests that are not for the ticket routes: the `fetch` of an application. */
  next(request: Request, ...platform: unknown[]): Response | PromiseLike<Response>
}

/**
 * A handler that answers the ticket routes with a `Response`, for whatever takes a Fetch `Request`: Hono, Next.js route
 * handlers, SvelteKit, Bun, Deno. Uses nothing of Node.
 *
 * Status and body are those of `tickets.handle`, to the byte. An event stream makes its next piece when the last one was
 * taken, and ends when its reader cancels it. A request whose `signal` aborts is released. With the option `next` every
 * request is answered; without it the answer is `undefined` for a request that is not for the ticket routes.
 *
 * @param tickets - what `ticketRoutes` returned
 * @throws TypeError that names the argument that is wrong
 *
 * @example
 * ```ts
 * import { WorkerPool } from 'coatcheck'
 * import { fetchHandler } from 'coatcheck/fetch'
 * import { ticketRoutes } from 'coatcheck/http'
 * import { Hono } from 'hono'
 *
 * const pool = new WorkerPool({ concurrency: 10, queueCapacity: 100 }).start()
 * const handle = fetchHandler(ticketRoutes(pool))
 *
 * export const app = new Hono()
 * app.use(async (c, next) => (await handle(c.req.raw, c.env)) ?? next())
 * ```
 */
export function fetchHandler(tickets: Pick<TicketRoutes, 'handle'>): FetchHandler<Response | undefined>
export function fetchHandler(
  tickets: Pick<TicketRoutes, 'handle'>,
  options: FetchHandlerOptions
): FetchHandler<Response>
export function fetchHandler(
  tickets: Pick<TicketRoutes, 'handle'>,
  options?: FetchHandlerOptions
): FetchHandler<Response | undefined> {
  requireTickets(tickets, 'handle')
  const next = options === undefined ? undefined : nextOf(options)
  return async (request, ...platform) => {
    const bindings = nodeBindings(platform[0])
    const reply = await tickets.handle(requestOf(request, bindings))
    return reply === undefined ? next?.(request, ...platform) : responseOf(reply, request, bindings)
  }
}

function nextOf(options: FetchHandlerOptions): FetchHandlerOptions['next'] {
  return callable('next', optionsOf<FetchHandlerOptions>('options', options, { next: true }).next)
}

function requestOf(request: Request, bindings: NodeBindings | undefined): HttpRequest {
  const body = () => bytesOf(request)
  if (bindings === undefined) {
    const { method, url: target, signal } = request
    return { method, target, headers: Object.fromEntries(request.headers), body, signal }
  }
  // A URL has its dots resolved, and `Headers` joins what came twice: as it came is better.
  const { incoming, outgoing } = bindings
  const { url: target = request.url, headers } = incoming
  return { method: request.method, target, headers, body, signal: leftSignal(incoming, outgoing) }
}

/** Leaves the rest where it is: to cancel it would end the connection before the reply. */
async function* bytesOf({ body }: Request): AsyncGenerator<Uint8Array> {
  if (body !== null) yield* body.values({ preventCancel: true })
}
