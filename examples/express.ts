/** Tickets in Express 4 or 5: `npx tsx examples/express.ts`, then POST a JSON object to /tasks, or anything to /mails. */
import { createServer } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { WorkerPool } from 'coatcheck'
import { expressErrors, expressTickets } from 'coatcheck/express'
import { ticketRoutes } from 'coatcheck/http'
import { listenUntilSignal, sendReply } from 'coatcheck/node-http'
import express from 'express'

const work = () => sleep(1_000, 'done')
const pool = new WorkerPool({ concurrency: 10, queueCapacity: 100 }).start()
const tickets = ticketRoutes(pool, { accept: [{ path: '/tasks', submit: () => pool.queueTask(work) }] })

const app = express().disable('x-powered-by').use(expressTickets(tickets))
app.post(
  '/mails',
  (req, res) => void tickets.accepted(pool.queueTask(work)).then((reply) => sendReply(req, res, reply))
)
app.use(expressErrors(tickets)) // a full queue in a route of your own is a 503 too
const server = createServer({ headersTimeout: 10_000, requestTimeout: 30_000 }, app)
server.once('listening', () => console.log('listening on', server.address()))
listenUntilSignal(server, pool, { port: Number(process.env['PORT'] ?? 3000), host: process.env['HOST'] })
