import { isFunction, wording } from '../contract/checks.js'
import { callHook } from '../contract/hooks.js'
import type { CancelOutcome } from '../contract/task-contract.js'
import { type HttpReply, type HttpRequest, problem, replyWith, type TicketRoutes } from '../http/index.js'
import { type DashboardAction, refuseCrossSite, refuseForeignHost } from './access.js'
import { type DashboardPool, isShared, requirePool } from './dashboard-pool.js'
import { Feed } from './feed.js'
import { checkDashboardOptions, type DashboardOptions, type DashboardSettings } from './options.js'
import { type Button, pageReply } from './page/page.js'

/**
 * A page that shows what a pool is doing, in front of the ticket routes.
 *
 * ```
 *  GET  /dashboard                     the page, all in one file
 *  GET  /dashboard/events              what it shows, as server-sent events
 *  POST /dashboard/cancel?ticket=<id>  200 canceled   202 requested   404 unknown   409 finished before   503 no store
 *  POST /dashboard/stop                202; with the option `stop`
 * ```
 *
 * Returns ticket routes: whatever takes those of `ticketRoutes` takes these, `nodeListener`, `expressTickets`,
 * `fastifyTickets` and `fetchHandler` too. Requests to other paths, and those that `authorize` denies, go on to `tickets`.
 *
 * From this call until the pool has stopped the totals of the pool are read once a second, so that a page opened later
 * has the last minute. All else is read only while a page is open, at most four times a second, once for up to twenty
 * pages. No timer keeps the process alive. The pool gets no listener.
 *
 * Of a pool that several processes share the page shows the counts and tasks of all of them, and what only this process
 * knows as such: its workers, rates and outcomes. Its store is read once a second while a page is open, one read at a time.
 * While the store is not reached, the page states that, and a cancel is answered with 503.
 *
 * @param pool - the pool to show: a `WorkerPool`, or the `SharedPool` of `coatcheck/bullmq`
 * @param tickets - what `ticketRoutes` returned, or other routes of that form
 * @param options - checked once, by this call; `authorize` is required
 * @throws TypeError that names the argument or option that is wrong or unknown
 *
 * @example
 * ```ts
 * import { createServer } from 'node:http'
 * import { WorkerPool } from 'coatcheck'
 * import { dashboard } from 'coatcheck/dashboard'
 * import { ticketRoutes } from 'coatcheck/http'
 * import { nodeListener } from 'coatcheck/node-http'
 *
 * const pool = new WorkerPool({ concurrency: 10, queueCapacity: 100 }).start()
 * const routes = dashboard(pool, ticketRoutes(pool), { authorize: 'loopback' })
 *
 * export const server = createServer(nodeListener(routes)) // then listen on 127.0.0.1
 * ```
 *
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
export function dashboard(pool: DashboardPool, tickets: TicketRoutes, options: DashboardOptions): TicketRoutes {
  requirePool(pool)
  requireRoutes(tickets)
  const paths = new DashboardPaths(pool, checkDashboardOptions(options))
  return {
    handle: async (request) => (await paths.handle(request)) ?? tickets.handle(request),
    accepted: (task) => tickets.accepted(task),
    refused: (error) => tickets.refused(error),
    stats: () => tickets.stats()
  }
}

function requireRoutes(tickets: unknown): void {
  const isRoutes =
    typeof tickets === 'object' &&
    tickets !== null &&
    ['handle', 'accepted', 'refused', 'stats'].every((name) => isFunction(Reflect.get(tickets, name)))
  if (!isRoutes) throw new TypeError(wording('tickets', 'what ticketRoutes returns', tickets))
}

/** A path of the dashboard: what a request to it does, and how it is answered. */
interface Resource {
  readonly action: DashboardAction
  readonly methods: readonly Method[]
  readonly answer: (request: HttpRequest) => HttpReply | Promise<HttpReply>
}

type Method = 'GET' | 'HEAD' | 'POST'

class DashboardPaths {
  readonly #pool: DashboardPool
  readonly #settings: DashboardSettings
  readonly #feed: Feed
  readonly #resources: ReadonlyMap<string, Resource>

  constructor(pool: DashboardPool, settings: DashboardSettings) {
    const { path, stop } = settings
    this.#pool = pool
    this.#settings = settings
    this.#feed = new Feed(pool, settings.clock)
    const resources = new Map<string, Resource>([
      [path, { action: 'view', methods: ['GET', 'HEAD'], answer: (request) => this.#page(request) }],
      [`${path}/events`, { action: 'view', methods: ['GET'], answer: (request) => this.#events(request) }],
      [`${path}/cancel`, { action: 'cancel', methods: ['POST'], answer: (request) => this.#cancel(request) }]
    ])
    if (stop !== undefined) {
      resources.set(`${path}/stop`, {
        action: 'stop',
        methods: ['POST'],
        answer: (request) => this.#stop(request, stop)
      })
    }
    this.#resources = resources
  }

  /** `undefined` when the path is not one of the dashboard, or the request is denied. */
  async handle(request: HttpRequest): Promise<HttpReply | undefined> {
    const resource = this.#resources.get(pathOf(request.target))
    if (resource === undefined) return undefined
    if (this.#settings.authorize === 'loopback') {
      const refusal = refuseForeignHost(request)
      if (refusal !== undefined) return refusal
    } else if (!(await this.#isAllowed(request, resource.action))) return undefined
    return this.#answer(resource, request)
  }

  async #answer({ methods, answer }: Resource, request: HttpRequest): Promise<HttpReply> {
    const method = methods.find((each) => each === request.method)
    if (method === 'POST') return refuseCrossSite(request) ?? answer(request)
    if (method === 'GET') return answer(request)
    if (method === 'HEAD') return withoutBody(await answer(request))
    const headers = { Allow: [...methods, 'OPTIONS'].join(', ') }
    if (request.method === 'OPTIONS') return replyWith(204, { headers })
    const refusal = problem('METHOD_NOT_ALLOWED')
    return { ...refusal, headers: { ...refusal.headers, ...headers } }
  }

  async #isAllowed(request: HttpRequest, action: DashboardAction): Promise<boolean> {
    const { authorize } = this.#settings
    if (authorize === 'loopback') return true
    try {
      return (await authorize(request, action)) === true
    } catch (error) {
      this.#report(error, request)
      return false
    }
  }

  async #page(request: HttpRequest): Promise<HttpReply> {
    const buttons: Button[] = []
    if (await this.#isAllowed(request, 'cancel')) buttons.push('cancel')
    if (this.#settings.stop !== undefined && (await this.#isAllowed(request, 'stop'))) buttons.push('stop')
    return pageReply(isShared(this.#pool) ? 'shared' : 'local', buttons)
  }

  #events({ signal }: HttpRequest): HttpReply {
    const { headers } = replyWith(200, {
      headers: {
        'Content-Type': 'text/event-stream',
        'Cache-Control': 'private, no-cache, no-transform',
        'X-Accel-Buffering': 'no'
      }
    })
    return { status: 200, headers, close: false, ...this.#feed.open(signal) }
  }

  async #cancel(request: HttpRequest): Promise<HttpReply> {
    const { target } = request
    const ticket = new URLSearchParams(target.slice(target.indexOf('?') + 1)).get('ticket')
    if (ticket === null) return problem('TICKET_NOT_FOUND')
    try {
      return cancelReply(await this.#pool.cancel(ticket))
    } catch (error) {
      this.#report(error, request)
      return problem('STORE_UNAVAILABLE')
    }
  }

  /** Does not wait for the end of the stop, which the reply has to precede. */
  #stop(request: HttpRequest, stop: () => unknown): HttpReply {
    const { threw } = callHook(stop, (error) => this.#report(error, request))
    return threw ? problem('INTERNAL') : replyWith(202, { body: { status: 'stopping' } })
  }

  #report(error: unknown, request: HttpRequest): void {
    callHook(
      () => this.#settings.onError(error, request),
      () => {}
    )
  }
}

function cancelReply(outcome: CancelOutcome): HttpReply {
  if (outcome === 'unknown') return problem('TICKET_NOT_FOUND')
  if (outcome === 'finished') return problem('ALREADY_FINISHED')
  return replyWith(outcome === 'canceled' ? 200 : 202, { body: { status: outcome } })
}

/** The path of a request target, which may be a whole URL. @see RFC 9112, section 3.2 */
function pathOf(target: string): string {
  return target.replace(/^https?:\/\/[^/?]*/i, '').replace(/\?.*/s, '')
}

function withoutBody({ status, headers, close }: HttpReply): HttpReply {
  return { status, headers, close }
}
