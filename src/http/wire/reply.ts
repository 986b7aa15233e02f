import { wording } from '../../contract/checks.js'

/** A reply that is decided to the last byte. An adapter writes it as it stands and adds nothing. */
export interface HttpReply {
  /** The status code. */
  readonly status: number

  /**
   * The header fields; `Date`, `Connection` and `Transfer-Encoding` are the server's. `Content-Length` is among them when
   * the body is text.
   */
  readonly headers: Readonly<Record<string, string>>

  /**
   * The body: text as a whole, or pieces of text as they come. Absent where there is none, and for HEAD. Take the next
   * piece when the connection has taken the last one; nothing is made before it is taken, nothing is kept for a slow
   * reader. Leave the loop when the client leaves.
   */
  readonly body?: string | AsyncIterable<string>

  /**
   * Aborts when the pieces are not taken for too long: the connection is to be cut. Only with a body that comes in
   * pieces.
   */
  readonly signal?: AbortSignal

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
 * @throws TypeError for a body without a JSON form, and for a header value that no server could send: not text, or with
 *   a line break in it
 *
 * @example
 * ```ts
 * import { replyWith } from 'coatcheck/http'
 *
 * export const hello = () => replyWith(200, { body: 'hello' })
 * ```
 */
export function replyWith(status: number, parts: ReplyParts = {}): HttpReply {
  for (const [name, value] of Object.entries(parts.headers ?? {})) requireSendable(name, value)
  const headers: Record<string, string> = {
    'Cache-Control': status >= 400 ? 'no-store' : 'private, no-cache',
    'Referrer-Policy': 'no-referrer',
    'X-Content-Type-Options': 'nosniff',
    ...parts.headers
  }
  const close = parts.close ?? false
  if (parts.body === undefined) return { status, headers, close }
  const isText = typeof parts.body === 'string'
  const body = isText ? String(parts.body) : jsonOf(parts.body)
  const contentType = parts.contentType ?? (isText ? 'text/plain; charset=utf-8' : 'application/json')
  requireSendable('Content-Type', contentType)
  headers['Content-Type'] = contentType
  headers['Content-Length'] = String(Buffer.byteLength(body))
  return { status, headers, body, close }
}

function jsonOf(body: unknown): string {
  const text: string | undefined = JSON.stringify(body)
  if (text === undefined) throw new TypeError(wording('body', 'text or what has a JSON form', body))
  return text
}

/** Tab, and what Latin-1 prints. @see RFC 9110, section 5.5 */
const SENDABLE = /^[\t\x20-\x7e\x80-\xff]*$/

/** A server would throw on it when the reply is written, and then nobody could be told any more. */
function requireSendable(name: string, value: unknown): void {
  if (typeof value === 'string' && SENDABLE.test(value)) return
  throw new TypeError(wording(name, 'text that can stand in a header, without line breaks', value))
}

/** The reply to HEAD: that to GET without its body, the length kept. */
export function withoutBody(reply: HttpReply): HttpReply {
  return { status: reply.status, headers: reply.headers, close: reply.close }
}

/** The same reply, after which the connection ends. */
export function closing(reply: HttpReply): HttpReply {
  return reply.close ? reply : { ...reply, close: true }
}
