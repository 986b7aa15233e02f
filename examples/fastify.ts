/** Tickets in Fastify 5: `npx tsx examples/fastify.ts`, then POST a JSON object to /tasks. */
import { setTimeout as sleep } from 'node:timers/promises'
import { WorkerPool } from 'coatcheck'
import { fastifyErrors, fastifyTickets } from 'coatcheck/fastify'
import { ticketRoutes } from 'coatcheck/http'
import { listenUntilSignal } from 'coatcheck/node-http'
import fastify from 'fastify'

const work = () => sleep(1_000, 'done')
const pool = new WorkerPool({ concurrency: 10, queueCapacity: 100 }).start()
const tickets = ticketRoutes(pool, { accept: [{ path: '/tasks', submit: () => pool.queueTask(work) }] })

const app = fastify({ logger: true, requestTimeout: 30_000, http: { headersTimeout: 10_000 } })
app.setErrorHandler(fastifyErrors(tickets)) // a full queue in a route of your own is a 503 too
app.register(fastifyTickets, { tickets })
await app.listen({ port: Number(process.env['PORT'] ?? 3000), host: process.env['HOST'] ?? 'localhost' })
console.log('listening on', app.server.address())
listenUntilSignal(app.server, pool, { onStopped: () => app.close() })
