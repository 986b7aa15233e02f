import { isRefusal, type TicketRoutes } from '../../http/index.js'
import { requireTickets } from '../require-tickets.js'
import type { FastifyReply, FastifyRequest } from './fastify-types.js'
import { sendToFastify } from './send-to-fastify.js'

/**
 * An error handler for Fastify: what the pool throws when it refuses work in a route of the application's own, and
 * `invalidField`, get the reply of `tickets.refused`. Any other error is thrown again, for the error handler around it or
 * Fastify's own.
 *
 * @param tickets - what `ticketRoutes` returned
 * @throws TypeError when it is something else
 *
 * @example
 * ```ts
 * import { WorkerPool } from 'coatcheck'
 * import { fastifyErrors, fastifyTickets } from 'coatcheck/fastify'
 * import { ticketRoutes } from 'coatcheck/http'
 * import fastify from 'fastify'
 *
 * const pool = new WorkerPool({ concurrency: 10, queueCapacity: 100 }).start()
 * const tickets = ticketRoutes(pool)
 *
 * export const app = fastify()
 * app.setErrorHandler(fastifyErrors(tickets))
 * app.register(fastifyTickets, { tickets, pool })
 * ```
 */
export function fastifyErrors(
  tickets: Pick<TicketRoutes, 'refused'>
): (error: unknown, request: FastifyRequest, reply: FastifyReply) => void {
  requireTickets(tickets, 'refused')
  return (error, request, reply) => {
    if (!isRefusal(error)) throw error
    sendToFastify(request, reply, tickets.refused(error))
  }
}
