import { integer, wording } from '../../contract/checks.js'
import { type HttpReply, replyWith } from './reply.js'

/** A body of the application's own, in place of the usual one. Status and headers stay as they are. */
export interface OwnBody {
  /** Text as it is, anything else as JSON. */
  readonly body: unknown
  /**
   * Its type.
   *
   * @defaultValue `text/plain; charset=utf-8` for text, else `application/json`
   */
  readonly contentType?: string | undefined
  /**
   * Another `Retry-After`, in whole seconds.
   *
   * @defaultValue the usual one
   */
  readonly retryAfterSeconds?: number | undefined
}

/**
 * The usual reply with the application's own body in it.
 *
 * @throws TypeError or RangeError when no reply can be made of it
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
