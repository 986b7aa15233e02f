/** Header fields in Node's form: lower-case names; a field that was sent more than once may be a list. */
export type HttpHeaders = Readonly<Record<string, string | readonly string[] | undefined>>

/**
 * A request as it arrived. An adapter fills it in from its server's request and decides nothing itself, so the same
 * request gets the same reply from every server.
 *
 * @example
 * ```ts
 * import type { IncomingMessage } from 'node:http'
 * import type { HttpRequest } from 'coatcheck/http'
 *
 * export const requestOf = (req: IncomingMessage, signal: AbortSignal): HttpRequest => ({
 *   method: req.method ?? '',
 *   target: req.url ?? '',
 *   headers: req.headers,
 *   body: () => req.iterator({ destroyOnReturn: false }),
 *   signal
 * })
 * ```
 */
export interface HttpRequest {
  /** The method as on the request line; case is significant. */
  readonly method: string

  /** The request target as on the request line, with its query: not decoded, not normalised. */
  readonly target: string

  /** The header fields. */
  readonly headers: HttpHeaders

  /**
   * The bytes of the body, or a function that starts to read them. Read at most once, only by routes that take a body,
   * and only up to the limit. Ending the iteration early must keep the connection open for the reply.
   */
  readonly body: AsyncIterable<Uint8Array> | (() => AsyncIterable<Uint8Array>)

  /**
   * Aborts when the client disconnects before its reply is written. A signal of this request alone: while the request waits,
   * the routes have one listener on it.
   */
  readonly signal: AbortSignal
}

/** A request after the `owner` hook. */
export interface OwnedRequest extends HttpRequest {
  /** The result of the `owner` hook; `undefined` without that hook. */
  readonly owner: string | undefined

  /**
   * Options of the task that a request with an `Idempotency-Key` queues: pass them on, and the key is remembered by the pool,
   * as long as the ticket, also over a restart: `submit: (input, { once }) => pool.queueTask('resize', input, { ...once })`.
   * Empty without such a key, and for a pool without `ticketFor`.
   */
  readonly once: OnceOptions
}

/** Options that make a task the only one of its `Idempotency-Key`. */
export interface OnceOptions {
  /** The ticket that belongs to owner, method, path and key. */
  readonly id?: string
  /** A digest of the body. A request with the same key and another one is refused. */
  readonly fingerprint?: string
}

/** The value of a header field; several values are joined with commas. @see RFC 9110, section 5.3 */
export function headerOf(request: Pick<HttpRequest, 'headers'>, name: string): string | undefined {
  const value = Object.hasOwn(request.headers, name) ? request.headers[name] : undefined
  return value === undefined || typeof value === 'string' ? value : value.join(', ')
}

/**
 * Path and query of a request target, not decoded; `undefined` for a target without a path (`*`). The absolute form
 * (`GET http://example.org/tasks`), which every server must accept, loses its scheme and authority.
 *
 * @see RFC 9112, section 3.2.2
 */
export function splitTarget(target: string): { readonly path: string; readonly query: string } | undefined {
  const origin = originForm(target)
  if (origin === undefined) return undefined
  const mark = origin.indexOf('?')
  const end = mark === -1 ? origin.length : mark
  return { path: origin.slice(0, end), query: origin.slice(end + 1) }
}

function originForm(target: string): string | undefined {
  if (target.startsWith('/')) return target
  const scheme = ['http://', 'https://'].find((each) => target.slice(0, each.length).toLowerCase() === each)
  if (scheme === undefined) return undefined
  const start = target.slice(scheme.length).search(/[/?]/)
  if (start === -1) return '/'
  const rest = target.slice(scheme.length + start)
  return rest.startsWith('/') ? rest : `/${rest}`
}
