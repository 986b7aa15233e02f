import type { HttpRequest, TicketRoutes } from '../../http/index.js'
import { type NodeResponse, requestOf, sendReply } from '../node-http/index.js'
import { requireTickets } from '../require-tickets.js'
import type { ExpressNext, ExpressRequest } from './express-types.js'

/**
 * Middleware for Express 4 and 5 that answers the ticket routes; everything else goes on to `next()`.
 *
 * Replies are those of `tickets.handle`, to the byte. Use it before `express.json()` where possible: after it a body meets
 * the limit and the errors of the parser first. Paths are whole ones wherever it is mounted: with
 * `app.use('/api', expressTickets(tickets))` give `ticketRoutes` the `basePath` `/api`.
 *
 * @param tickets - what `ticketRoutes` returned
 * @throws TypeError when it is something else
 *
 * @example
 * ```ts
 * import { WorkerPool } from 'coatcheck'
 * import { expressErrors, expressTickets } from 'coatcheck/express'
 * import { ticketRoutes } from 'coatcheck/http'
 * import express from 'express'
 *
 * const pool = new WorkerPool({ concurrency: 10, queueCapacity: 100 }).start()
 * const tickets = ticketRoutes(pool)
 *
 * export const app = express().use(expressTickets(tickets)).use(expressErrors(tickets))
 * ```
 */
export function expressTickets(
  tickets: Pick<TicketRoutes, 'handle'>
): (req: ExpressRequest, res: NodeResponse, next: ExpressNext) => void {
  requireTickets(tickets, 'handle')
  return (req, res, next) => {
    const request = { ...requestOf(req, res), target: req.originalUrl, ...bodyReadAlready(req) }
    void tickets.handle(request).then((reply) => (reply === undefined ? next() : sendReply(req, res, reply)), next)
  }
}

/** An earlier `express.json()` or `express.raw()` has taken the bytes: they are made again of what it left. */
function bodyReadAlready(req: ExpressRequest): Partial<Pick<HttpRequest, 'body'>> {
  if (!req.readableDidRead) return {}
  const { body } = req
  return {
    body: async function* () {
      yield Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body) ?? '')
    }
  }
}
