import type { TicketPool } from '../tickets/ticket-pool.js'
import { replyWith } from '../wire/reply.js'
import { type Methods, readable } from '../wire/route-table.js'

/** `/livez`: the process answers. */
export const livez: Methods = readable(() => replyWith(200, { body: { status: 'ok' } }))

/** `/readyz`: new work is welcome here. Before the pool has started, and once the server begins to end, it is not. */
export function readyz(pool: TicketPool, closing: () => boolean): Methods {
  const standing = (): 'ok' | 'starting' | 'stopping' => {
    if (closing()) return 'stopping'
    return pool.state === 'created' ? 'starting' : 'ok'
  }
  return readable(() => {
    const status = standing()
    return replyWith(status === 'ok' ? 200 : 503, { body: { status } })
  })
}
