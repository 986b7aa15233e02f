/** SIGTERM behind a load balancer that needs some seconds to notice it: `node --import tsx examples/graceful-shutdown.ts`. */
import { createServer } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { WorkerPool } from 'coatcheck'
import { ticketRoutes } from 'coatcheck/http'
import { listenUntilSignal, nodeListener, type Shutdown } from 'coatcheck/node-http'

const pool = new WorkerPool({ concurrency: 10, queueCapacity: 100 }).start()
const tickets = ticketRoutes(pool, {
  accept: [{ path: '/tasks', submit: () => pool.queueTask(() => sleep(1_000, 'done')) }],
  closing: () => shutdown.begun // /readyz answers 503 from the signal on
})
const server = createServer(nodeListener(tickets))
server.once('listening', () => console.log('listening on', server.address()))
const address = { port: Number(process.env['PORT'] ?? 3000), host: process.env['HOST'] }
const times = { delayMs: 5_000, graceMs: 15_000, forceMs: 3_000 } // and 2 s for connections: 25 of the platform's 30
const onStopped = () => console.log('stopped, close databases here:', pool.stats().totals)
const shutdown: Shutdown = listenUntilSignal(server, pool, { ...address, ...times, onStopped })
