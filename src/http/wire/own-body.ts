import { integer, wording } from '../../contract/checks.js'
import { type HttpReply, replyWith } from './reply.js'

/** The application's own body for a reply. Status and headers stay as they are. */
export interface OwnBody {
  /** Text is sent as it is, anything else as JSON. */
  readonly body: unknown
  /**
   * The content type of the body.
   *
   * @defaultValue `text/plain; charset=utf-8` for text, else `application/json`
   */
  readonly contentType?: string | undefined
  /**
   * Another `Retry-After`, in whole seconds.
   *
   * @defaultValue that of the default reply
   */
  readonly retryAfterSeconds?: number | undefined
}

/**
 * The default reply with the application's body in it.
 *
 * @throws TypeError or RangeError when the body cannot be sent
 */
export function ownReply(
  status: number,
  own: OwnBody,
  usual: { readonly headers?: Readonly<Record<string, string>>; readonly close?: boolean }
): HttpReply {
  if (typeof own !== 'object' || own === null) throw new TypeError(wording('answer', 'an object with a body', own))
  const { body, contentType, retryAfterSeconds } = own
  if (body === undefined) throw new TypeError(wording('body', 'text or what has a JSON form', body))
  const retryAfter =
    retryAfterSeconds === undefined ? {} : { 'Retry-After': String(integer('retryAfterSeconds', retryAfterSeconds, 0)) }
  return replyWith(status, { body, contentType, headers: { ...usual.headers, ...retryAfter }, close: usual.close })
}
