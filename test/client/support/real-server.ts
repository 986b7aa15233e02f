import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TaskContext, WorkerPool, type WorkerPoolOptions } from 'coatcheck'
import { type JsonObject, type TicketRoutes, type TicketRoutesOptions, ticketRoutes } from 'coatcheck/http'
import { nodeListener } from 'coatcheck/node-http'
import { onTestFinished } from 'vitest'
import { ticketServer } from '../../../examples/demo/ticket-server.js'
import { CountingClock } from '../../http/support/counting-clock.js'
import { type Gate, gate } from '../../support/gate.js'

/** A task that the test ends. */
export interface Begun extends Gate<unknown> {
  readonly input: JsonObject
  readonly context: TaskContext
}

/** A real pool, its routes and a server. Only the clock is the test's. */
export async function realServer(
  routes: TicketRoutesOptions = {},
  options: Partial<WorkerPoolOptions<Record<never, never>>> = {},
  carry: (routes: TicketRoutes) => Server = (tickets) => ticketServer(nodeListener(tickets))
) {
  const clock = new CountingClock()
  const begun: Begun[] = []
  const pool = new WorkerPool({ concurrency: 1, queueCapacity: 1, clock, onUnobservedError: () => {}, ...options })
  pool.start()
  const submit = (input: JsonObject) =>
    pool.queueTask(
      (context) => {
        const end = gate<unknown>()
        begun.push({ input, context, ...end })
        context.signal.addEventListener('abort', () => end.fail(context.signal.reason))
        return end.promise
      },
      { name: 'work' }
    )
  const tickets = ticketRoutes(pool, { accept: [{ path: '/tasks', submit }], random: () => 0, clock, ...routes })
  const lines: string[] = []
  const server = carry({
    ...tickets,
    handle: (request) => {
      lines.push(`${request.method} ${request.target.replace(/[\w-]{28}/, 'ticket')}`)
      return tickets.handle(request)
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(async () => {
    server.closeAllConnections()
    server.close()
    const stopped = pool.stop({ graceMs: 0, forceMs: 1 })
    await clock.advance(2)
    await stopped
  })
  const { port } = server.address() as AddressInfo
  return {
    pool,
    clock,
    begun,
    lines,
    server,
    origin: `http://127.0.0.1:${port}`,
    url: `http://127.0.0.1:${port}/tasks`
  }
}

/** Turns the event loop until the condition holds: for sockets, which need turns but no time. */
export async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setImmediate(resolve))
}
