/**
 * A page that shows what a pool is doing, served beside the routes of an application:
 *
 * ```
 *  GET  /dashboard         the page, all in one file
 *  GET  /dashboard/events  what it shows, as server-sent events
 *  POST /dashboard/stop    begins the end of the server, if it can be ended from here
 * ```
 *
 * Its cancel button is the DELETE of the ticket. Whoever sees the page can cancel every task and reads what their errors
 * say: it is for those who run the server. Here it is closed to all but this machine; elsewhere put it behind a login.
 */
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { type HttpReply, type HttpRequest, problem, replyWith, type TicketRoutes } from 'coatcheck/http'
import { refuseForeign } from '../demo/loopback.js'
import { Feed, type FeedClock } from './feed.js'
import type { WatchedPool } from './snapshot.js'

/** What may differ from one dashboard to another. */
export interface DashboardOptions {
  /** Begins the end of the server; without it the page has no button for that. */
  readonly stop?: () => void
  /** For tests. */
  readonly clock?: FeedClock
}

type Methods = Readonly<Record<string, (request: HttpRequest) => HttpReply>>

type Routes = Pick<TicketRoutes, 'handle'>

/** Serves the dashboard of an application's pool, and the application behind it. */
export function withDashboard(app: Routes & { readonly pool: WatchedPool }, options: DashboardOptions = {}): Routes {
  const { stop, clock } = options
  const feed = new Feed(app.pool, clock)
  const paths = new Map<string, Methods>([
    ['/dashboard', { GET: () => page(stop !== undefined), HEAD: () => withoutBody(page(stop !== undefined)) }],
    ['/dashboard/events', { GET: ({ signal }) => events(feed, signal) }]
  ])
  if (stop !== undefined) paths.set('/dashboard/stop', { POST: (request) => stopped(request, stop) })

  return {
    handle: async (request) => {
      const methods = paths.get(request.target.split('?', 1)[0] ?? '')
      if (methods === undefined) return app.handle(request)
      return refuseForeign(request, !SAFE.has(request.method)) ?? answer(methods, request)
    }
  }
}

const SAFE: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS'])

function answer(methods: Methods, request: HttpRequest): HttpReply {
  if (Object.hasOwn(methods, request.method)) return methods[request.method]?.(request) ?? problem('INTERNAL')
  const allow = { Allow: [...Object.keys(methods), 'OPTIONS'].join(', ') }
  if (request.method === 'OPTIONS') return replyWith(204, { headers: allow })
  const refusal = problem('METHOD_NOT_ALLOWED')
  return { ...refusal, headers: { ...refusal.headers, ...allow } }
}

const PAGE = readFileSync(new URL('./page.html', import.meta.url), 'utf8')

/** The page with a nonce of its own: only what bears it runs, and no text can become markup or script. */
function page(canStop: boolean): HttpReply {
  const nonce = randomBytes(18).toString('base64')
  const policy = [
    "default-src 'none'",
    `script-src 'nonce-${nonce}'`,
    `style-src 'nonce-${nonce}'`,
    "connect-src 'self'",
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'"
  ]
  return replyWith(200, {
    body: PAGE.replaceAll('{{nonce}}', nonce).replaceAll('{{stop}}', canStop ? 'yes' : 'no'),
    contentType: 'text/html; charset=utf-8',
    headers: {
      'Cache-Control': 'no-store', // a nonce is used once
      'Content-Security-Policy': policy.join('; '),
      'Cross-Origin-Opener-Policy': 'same-origin',
      'Cross-Origin-Resource-Policy': 'same-origin'
    }
  })
}

function withoutBody({ status, headers, close }: HttpReply): HttpReply {
  return { status, headers, close }
}

function events(feed: Feed, left: AbortSignal): HttpReply {
  const { headers } = replyWith(200, {
    headers: {
      'Content-Type': 'text/event-stream',
      'Cache-Control': 'private, no-cache, no-transform',
      'X-Accel-Buffering': 'no'
    }
  })
  return { status: 200, headers, close: false, ...feed.open(left) }
}

function stopped({ headers }: HttpRequest, stop: () => void): HttpReply {
  // Nothing has to be sent along, so that no preflight keeps out a page on another port of this machine.
  const site = headers['sec-fetch-site']
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return problem('CROSS_SITE')
  stop()
  return replyWith(202, { body: { status: 'stopping' } })
}
