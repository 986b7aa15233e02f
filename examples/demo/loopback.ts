import { type HttpReply, type HttpRequest, problem } from 'coatcheck/http'

/** This machine, by the names a browser on it would use. */
const LOOPBACK_HOST = /^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d{1,5})?$/i

/**
 * Refuses what no client on this machine would send. A server on the loopback address is still open to every page in the
 * browser of its user: one whose name was pointed at 127.0.0.1 shows itself by its `Host`, one that sends requests across
 * by what the browser says of them.
 *
 * @param hasEffect - whether the request changes anything
 * @returns the refusal, or `undefined` when there is nothing to object to
 */
export function refuseForeign(request: HttpRequest, hasEffect: boolean): HttpReply | undefined {
  const host = request.headers['host']
  if (typeof host !== 'string' || !LOOPBACK_HOST.test(host)) return problem('MISDIRECTED_REQUEST')
  if (hasEffect && request.headers['sec-fetch-site'] === 'cross-site') return problem('CROSS_SITE')
  return undefined
}
