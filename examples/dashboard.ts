/** A live page for a pool: `npx tsx examples/dashboard.ts`, then open http://127.0.0.1:3000/dashboard. */
import { createServer } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { WorkerPool } from 'coatcheck'
import { dashboard } from 'coatcheck/dashboard'
import { ticketRoutes } from 'coatcheck/http'
import { listenUntilSignal, nodeListener, type Shutdown } from 'coatcheck/node-http'

const pool = new WorkerPool({ concurrency: 10, queueCapacity: 100, name: 'reports' }).start()
const report = () => pool.queueTask((task) => sleep(5_000, 'done', task), { name: 'report' })
const tickets = ticketRoutes(pool, { accept: [{ path: '/tasks', submit: report }] })
// On a server that others can reach, `authorize` is a function that decides who may see the page.
const routes = dashboard(pool, tickets, { authorize: 'loopback', stop: () => shutdown.begin('the dashboard') })
const server = createServer(nodeListener(routes))
server.once('listening', () => console.log('listening on', server.address()))
const address = { port: Number(process.env['PORT'] ?? 3000), host: '127.0.0.1' }
const shutdown: Shutdown = listenUntilSignal(server, pool, address)
