/**
 * Tickets on a plain `node:http` server.
 *
 * The first part is the adapter, to be copied into an application. The second is a server that uses it:
 * `npx tsx examples/node-http.ts`, then the lines that it prints.
 */
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerOptions,
  type ServerResponse
} from 'node:http'
import { finished, type Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import { type HttpReply, type HttpRequest, problem, type TicketRoutes } from 'coatcheck/http'
import { readArguments, serve } from './demo/serve.js'

/** Anything that decides replies: ticket routes, or an application around them. */
export type Routes = Pick<TicketRoutes, 'handle'>

/** Hands every request to the routes; what is none of theirs is a 404. */
export function listener(routes: Routes): RequestListener {
  return (req, res) => {
    routes
      .handle(requestOf(req, res))
      .then((reply) => send(req, res, reply ?? problem('NOT_FOUND')))
      .catch(() => res.destroy()) // what cannot be sent ends its connection, not the server
  }
}

/** What is needed of a response here. */
export type Outgoing = Pick<Writable, 'writableEnded' | 'once' | 'destroy'>

/** Who is to be told when a connection closes: of replies that wait behind another one on it, Node tells none. */
const waiting = new WeakMap<object, Set<() => void>>()

/** Aborts when the client leaves before all was said. */
export function leftSignal(req: Pick<IncomingMessage, 'socket'>, res: Outgoing): AbortSignal {
  const left = new AbortController()
  const leave = () => {
    if (!res.writableEnded) left.abort()
  }
  const all = waiting.get(req.socket) ?? new Set()
  if (!waiting.has(req.socket)) {
    req.socket.once('close', () => {
      for (const each of all) each()
    })
  }
  waiting.set(req.socket, all.add(leave))
  res.once('close', leave).once('close', () => all.delete(leave))
  return left.signal
}

/** Carries a request over as it is. */
export function requestOf(req: IncomingMessage, res: ServerResponse): HttpRequest {
  // A plain `for await (… of req)` destroys the request when it is left early: the rest could not be read off any more.
  const body = () => req.iterator({ destroyOnReturn: false })
  return { method: req.method ?? '', target: req.url ?? '', headers: req.headers, body, signal: leftSignal(req, res) }
}

/** Writes a reply as it is. */
export function send(req: IncomingMessage, res: ServerResponse, reply: HttpReply): void {
  if (res.headersSent || res.destroyed) return
  // HTTP/2 has no Connection header.
  if (reply.close && req.httpVersionMajor === 1) res.setHeader('Connection', 'close')
  res.writeHead(reply.status, reply.headers)
  if (typeof reply.body === 'object') return stream(res, reply.body, reply.signal)
  if (!reply.close || req.complete || reply.body === undefined) {
    res.end(reply.body)
    return
  }
  // To close while the client still sends resets the connection, and it never reads why: give it a second to finish.
  res.write(reply.body)
  const timer = setTimeout(() => res.end(), 1_000)
  finished(req.resume(), () => {
    clearTimeout(timer)
    res.end()
  })
}

/** Takes a piece when the connection has taken the last one; ends when the client leaves, or when `signal` says so. */
function stream(res: ServerResponse, body: AsyncIterable<string>, signal?: AbortSignal): void {
  pipeline(body, res, { signal }).catch(() => res.destroy())
}

/** A server with limits: on headers and bodies that come a byte at a time, and on how many may try it. */
export function ticketServer(onRequest: RequestListener, options: ServerOptions = {}): Server {
  const server = createServer(
    { headersTimeout: 10_000, requestTimeout: 30_000, connectionsCheckingInterval: 5_000, ...options },
    onRequest
  )
  server.maxConnections = 2_000
  return server
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await serve((app) => ticketServer(listener(app)), readArguments(process.argv.slice(2)))
}
