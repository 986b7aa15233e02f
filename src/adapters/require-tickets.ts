import { isFunction, wording } from '../contract/checks.js'

/**
 * Finds a wrong argument at once, not at the first request.
 *
 * @throws TypeError
 */
export function requireTickets(tickets: unknown, method: 'handle' | 'refused'): void {
  const found: unknown = typeof tickets === 'object' && tickets !== null ? Reflect.get(tickets, method) : undefined
  if (!isFunction(found)) throw new TypeError(wording('tickets', 'what ticketRoutes returns', tickets))
}
