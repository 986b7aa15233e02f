import { finished } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { HttpReply } from '../../http/index.js'
import type { NodeRequest, NodeResponse } from './request-of.js'
import { systemTimers } from './timers.js'

/** How long a refused client may go on sending, in milliseconds. */
const PATIENCE_MS = 1_000

/**
 * Writes a reply of `coatcheck/http` to Node's response. Does nothing when another reply has begun or the client has left.
 * Never throws: what cannot be sent ends its connection, since an error page would claim that nothing was queued.
 *
 * Pieces are taken as the connection takes them; a client that takes none for too long is cut. A client that is refused
 * while it sends its body has one second to finish, so that it reads the reply instead of a connection reset.
 *
 * @param req - the request that is answered
 * @param res - its response
 * @param reply - what `handle`, `accepted`, `refused`, `problem` or `replyWith` returned
 *
 * @example
 * ```ts
 * import type { IncomingMessage, ServerResponse } from 'node:http'
 * import { problem } from 'coatcheck/http'
 * import { sendReply } from 'coatcheck/node-http'
 *
 * export const notFound = (req: IncomingMessage, res: ServerResponse) => sendReply(req, res, problem('NOT_FOUND'))
 * ```
 */
export function sendReply(req: NodeRequest, res: NodeResponse, reply: HttpReply): void {
  if (res.headersSent || res.destroyed) return
  try {
    write(req, res, reply)
  } catch {
    res.destroy()
  }
}

function write(req: NodeRequest, res: NodeResponse, reply: HttpReply): void {
  // HTTP/2 has no Connection header.
  if (reply.close && req.httpVersionMajor === 1) res.setHeader('Connection', 'close')
  res.writeHead(reply.status, reply.headers)
  if (typeof reply.body === 'object') {
    pipeline(reply.body, res, { signal: reply.signal }).catch(() => res.destroy())
    return
  }
  if (!reply.close || req.complete || reply.body === undefined) {
    res.end(reply.body)
    return
  }
  res.write(reply.body)
  const forget = systemTimers.after(PATIENCE_MS, () => res.end())
  finished(req.resume(), () => {
    forget()
    res.end()
  })
}
