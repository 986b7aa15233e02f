/** Tickets in Hono, or any other Fetch server: `npx tsx examples/hono.ts`, then POST a JSON object to /tasks. */
import { setTimeout as sleep } from 'node:timers/promises'
import { createAdaptorServer } from '@hono/node-server'
import { WorkerPool } from 'coatcheck'
import { fetchHandler } from 'coatcheck/fetch'
import { ticketRoutes } from 'coatcheck/http'
import { listenUntilSignal } from 'coatcheck/node-http'
import { Hono } from 'hono'

const work = () => sleep(1_000, 'done')
const pool = new WorkerPool({ concurrency: 10, queueCapacity: 100 }).start()
const handle = fetchHandler(ticketRoutes(pool, { accept: [{ path: '/tasks', submit: () => pool.queueTask(work) }] }))

const app = new Hono()
app.use(async (c, next) => (await handle(c.req.raw, c.env)) ?? next())
const limits = { headersTimeout: 10_000, requestTimeout: 30_000 }
const server = createAdaptorServer({ fetch: app.fetch, serverOptions: limits })
server.once('listening', () => console.log('listening on', server.address()))
listenUntilSignal(server, pool, { port: Number(process.env['PORT'] ?? 3000), host: process.env['HOST'] })
