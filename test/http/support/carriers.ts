/** A server for the demo application, or for anything that answers as `ticketRoutes` does, on each adapter. */
import type { RequestListener, Server } from 'node:http'
import { getRequestListener, RequestError } from '@hono/node-server'
import { expressErrors, expressTickets } from 'coatcheck/express'
import { fastifyTickets, sendToFastify } from 'coatcheck/fastify'
import { fetchHandler } from 'coatcheck/fetch'
import { problem, type TicketRoutes } from 'coatcheck/http'
import { nodeListener, sendReply } from 'coatcheck/node-http'
import express5 from 'express'
import express4 from 'express4'
import fastify, { type FastifyInstance } from 'fastify'
import { Hono } from 'hono'
import { ticketServer } from '../../../examples/demo/ticket-server.js'

export const onNode = (tickets: TicketRoutes): Server => ticketServer(nodeListener(tickets))

/** Express 5 with the tickets in it, and problem documents for everything else. */
export function expressApp(tickets: TicketRoutes, app = express5()): express5.Express {
  app.disable('x-powered-by').use(expressTickets(tickets))
  app.use((req, res) => sendReply(req, res, problem('NOT_FOUND')))
  return app.use(expressErrors(tickets))
}

/** The same with Express 4. */
export function express4App(tickets: TicketRoutes): express4.Express {
  const app = express4().disable('x-powered-by').use(expressTickets(tickets))
  app.use((req, res) => sendReply(req, res, problem('NOT_FOUND')))
  return app.use(expressErrors(tickets))
}

/** Fastify with the tickets in it, and problem documents for what leads nowhere. */
export function fastifyApp(tickets: TicketRoutes): FastifyInstance {
  const app = fastify({
    keepAliveTimeout: 5_000, // as Node has it
    frameworkErrors: (_error, request, reply) => void sendToFastify(request, reply, problem('NOT_FOUND'))
  })
  app.server.removeAllListeners('clientError') // Node's own answer to what is not HTTP, instead of Fastify's
  app.setNotFoundHandler((request, reply) => sendToFastify(request, reply, problem('NOT_FOUND')))
  app.register(fastifyTickets, { tickets })
  return app
}

export async function onFastify(tickets: TicketRoutes): Promise<Server> {
  const app = fastifyApp(tickets)
  await app.ready()
  return app.server
}

/** A Hono application below the tickets, on Node. */
export function honoListener(tickets: TicketRoutes, app = new Hono()): RequestListener {
  app.notFound(() => {
    const { status, headers, body } = problem('NOT_FOUND')
    return new Response(String(body), { status, headers })
  })
  const fetch = fetchHandler(tickets, { next: app.fetch })
  return (incoming, outgoing) => {
    // A `*` or a host that is none make no URL, so no `Request`. Whatever else goes wrong ends the connection.
    const errorHandler = (error: unknown) =>
      error instanceof RequestError ? nodeListener(tickets)(incoming, outgoing) : void outgoing.destroy()
    void getRequestListener(fetch, { errorHandler })(incoming, outgoing)
  }
}

/** The same application on every adapter. */
export const carriers: readonly (readonly [
  name: string,
  carry: (tickets: TicketRoutes) => Server | Promise<Server>
])[] = [
  ['node:http', onNode],
  ['Express 4', (tickets) => ticketServer(express4App(tickets))],
  ['Express 5', (tickets) => ticketServer(expressApp(tickets))],
  ['Fastify', onFastify],
  ['Hono', (tickets) => ticketServer(honoListener(tickets))]
]
