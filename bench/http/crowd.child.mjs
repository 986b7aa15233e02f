/** The ticket routes with their default limits in a process of its own, under more load than ten workers can bear. */
import { createServer } from 'node:http'
import { httpLibrary, pools } from '../queues/library.mjs'
import { serve } from './serve.mjs'
import { carrying } from './servers.mjs'
import { bring, WORKERS, work } from './services.mjs'
import { watch } from './watch.mjs'

/** @typedef {{ dist: string, clients: number, mostMegabytes: number }} Question */

/** @type {Question} */
const { dist, clients, mostMegabytes } = JSON.parse(process.argv[2] ?? '{}')
const pool = (await pools(dist))({ concurrency: WORKERS, queueCapacity: 100 }).start()
const { ticketRoutes } = await httpLibrary(dist)
const submit = () => {
  const brought = bring()
  return pool.queueTask(() => work(brought))
}
const listener = carrying(ticketRoutes(pool, { accept: [{ path: '/tasks', submit }] }))

/** Node accepts one connection in each turn of its loop: under load the last would wait for minutes. So they all come first. */
const arrived = /** @type {import('node:http').ServerResponse[]} */ ([])
const arrive = (/** @type {import('node:http').ServerResponse} */ res) => {
  arrived.push(res)
  if (arrived.length === clients) for (const one of arrived.splice(0)) one.writeHead(204).end()
}

const open = { now: 0, most: 0 }
const server = createServer((req, res) => {
  if (req.url === '/arrive') return arrive(res)
  open.now++
  res.once('close', () => open.now--)
  listener(req, res)
})

const seen = watch(server, mostMegabytes, () => {
  open.most = Math.max(open.most, open.now)
})
const { id: ticket } = submit()
const tell = () => {
  const { accepted, refused, succeeded: done } = pool.stats().totals
  return { accepted, refused, done, mostOpen: open.most, ...seen }
}
serve(server, tell, { ticket })
