/**
 * Tickets on a server that takes a Fetch `Request` and gives a `Response`: Hono here, but nothing in the adapter is Hono's.
 *
 * `npx tsx examples/hono.ts` runs a server with it.
 */
import type { IncomingMessage, RequestListener } from 'node:http'
import { fileURLToPath } from 'node:url'
import { getRequestListener, RequestError } from '@hono/node-server'
import { type HttpReply, type HttpRequest, problem } from 'coatcheck/http'
import { Hono } from 'hono'
import { readArguments, serve } from './demo/serve.js'
import { leftSignal, listener, type Outgoing, type Routes, ticketServer } from './node-http.js'

/** What a server on Node hands over next to the request. Others have no such thing. */
export interface Bindings {
  readonly incoming?: Pick<IncomingMessage, 'url' | 'headers' | 'httpVersionMajor' | 'socket'>
  readonly outgoing?: Outgoing
}

export type FetchHandler = (request: Request, bindings?: Bindings) => Response | Promise<Response>

/** Answers what the routes answer, and asks the application for everything else: before its router, middleware and all. */
export function ticketFetch(routes: Routes, application: FetchHandler): FetchHandler {
  return async (request, bindings) => {
    const reply = await routes.handle(requestOf(request, bindings))
    return reply === undefined ? application(request, bindings) : responseOf(reply, request, bindings)
  }
}

function requestOf(request: Request, { incoming, outgoing }: Bindings = {}): HttpRequest {
  // A URL has its dots resolved and `Headers` joins what came twice: as it came is better, where there is such a thing.
  const { url: target = request.url, headers = Object.fromEntries(request.headers) } = incoming ?? {}
  const signal = incoming && outgoing ? leftSignal(incoming, outgoing) : request.signal
  return { method: request.method, target, headers, body: () => bytesOf(request), signal }
}

/** Leaves the rest where it is: to cancel it would end the connection before the reply. */
async function* bytesOf({ body }: Request): AsyncGenerator<Uint8Array> {
  if (body !== null) yield* body.values({ preventCancel: true })
}

/** A reply as it is. */
export function responseOf(reply: HttpReply, request?: Request, { incoming, outgoing }: Bindings = {}): Response {
  const { status, body, close, signal } = reply
  // HTTP/2 has no Connection header.
  const connection = close && incoming?.httpVersionMajor !== 2 ? { Connection: 'close' } : {}
  const headers = { ...connection, ...reply.headers }
  const rest = close ? request?.body : null
  if (typeof body === 'object') return new Response(streamOf(body, signal, outgoing), { status, headers })
  return new Response(body !== undefined && rest ? streamOf(heard(body, rest)) : body, { status, headers })
}

/** To close while the client still sends resets the connection, and it never reads why: give it a second to finish. */
async function* heard(body: string, rest: ReadableStream): AsyncGenerator<string> {
  yield body
  const patience = { signal: AbortSignal.timeout(1_000), preventCancel: true }
  await rest.pipeTo(new WritableStream(), patience).catch(() => {}) // it has left, or goes on and on
}

/** Takes a piece when the connection has taken the last one; ends when the client leaves, or when `signal` says so. */
function streamOf(pieces: AsyncIterable<string>, signal?: AbortSignal, outgoing?: Outgoing): ReadableStream {
  const iterator = pieces[Symbol.asyncIterator]()
  const source = {
    start: (controller: ReadableStreamDefaultController) => {
      // The server on Node would log the error of a stream, and a slow client is none.
      const cut = () => (outgoing === undefined ? controller.error(signal?.reason) : outgoing.destroy())
      signal?.addEventListener('abort', cut, { once: true })
    },
    pull: async (controller: ReadableStreamDefaultController) => {
      const { done, value } = await iterator.next()
      if (done === true) controller.close()
      else controller.enqueue(new TextEncoder().encode(value))
    },
    cancel: async () => void (await iterator.return?.())
  }
  return new ReadableStream(source, { highWaterMark: 0 })
}

/** A Hono application below the tickets, on Node. */
export function ticketHono(routes: Routes, app = new Hono()): RequestListener {
  app.notFound(() => responseOf(problem('NOT_FOUND')))
  const fetch = ticketFetch(routes, app.fetch)
  return (incoming, outgoing) => {
    // A `*` or a host that is none make no URL, so no `Request`. Whatever else goes wrong ends the connection: a 500 would
    // say of work that may be queued that it is not.
    const errorHandler = (error: unknown) =>
      error instanceof RequestError ? listener(routes)(incoming, outgoing) : void outgoing.destroy()
    void getRequestListener(fetch, { errorHandler })(incoming, outgoing)
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await serve((tickets) => ticketServer(ticketHono(tickets)), readArguments(process.argv.slice(2)))
}
