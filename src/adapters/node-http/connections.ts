import type { Server } from 'node:net'
import type { NodeRequest, NodeResponse } from './request-of.js'
import type { Timers } from './timers.js'

/** A server of `node:http`, `node:https` or `node:http2`; the methods are those of the first two. */
export interface HttpServer extends Server {
  /** Ends the HTTP/1.1 connections without a request. */
  closeIdleConnections?(): void
  /** Ends all HTTP/1.1 connections. */
  closeAllConnections?(): void
}

/** A connection over HTTP/2. */
interface Session {
  close(): void
  destroy(): void
  once(event: 'close', listener: () => void): unknown
}

const SWEEP_MS = 50

/** The connections of a server, from when it is watched on. */
export class Connections {
  readonly #server: HttpServer
  readonly #timers: Timers
  readonly #replies = new Map<NodeResponse, NodeRequest>()
  readonly #sessions = new Set<Session>()
  #isClosing = false

  constructor(server: HttpServer, timers: Timers) {
    this.#server = server
    this.#timers = timers
    server.prependListener('request', (req: NodeRequest, res: NodeResponse) => {
      this.#replies.set(res, req)
      res.once('close', () => this.#replies.delete(res))
      if (this.#isClosing) askToClose(req, res)
    })
    server.on('session', (session: Session) => {
      this.#sessions.add(session)
      session.once('close', () => this.#sessions.delete(session))
    })
  }

  /** From now on every HTTP/1.1 reply ends its connection, also those in flight: else `end` would wait for them. */
  closeWithReplies(): void {
    this.#isClosing = true
    for (const [res, req] of this.#replies) askToClose(req, res)
  }

  /** Takes no more connections, ends each when it falls idle, and after `closeMs` the rest. */
  end(closeMs: number): Promise<void> {
    return new Promise((resolve) => {
      let forget = (): void => {}
      const sweep = (): void => {
        this.#server.closeIdleConnections?.()
        for (const session of this.#sessions) session.close()
        forget = this.#timers.after(SWEEP_MS, sweep)
      }
      const cut = this.#timers.after(closeMs, () => this.#cut())
      this.#server.close(() => {
        forget()
        cut()
        resolve()
      })
      sweep()
    })
  }

  #cut(): void {
    this.#server.closeAllConnections?.()
    for (const session of this.#sessions) session.destroy()
  }
}

/** HTTP/2 has no Connection header. */
function askToClose(req: NodeRequest, res: NodeResponse): void {
  if (!res.headersSent && req.httpVersionMajor === 1) res.setHeader('Connection', 'close')
}
