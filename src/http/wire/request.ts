/** Header fields as Node gives them: lower-case names; a field that may come more than once is a list. */
export type HttpHeaders = Readonly<Record<string, string | readonly string[] | undefined>>

/**
 * A request as it came, before anything was decided about it. An adapter fills this in from whatever its server has and
 * decides nothing itself: the same request gets the same bytes back whatever carries it.
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
  /** As on the request line, in its own case. */
  readonly method: string

  /** The request target as on the request line: not decoded, not normalised, the query with it. */
  readonly target: string

  /** The header fields. */
  readonly headers: HttpHeaders

  /**
   * The bytes of the body, or a function that begins to read them. Read at most once, only by routes that take a body,
   * and only up to the limit: a reader that is left early must keep the connection open for the reply.
   */
  readonly body: AsyncIterable<Uint8Array> | (() => AsyncIterable<Uint8Array>)

  /** Aborts when the client leaves before its reply was written. */
  readonly signal: AbortSignal
}

/** A request whose owner is known, if it has one. */
export interface OwnedRequest extends HttpRequest {
  /** What the `owner` hook said of it; `undefined` without that hook. */
  readonly owner: string | undefined
}

/** One header field; a field sent several times is one list, as RFC 9110, section 5.3, has it. */
export function headerOf(request: Pick<HttpRequest, 'headers'>, name: string): string | undefined {
  const value = Object.hasOwn(request.headers, name) ? request.headers[name] : undefined
  return value === undefined || typeof value === 'string' ? value : value.join(', ')
}

/**
 * Path and query of a request target, neither decoded. The absolute form (`GET http://example.org/tasks`), which every
 * server must take (RFC 9112, section 3.2.2), has its authority dropped; `undefined` where there is no path (`*`).
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
