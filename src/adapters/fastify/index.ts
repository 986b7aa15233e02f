/**
 * The adapter for Fastify 5.
 *
 * @module coatcheck/fastify
 */
export { fastifyErrors } from './fastify-errors.js'
export { type FastifyTicketsOptions, fastifyTickets } from './fastify-tickets.js'
export type { FastifyApp, FastifyReply, FastifyRequest, FastifyRoute, FastifySocket } from './fastify-types.js'
export { sendToFastify } from './send-to-fastify.js'
