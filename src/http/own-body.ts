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

/** The usual reply with the application's own body in it. */
export function ownReply(
  status: number,
  { body, contentType, retryAfterSeconds }: OwnBody,
  usual: { readonly headers?: Readonly<Record<string, string>>; readonly close?: boolean }
): HttpReply {
  const retryAfter = retryAfterSeconds === undefined ? {} : { 'Retry-After': String(retryAfterSeconds) }
  return replyWith(status, { body, contentType, headers: { ...usual.headers, ...retryAfter }, close: usual.close })
}
