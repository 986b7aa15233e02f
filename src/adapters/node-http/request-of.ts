import type { EventEmitter } from 'node:events'
import type { IncomingHttpHeaders } from 'node:http'
import type { Readable, Writable } from 'node:stream'
import type { HttpRequest } from '../../http/index.js'
import { leftSignal } from '../left-signal.js'

/** A request as Node hands it out: `IncomingMessage` of `node:http` and `node:https`, `Http2ServerRequest` of `node:http2`. */
export interface NodeRequest extends Readable {
  /** The method. */
  readonly method?: string | undefined
  /** The request target. */
  readonly url?: string | undefined
  /** The header fields. */
  readonly headers: IncomingHttpHeaders
  /** 1 or 2. */
  readonly httpVersionMajor: number
  /** Whether the whole request has arrived. */
  readonly complete: boolean
  /** The connection. */
  readonly socket: EventEmitter
}

/** A response as Node hands it out: `ServerResponse`, or `Http2ServerResponse`. */
export interface NodeResponse extends Writable {
  /** Whether the reply has begun. */
  readonly headersSent: boolean
  /** Sets a header field of the reply. */
  setHeader(name: string, value: string): unknown
  /** Begins the reply. */
  writeHead(status: number, headers: Readonly<Record<string, string>>): unknown
}

/**
 * Makes of Node's request what `ticketRoutes` takes: for adapters to other frameworks on Node, such as Koa.
 *
 * Its signal aborts when the client leaves before its reply was written, also while the reply waits behind another one on
 * the same connection. The connection stays usable when the body is read only in part.
 *
 * @example
 * ```ts
 * import { createServer } from 'node:http'
 * import { problem, type TicketRoutes } from 'coatcheck/http'
 * import { requestOf, sendReply } from 'coatcheck/node-http'
 *
 * export const serverOf = (tickets: TicketRoutes) =>
 *   createServer(async (req, res) => {
 *     const reply = await tickets.handle(requestOf(req, res))
 *     sendReply(req, res, reply ?? problem('NOT_FOUND'))
 *   })
 * ```
 */
export function requestOf(req: NodeRequest, res: NodeResponse): HttpRequest {
  // A plain `for await (… of req)` destroys the request when it is left early: the rest could not be read any more.
  const body = () => req.iterator({ destroyOnReturn: false })
  return { method: req.method ?? '', target: req.url ?? '', headers: req.headers, body, signal: leftSignal(req, res) }
}
