import { isRefusal, type ProblemCode, problem, type TicketRoutes } from '../../http/index.js'
import { type NodeResponse, sendReply } from '../node-http/index.js'
import { requireTickets } from '../require-tickets.js'
import { clientMistake } from './client-mistake.js'
import type { ExpressNext, ExpressRequest } from './express-types.js'

/**
 * An error handler for Express 4 and 5. It answers
 *
 * - what the pool throws when it refuses work in a route of the application's own (a full queue, a stopped pool, a
 *   duplicate id), and `invalidField`: with the reply of `tickets.refused`,
 * - what Express and its body parsers find wrong with a request (no JSON, too large, a charset or encoding that is not
 *   supported, a path that cannot be decoded): with the problem document that the ticket routes give.
 *
 * Any other error goes on to `next(error)`, and so does every error once the reply has begun. Use it after the routes.
 *
 * @param tickets - what `ticketRoutes` returned
 * @throws TypeError when it is something else
 *
 * @example
 * ```ts
 * import { WorkerPool } from 'coatcheck'
 * import { expressErrors } from 'coatcheck/express'
 * import { ticketRoutes } from 'coatcheck/http'
 * import { sendReply } from 'coatcheck/node-http'
 * import express from 'express'
 *
 * const pool = new WorkerPool({ concurrency: 10, queueCapacity: 100 }).start()
 * const tickets = ticketRoutes(pool)
 *
 * export const app = express()
 * app.post('/mails', (req, res) => {
 *   const task = pool.queueTask(async () => 'sent')
 *   void tickets.accepted(task).then((reply) => sendReply(req, res, reply))
 * })
 * app.use(expressErrors(tickets))
 * ```
 */
export function expressErrors(
  tickets: Pick<TicketRoutes, 'refused'>
): (error: unknown, req: ExpressRequest, res: NodeResponse, next: ExpressNext) => void {
  requireTickets(tickets, 'refused')
  return (error, req, res, next) => {
    if (res.headersSent) return next(error)
    if (isRefusal(error)) return sendReply(req, res, tickets.refused(error))
    const code: ProblemCode | undefined = clientMistake(error)
    if (code === undefined) return next(error)
    sendReply(req, res, problem(code))
  }
}
