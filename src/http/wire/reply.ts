import { wording } from '../../contract/checks.js'

/** A complete reply. An adapter writes it unchanged and adds nothing. */
export interface HttpReply {
  /** The status code. */
  readonly status: number

  /**
   * The header fields, `Content-Length` included when the body is text. `Date`, `Connection` and `Transfer-Encoding` are
   * left to the server.
   */
  readonly headers: Readonly<Record<string, string>>

  /**
   * The body: a text, or pieces of text. Absent without a body, and for HEAD. Take the next piece when the connection has
   * drained the last one: a piece is produced on demand, and none is buffered for a slow client. End the iteration when
   * the client disconnects.
   */
  readonly body?: string | AsyncIterable<string>

  /**
   * Aborts when the client has not drained a piece for 30 seconds: destroy the connection then. Present only with a body
   * in pieces.
   */
  readonly signal?: AbortSignal

  /** Whether the connection closes after this reply: `Connection: close`, on HTTP/1.1 only. */
  readonly close: boolean
}

/** The parts of a reply, for {@link replyWith}. */
export interface ReplyParts {
  /**
   * The body. Text is sent as it is, anything else as JSON.
   *
   * @defaultValue none
   */
  readonly body?: unknown

  /**
   * The content type of the body.
   *
   * @defaultValue `text/plain; charset=utf-8` for text, else `application/json`
   */
  readonly contentType?: string | undefined

  /** Further header fields. Never put values from a request here. */
  readonly headers?: Readonly<Record<string, string>> | undefined

  /**
   * Whether the connection closes after the reply.
   *
   * @defaultValue false
   */
  readonly close?: boolean | undefined
}

/**
 * Makes a reply with the headers of every reply of this library: `X-Content-Type-Options: nosniff`, `Referrer-Policy:
 * no-referrer` because URLs contain tickets, and `Cache-Control: private, no-cache`, or `no-store` for errors.
 *
 * @param status - the status code; 204 and 304 have no body
 * @throws TypeError for a body without a JSON form, and for a header value that cannot be sent: not a string, or with a
 *   control character or a character beyond Latin-1 in it
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

/** Tab and the printable characters of Latin-1. @see RFC 9110, section 5.5 */
const SENDABLE = /^[\t\x20-\x7e\x80-\xff]*$/

/** Checked here, since a server throws only while it writes the reply, too late to send an error. */
function requireSendable(name: string, value: unknown): void {
  if (typeof value === 'string' && SENDABLE.test(value)) return
  throw new TypeError(wording(name, 'text that can stand in a header, without line breaks', value))
}

/** The reply to HEAD: that to GET without its body; `Content-Length` stays. */
export function withoutBody(reply: HttpReply): HttpReply {
  return { status: reply.status, headers: reply.headers, close: reply.close }
}

/** The same reply, after which the connection closes. */
export function closing(reply: HttpReply): HttpReply {
  return reply.close ? reply : { ...reply, close: true }
}
