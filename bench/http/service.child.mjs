/** One service in a process of its own. It watches its memory, and ends before it takes the machine's. */
import { createServer } from 'node:http'
import { serve } from './serve.mjs'
import { bring, services, work } from './services.mjs'
import { watch } from './watch.mjs'

/** @typedef {{ dist: string, service: string, mostMegabytes: number }} Question */

/** @type {Question} */
const { dist, service, mostMegabytes } = JSON.parse(process.argv[2] ?? '{}')
const accept = await services[service]?.(dist)
if (accept === undefined) throw new RangeError(`No service ${service}`)

const told = { accepted: 0, refused: 0, done: 0, waitMs: 0 }

const server = createServer((_, res) => {
  const brought = bring()
  const came = performance.now()
  const isAccepted = accept(async () => {
    told.waitMs = Math.max(told.waitMs, performance.now() - came)
    await work(brought)
    told.done++
  })
  if (isAccepted) told.accepted++
  else told.refused++
  res.writeHead(isAccepted ? 202 : 503).end()
})

const seen = watch(server, mostMegabytes)
serve(server, () => ({ ...told, ...seen }))
