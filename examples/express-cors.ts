/** Tickets for pages of other origins, from a list: `ORIGINS=https://shop.example npx tsx examples/express-cors.ts`. */
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { WorkerPool } from 'coatcheck'
import { expressTickets } from 'coatcheck/express'
import { ticketRoutes } from 'coatcheck/http'
import express, { type RequestHandler } from 'express'

const EXPOSED = 'Location, Retry-After, ETag, Operation-Location, Preference-Applied, Idempotent-Replayed, Allow'
const ALLOWED = 'Content-Type, Prefer, Idempotency-Key, If-None-Match, Last-Event-ID'

/** Lets pages of these origins, and of no others, use the routes behind it. */
export function cors(origins: readonly string[]): RequestHandler {
  return (req, res, next) => {
    res.vary('Origin')
    const { origin } = req.headers
    if (origin === undefined || !origins.includes(origin)) return next()
    res.set({ 'Access-Control-Allow-Origin': origin, 'Access-Control-Expose-Headers': EXPOSED })
    if (req.method !== 'OPTIONS' || req.headers['access-control-request-method'] === undefined) return next()
    res.set({ 'Access-Control-Allow-Headers': ALLOWED, 'Access-Control-Allow-Methods': 'GET, HEAD, POST, DELETE' })
    res.set('Access-Control-Max-Age', '600').status(204).end()
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const pool = new WorkerPool({ concurrency: 10, queueCapacity: 100 }).start()
  const submit = () => pool.queueTask(() => sleep(1_000, 'done'))
  const tickets = ticketRoutes(pool, { accept: [{ path: '/tasks', submit }] })
  const app = express().use(cors((process.env['ORIGINS'] ?? '').split(',')), expressTickets(tickets))
  const server = app.listen(Number(process.env['PORT'] ?? 3000), () => console.log('listening on', server.address()))
}
