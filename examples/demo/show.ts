import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import type { StopReport } from 'coatcheck'
import { listenUntilSignal, nodeListener, type Shutdown } from 'coatcheck/node-http'
import { application } from './application.js'
import { balance } from './books.js'
import { Clients, type HeldTicket, type Order } from './clients.js'
import { picture, plainLine } from './picture.js'
import type { Screen } from './screen.js'
import { address } from './serve.js'
import { ticketServer } from './ticket-server.js'

const ACTS = ['burst', 'cancel', 'come back', 'stop under load', 'books'] as const

const FRAME_MS = 100
const LINE_MS = 1_000

/** How long a task takes: a spread without chance, so that two shows are alike. */
const workMs = (index: number): number => 200 + ((index * 137) % 700)

/**
 * The show: a server with its bounds, a burst beyond them, refused clients that come back, cancels, failures, and a stop
 * in the middle of it. Then the books.
 *
 * @returns whether the books balance
 */
export async function show(screen: Screen): Promise<boolean> {
  const app = application({ closing: () => shutdown.begun, pollAfterMs: 250 })
  const { pool } = app
  const server = ticketServer(nodeListener(app))
  let report: StopReport | undefined
  const shutdown: Shutdown = listenUntilSignal(server, pool, {
    ...{ port: 0, host: '127.0.0.1' },
    onStopped: (stopped) => {
      report = stopped
    },
    // A second Ctrl-C means it; the usual end is followed by the books.
    exit: (code) => {
      if (report !== undefined) return
      screen.release()
      process.exit(code)
    }
  })
  await once(server, 'listening')

  const url = address(server)
  const clients = new Clients(url, () => shutdown.begun)
  const begunAt = performance.now()
  const news: string[] = []
  let act = 0
  const seconds = (): number => (performance.now() - begunAt) / 1_000
  const tell = (line: string): void => {
    news.push(`${seconds().toFixed(1)} s  ${line}`)
    if (!screen.isLive) screen.say(`${seconds().toFixed(1).padStart(5)} s  ${line}`)
  }
  const moment = () => ({
    ...{ url, acts: ACTS, act, news, seconds: seconds() },
    ...{ stats: pool.stats(), tally: clients.tally, tickets: [...clients.tickets.values()] }
  })
  const frames = setInterval(() => screen.show(picture(moment(), screen.paint)), FRAME_MS)
  const lines = setInterval(() => {
    if (!screen.isLive) screen.say(plainLine(moment()))
  }, LINE_MS)

  pool.on('failed', ({ id }) =>
    tell(`${clients.tickets.get(id)?.label ?? 'a task'} failed; its ticket says so, without the why`)
  )
  pool.on('stopping', () => tell('the pool takes no more work; tickets can still be asked for'))
  pool.on('stopped', () => tell('the pool has stopped; a last call for those who have not come back yet'))

  tell(`listening on ${url}: 10 workers, room for 100`)
  // Ten begin; then the workers hold still until all are answered, so that the counts are the same on every machine.
  const begun = await Promise.all(orders(0, 10).map((order) => clients.handIn(order)))
  pool.pause()
  const rest = await Promise.all(orders(10, 140).map((order) => clients.handIn(order)))
  pool.resume()
  const crowd = Promise.all([...begun, ...rest].map((refused) => clients.comeBack(refused)))
  tell(`150 requests: ${clients.tally.accepted} accepted, ${refusedOf(clients)} refused with 503 and Retry-After`)

  act = 1
  await sleep(600)
  const chosen = toCancel([...clients.tickets.values()])
  await Promise.all(chosen.map((ticket) => clients.cancel(ticket)))
  tell(`${chosen.length} clients changed their mind: queued ones are canceled at once, running ones are asked to end`)

  act = 2
  tell('the refused come back when they were told to')
  await until(() => shutdown.begun || pool.stats().queued < 10)

  act = 3
  await Promise.all(orders(150, 50).map((order) => clients.handIn(order)))
  tell('SIGTERM, with work in every place')
  process.kill(process.pid, 'SIGTERM')
  await until(() => shutdown.begun)
  await Promise.all(orders(200, 5).map((order) => clients.handIn(order)))
  const exitCode = await shutdown.begin()
  await Promise.all([crowd, clients.followed()])
  tell('the server has closed')

  act = 4
  clearInterval(frames)
  clearInterval(lines)
  screen.show(picture(moment(), screen.paint))
  screen.release()
  if (report === undefined) throw new Error('the pool did not say how it stopped')
  const records = pool.tasks({ limit: 1_000 }).map((task) => task.record())
  const entries = balance({ ...moment(), records, report, exitCode })
  screen.say('')
  for (const { holds, text } of entries) {
    screen.say(holds ? `  ${screen.paint.green('✓')} ${text}` : `  ${screen.paint.red(`✗ NOT SO: ${text}`)}`)
  }
  return entries.every(({ holds }) => holds)
}

/** One in five speaks as the Go program's clients do, a few will fail. */
function orders(first: number, count: number): readonly Order[] {
  return Array.from({ length: count }, (_, offset) => {
    const index = first + offset
    const isGo = index % 5 === 4
    const label = `${isGo ? 'go task' : 'report'} ${index}`
    return { label, work: `${workMs(index)}ms`, fail: index % 50 === 7, isGo }
  })
}

/** Some that run and some that wait. */
function toCancel(tickets: readonly HeldTicket[]): readonly HeldTicket[] {
  const standing = (state: string) => tickets.filter(({ status }) => status.status === state)
  return [...standing('running').slice(0, 2), ...standing('queued').slice(-8)]
}

function refusedOf({ tally }: Clients): number {
  return [...tally.refused.values()].reduce((sum, count) => sum + count, 0)
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await sleep(10)
}
