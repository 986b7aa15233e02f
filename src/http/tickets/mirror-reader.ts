import type { TaskMirror } from '../../contract/store.js'
import type { TicketPool } from './ticket-pool.js'

/**
 * A pool without tasks of its own, for processes that only show the tickets of others: `GET` and `/events` read the mirror,
 * `DELETE` of an unfinished ticket is 409 `TICKET_ELSEWHERE`, and there is no list. It is always running.
 *
 * @param mirror - where the other processes publish
 *
 * @example
 * ```ts
 * import type { TaskMirror } from 'coatcheck'
 * import { mirrorReader, ticketRoutes } from 'coatcheck/http'
 *
 * export const readOnlyRoutes = (mirror: TaskMirror) => ticketRoutes(mirrorReader(mirror))
 * ```
 */
export function mirrorReader(mirror: Pick<TaskMirror, 'read'>): TicketPool {
  return {
    state: 'running',
    closed: new Promise(() => {}),
    findTask: (id) => mirror.read(id),
    tasks: () => [],
    cancel: () => 'unknown'
  }
}
