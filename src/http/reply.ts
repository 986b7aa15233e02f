/** A reply that is decided to the last byte. An adapter writes it as it stands and adds nothing. */
export interface HttpReply {
  /** The status code. */
  readonly status: number

  /** The header fields, `Content-Length` among them; `Date` and `Connection` are the server's. */
  readonly headers: Readonly<Record<string, string>>

  /** The body; absent where there is none, and for HEAD. */
  readonly body?: string

  /** Whether the connection should end after this reply: `Connection: close`, on HTTP/1.1 only. */
  readonly close: boolean
}

/** What a reply is made of. */
export interface ReplyParts {
  /**
   * The body: text as it is, anything else as JSON.
   *
   * @defaultValue none
   */
  readonly body?: unknown

  /**
   * The type of the body.
   *
   * @defaultValue `text/plain; charset=utf-8` for text, else `application/json`
   */
  readonly contentType?: string | undefined

  /** Further header fields. Put nothing in here that came with a request. */
  readonly headers?: Readonly<Record<string, string>> | undefined

  /**
   * Whether the connection should end after it.
   *
   * @defaultValue false
   */
  readonly close?: boolean | undefined
}

/**
 * Makes a reply with the headers that every reply of this library has: no type guessing (`nosniff`), no referrer (the
 * ticket stands in the URL), and caching only after asking again, or not at all for errors.
 *
 * @param status - the status code; 204 and 304 have no body and no length
 *
 * @example
 * ```ts
 * import { replyWith } from 'coatcheck/http'
 *
 * export const hello = () => replyWith(200, { body: 'hello' })
 * ```
 */
export function replyWith(status: number, parts: ReplyParts = {}): HttpReply {
  const headers: Record<string, string> = {
    'Cache-Control': status >= 400 ? 'no-store' : 'private, no-cache',
    'Referrer-Policy': 'no-referrer',
    'X-Content-Type-Options': 'nosniff',
    ...parts.headers
  }
  const close = parts.close ?? false
  if (parts.body === undefined) return { status, headers, close }
  const isText = typeof parts.body === 'string'
  const body = isText ? String(parts.body) : JSON.stringify(parts.body)
  headers['Content-Type'] = parts.contentType ?? (isText ? 'text/plain; charset=utf-8' : 'application/json')
  headers['Content-Length'] = String(Buffer.byteLength(body))
  return { status, headers, body, close }
}

/** The reply to HEAD: that to GET without its body, the length kept. */
export function withoutBody(reply: HttpReply): HttpReply {
  return { status: reply.status, headers: reply.headers, close: reply.close }
}

/** The same reply, after which the connection ends. */
export function closing(reply: HttpReply): HttpReply {
  return reply.close ? reply : { ...reply, close: true }
}
