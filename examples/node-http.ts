/** Tickets on a server of `node:http`: `npx tsx examples/node-http.ts`, then POST a JSON object to /tasks. */
import { createServer } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { WorkerPool } from 'coatcheck'
import { type JsonObject, ticketRoutes } from 'coatcheck/http'
import { listenUntilSignal, nodeListener } from 'coatcheck/node-http'

const report = (input: JsonObject) => sleep(1_000, { about: input }) // the work
const pool = new WorkerPool({ concurrency: 10, queueCapacity: 100, handlers: { report } }).start()
const tickets = ticketRoutes(pool, {
  accept: [{ path: '/tasks', submit: (input) => pool.queueTask('report', input) }]
})

// Limits for clients that send a byte at a time, and for how many may try it.
const server = createServer({ headersTimeout: 10_000, requestTimeout: 30_000 }, nodeListener(tickets))
server.maxConnections = 2_000
server.once('listening', () => console.log('listening on', server.address()))
listenUntilSignal(server, pool, { port: Number(process.env['PORT'] ?? 3000), host: process.env['HOST'] })
