/**
 * Tickets in an Express application, version 4 or 5. Express hands out Node's own request and response, so the carrying
 * is that of `node-http.ts`; what is here is what Express does differently.
 *
 * `npx tsx examples/express.ts` runs a server with it.
 */
import { fileURLToPath } from 'node:url'
import { type HttpReply, type ProblemCode, problem, type TicketRoutes } from 'coatcheck/http'
import express, { type Application, type ErrorRequestHandler, type Request, type RequestHandler } from 'express'
import { readArguments, serve } from './demo/serve.js'
import { type Routes, requestOf, send, ticketServer } from './node-http.js'

/** Answers what the routes answer and passes everything else on. Goes before anything that reads bodies, if it can. */
export function ticketMiddleware(routes: Routes): RequestHandler {
  return (req, res, next) => {
    // Not `req.url`, from which Express cuts the path that this is mounted at.
    const request = { ...requestOf(req, res), target: req.originalUrl, ...bodyReadAlready(req) }
    routes
      .handle(request)
      .then((reply) => (reply === undefined ? next() : send(req, res, reply)), next)
      .catch(() => res.destroy()) // not `next`: an error page would say 500 of work that may be queued
  }
}

/** An earlier `express.json()` or `express.raw()` has taken the bytes: give them back. */
function bodyReadAlready(req: Request): { readonly body?: () => AsyncGenerator<Uint8Array> } {
  if (!req.readableDidRead) return {}
  const body: unknown = req.body
  return {
    body: async function* () {
      yield Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body))
    }
  }
}

/** The application's 404, as a problem document. */
export const notFound: RequestHandler = (req, res) => send(req, res, problem('NOT_FOUND'))

type Refusing = Pick<TicketRoutes, 'refused'>

/** In place of Express' own error page, which shows stacks. Mistakes of clients get the reply that the routes give. */
export function errorPage(tickets: Refusing): ErrorRequestHandler {
  return (error: unknown, req, res, next) => {
    if (res.headersSent) return next(error) // too late to say anything: Express cuts the connection
    send(req, res, mistakeReply(error) ?? tickets.refused(error))
  }
}

/** The status that Express and its body parsers give to an error of the client, and the reply for it. */
const MISTAKES = new Map<unknown, ProblemCode>([
  [400, 'INVALID_BODY'],
  [413, 'BODY_TOO_LARGE'],
  [415, 'UNSUPPORTED_MEDIA_TYPE']
])

function mistakeReply(error: unknown): HttpReply | undefined {
  const code = error instanceof Error && 'status' in error ? MISTAKES.get(error.status) : undefined
  if (code === undefined) return undefined
  return problem(error instanceof URIError ? 'NOT_FOUND' : code) // a path that cannot be decoded leads nowhere
}

const EXPOSED = 'Location, Retry-After, ETag, Operation-Location, Preference-Applied, Idempotent-Replayed, Allow'
const ALLOWED = 'Content-Type, Prefer, Idempotency-Key, If-None-Match, Last-Event-ID'

/** Lets pages of these origins, and of no others, use the routes. */
export function cors(origins: readonly string[]): RequestHandler {
  return (req, res, next) => {
    res.vary('Origin')
    const { origin } = req.headers
    if (origin === undefined || !origins.includes(origin)) return next()
    res.set({ 'Access-Control-Allow-Origin': origin, 'Access-Control-Expose-Headers': EXPOSED })
    if (req.method !== 'OPTIONS' || req.headers['access-control-request-method'] === undefined) return next()
    res.set({ 'Access-Control-Allow-Headers': ALLOWED, 'Access-Control-Allow-Methods': 'GET, HEAD, POST, DELETE' })
    res.set('Access-Control-Max-Age', '600').status(204).end()
  }
}

/** Puts everything in its place; give it a fresh application. */
export function mount(app: Application, routes: Routes & Refusing, origins: readonly string[] = []): Application {
  app.disable('x-powered-by')
  if (origins.length > 0) app.use(cors(origins))
  app.use(ticketMiddleware(routes), notFound, errorPage(routes))
  return app
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await serve((app) => ticketServer(mount(express(), app)), readArguments(process.argv.slice(2)))
}
