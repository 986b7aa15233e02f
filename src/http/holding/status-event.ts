import type { TicketStatus } from '../tickets/ticket-status.js'

/** Nothing to read, only to keep what stands between client and server from giving the connection up. */
export const COMMENT = ':\n\n'

/**
 * One event with a status; the revision is its id, which a client sends back when it reconnects.
 *
 * @param retryMs - also says how long to wait before reconnecting
 *
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
export function statusEvent(status: TicketStatus, retryMs?: number): string {
  const retry = retryMs === undefined ? '' : `retry: ${retryMs}\n`
  return `${retry}event: status\nid: ${status.revision}\ndata: ${JSON.stringify(status)}\n\n`
}
