import type { TicketPool } from '../tickets/ticket-pool.js'
import { replyWith } from '../wire/reply.js'
import { type Methods, readable } from '../wire/route-table.js'

/** `/livez`: 200 as long as the process answers. */
export const livez: Methods = readable(() => replyWith(200, { body: { status: 'ok' } }))

/** `/readyz`: 200 while new tasks are welcome; 503 before the pool has started and once the server is closing. */
export function readyz(pool: TicketPool, closing: () => boolean): Methods {
  const readiness = (): 'ok' | 'starting' | 'stopping' => {
    if (closing()) return 'stopping'
    return pool.state === 'created' ? 'starting' : 'ok'
  }
  return readable(() => {
    const status = readiness()
    return replyWith(status === 'ok' ? 200 : 503, { body: { status } })
  })
}
