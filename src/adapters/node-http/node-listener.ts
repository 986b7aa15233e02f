import { callable, optionsOf } from '../../contract/checks.js'
import { type HttpReply, problem, type TicketRoutes } from '../../http/index.js'
import { requireTickets } from '../require-tickets.js'
import { type NodeRequest, type NodeResponse, requestOf } from './request-of.js'
import { sendReply } from './send-reply.js'

/** What is around the tickets on a server. */
export interface NodeListenerOptions<Req extends NodeRequest = NodeRequest, Res extends NodeResponse = NodeResponse> {
  /**
   * Answers the requests that are not for the ticket routes.
   *
   * @defaultValue a 404 as a problem document, code `NOT_FOUND`
   */
  readonly next?: ((req: Req, res: Res) => unknown) | undefined
}

/**
 * A listener for `createServer` of `node:http`, `node:https` and `node:http2` that answers the ticket routes.
 *
 * The reply is that of `tickets.handle`, to the byte. What cannot be sent ends its connection and nothing else.
 *
 * @param tickets - what `ticketRoutes` returned
 * @param options - `next` for all other requests
 * @throws TypeError that names the argument that is wrong
 *
 * @example
 * ```ts
 * import { createServer } from 'node:http'
 * import { WorkerPool } from 'coatcheck'
 * import { ticketRoutes } from 'coatcheck/http'
 * import { nodeListener } from 'coatcheck/node-http'
 *
 * const pool = new WorkerPool({ concurrency: 10, queueCapacity: 100 }).start()
 *
 * export const server = createServer(nodeListener(ticketRoutes(pool), { next: (_req, res) => res.end('home') }))
 * ```
 */
export function nodeListener<Req extends NodeRequest = NodeRequest, Res extends NodeResponse = NodeResponse>(
  tickets: Pick<TicketRoutes, 'handle'>,
  options: NodeListenerOptions<Req, Res> = {}
): (req: Req, res: Res) => void {
  requireTickets(tickets, 'handle')
  const { next } = optionsOf<NodeListenerOptions<Req, Res>>('options', options, { next: true })
  const goOn = next === undefined ? undefined : callable<typeof next>('next', next)
  return (req, res) => {
    const answer = (reply: HttpReply | undefined): void => {
      if (reply === undefined && goOn !== undefined) goOn(req, res)
      else sendReply(req, res, reply ?? problem('NOT_FOUND'))
    }
    void tickets.handle(requestOf(req, res)).then(answer, () => res.destroy())
  }
}
