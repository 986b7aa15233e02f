/** One server in a process of its own, with `--expose-gc`, whose tasks end after a time or when it is told. */
import { createServer } from 'node:http'
import { setTimeout } from 'node:timers/promises'
import { heap } from '../memory/heap.mjs'
import { deskOf, now } from './held-servers.mjs'
import { serve } from './serve.mjs'

/** @typedef {{ dist: string, kind: string, limited: boolean }} Question */

/** @type {Question} */
const { dist, kind, limited } = JSON.parse(process.argv[2] ?? '{}')

let end = () => {}
/** @type {Promise<void>} */
let over

const begin = () => {
  over = new Promise((resolve) => {
    end = resolve
  })
}

/** @type {import('./held-servers.mjs').Work} */
const work = async ({ workMs }) => {
  await (workMs === undefined ? over : setTimeout(workMs))
  return { endedAt: now() }
}

begin()
const { listener, queue } = await deskOf(kind, limited, work, dist)

let open = 0
const server = createServer((req, res) => {
  open++
  res.once('close', () => open--)
  listener(req, res)
})
server.keepAliveTimeout = 60_000

/** @type {Readonly<Record<string, (count: number) => unknown>>} */
const answers = {
  queue: (count) => Array.from({ length: count }, queue),
  open: () => open,
  cpu: () => process.cpuUsage(),
  heap,
  end: () => {
    const before = process.cpuUsage()
    end()
    begin()
    return before
  }
}

serve(server, ({ ask, count = 0 }) => answers[ask]?.(count))
