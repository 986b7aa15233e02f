import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TaskContext } from 'coatcheck'
import { type TicketRoutes, type TicketRoutesOptions, ticketRoutes } from 'coatcheck/http'
import { nodeListener } from 'coatcheck/node-http'
import { onTestFinished } from 'vitest'
import { jsonOf, requestTo } from '../../http/support/request-of.js'
import { gate } from '../../support/gate.js'
import { shared } from './pools.js'

/** Two instances of a server, and a worker; the tasks wait for the gate. */
export const instances = async (options: TicketRoutesOptions = {}) => {
  const { open, server } = await shared()
  const [begun, done] = [gate(), gate()]
  const work = async (input: { n: number }, { signal, progress }: TaskContext): Promise<number> => {
    begun.open()
    progress(0.5, 'half')
    await Promise.race([done.promise, new Promise((resolve) => signal.addEventListener('abort', resolve))])
    signal.throwIfAborted()
    return input.n * 2
  }
  const pools = [await open({ work }), await open({ work })]
  const worker = (await open({ work }, { concurrency: 8 })).start()
  const routesOf = (pool: (typeof pools)[number]) =>
    ticketRoutes(pool, {
      accept: [
        {
          path: '/tasks',
          submit: ({ n }, { once, owner }) => pool.queueTask('work', { n: Number(n) }, { ...once, key: owner })
        }
      ],
      onError: () => {},
      random: () => 0,
      ...options
    })
  const [a, b] = pools.map(routesOf) as [ReturnType<typeof routesOf>, ReturnType<typeof routesOf>]
  const post = async (routes: typeof a, n = 1, headers: Record<string, string> = {}) => {
    const all = { 'content-type': 'application/json', ...headers }
    const reply = await routes.handle(requestTo('POST /tasks', { json: { n }, headers: all }))
    return { reply: reply!, status: jsonOf(reply!) as Record<string, unknown> & { id: string } }
  }
  const get = async (routes: typeof a, id: string, headers: Record<string, string> = {}) => {
    const reply = (await routes.handle(requestTo(`GET /tasks/${id}`, { headers })))!
    return { reply, status: reply.status === 304 ? undefined : (jsonOf(reply) as Record<string, unknown>) }
  }
  return { a, b, pools, worker, server, begun: begun.promise, done, post, get }
}

/** A server each of whose requests reaches the other instance than the one before. */
export const alternating = async (...instances: readonly [TicketRoutes, TicketRoutes]) => {
  const listeners = instances.map((routes) => nodeListener(routes))
  const reached: string[] = []
  const server = createServer((request, response) => {
    const instance = reached.length % 2
    reached.push(`${instance === 0 ? 'a' : 'b'} ${request.method}`)
    listeners[instance]!(request, response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const disconnect = (): void => server.closeAllConnections()
  onTestFinished(() => {
    disconnect()
    server.close()
  })
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, reached, disconnect }
}
