import type { HttpReply, HttpRequest } from '../http/index.js'
import { problem } from '../http/index.js'

/** What a request to the dashboard does. */
export type DashboardAction = 'view' | 'cancel' | 'stop'

/** Decides about a request and an action. */
export type Authorize = (request: HttpRequest, action: DashboardAction) => boolean | PromiseLike<boolean>

/** The names by which a browser reaches its own machine. */
const LOOPBACK_HOST = /^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d{1,5})?$/i

/**
 * Refuses a request whose `Host` is not this machine: the page of a foreign site whose name was pointed at 127.0.0.1 (DNS
 * rebinding) sends its own name.
 */
export function refuseForeignHost({ headers }: HttpRequest): HttpReply | undefined {
  const host = headers['host']
  return typeof host === 'string' && LOOPBACK_HOST.test(host) ? undefined : problem('MISDIRECTED_REQUEST')
}

/**
 * Refuses a POST that a page of another origin sends with the cookies of its reader. Browsers state the relation of the
 * two in `Sec-Fetch-Site`; where they do not (plain HTTP, older ones), `Origin` must be this host. What no browser sends
 * has neither.
 */
export function refuseCrossSite({ headers }: HttpRequest): HttpReply | undefined {
  const site = headers['sec-fetch-site']
  if (site !== undefined) return site === 'same-origin' || site === 'none' ? undefined : problem('CROSS_SITE')
  const origin = headers['origin']
  if (origin === undefined) return undefined
  const isOwn = typeof origin === 'string' && origin.replace(/^https?:\/\//i, '') === headers['host']
  return isOwn ? undefined : problem('CROSS_SITE')
}
