/**
 * Tickets in a Fastify application. Fastify hands out Node's own request and response, so the carrying is that of
 * `node-http.ts`; what is here is what Fastify does differently.
 *
 * `npx tsx examples/fastify.ts` runs a server with it.
 */
import { fileURLToPath } from 'node:url'
import { problem, type TicketRoutes } from 'coatcheck/http'
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { readArguments, serve } from './demo/serve.js'
import { type Routes, requestOf, send, ticketServer } from './node-http.js'

/**
 * A Fastify application whose server asks the routes first: before Fastify's router, which answers `/tasks/%` by itself,
 * and before its body parsers. Add plugins and routes to it as usual; `ready` or `listen` it.
 */
export function ticketFastify(routes: Routes & Pick<TicketRoutes, 'refused'>): FastifyInstance {
  const app = fastify({
    frameworkErrors: (_error, request, reply) => notFound(request, reply), // a path that is no path
    serverFactory: (next) =>
      ticketServer((req, res) => {
        routes
          .handle(requestOf(req, res))
          .then((reply) => (reply === undefined ? next(req, res) : send(req, res, reply)))
          .catch(() => res.destroy()) // what cannot be sent ends its connection, not the server
      })
  })
  app.server.removeAllListeners('clientError') // Node's own answer to what is not HTTP, instead of Fastify's
  app.addHook('onRequest', async (request, reply) => {
    if (request.is404) notFound(request, reply) // here, before anything reads the body
  })
  app.setErrorHandler<Error & { readonly statusCode?: number }>((error, request, reply) => {
    if ((error.statusCode ?? 500) < 500) return void reply.send(error) // a body that Fastify cannot read
    reply.hijack()
    send(request.raw, reply.raw, routes.refused(error))
  })
  return app
}

/** Past `reply.send`, which adds a charset to the type. */
function notFound(request: FastifyRequest, reply: FastifyReply): void {
  reply.hijack()
  send(request.raw, reply.raw, problem('NOT_FOUND'))
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await serve(
    async (tickets) => {
      const app = ticketFastify(tickets)
      await app.ready()
      return app.server
    },
    readArguments(process.argv.slice(2))
  )
}
