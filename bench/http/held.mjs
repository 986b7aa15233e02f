/** What a request costs that is held until its task ends, and how soon it is answered then. */
import autocannon from 'autocannon'
import { delays, shuffled, spread } from '../measure/statistics.mjs'
import { now } from './held-servers.mjs'
import { clean, POST, remote } from './remote.mjs'
import { BARE, BY_HAND, ROUTES } from './servers.mjs'
import { endOf, hold, LONG_POLL, STREAM, urlOf } from './waits.mjs'

const SERVER = new URL('held.child.mjs', import.meta.url)

/** Clients that hand a task in and wait for its end, again and again: some thousand submissions a second, and as many ends. */
const CLIENTS = 200
const TASK_MS = { least: 100, most: 300 }

/** They all come at once: what ends so soon is not counted. */
const SETTLE_MS = 500

/** @typedef {Awaited<ReturnType<typeof remote>>} Server */
/** @typedef {import('./waits.mjs').Wait} Wait */

/**
 * @typedef {object} Wanted
 * @property {string} dist
 * @property {number} open requests at a time
 * @property {number} warmups rounds that are not counted
 * @property {number} rounds
 * @property {number} seconds of submissions in each round
 * @property {number} longestMs no more rounds after so long, but two
 */

/** @typedef {{ hold: number, wake: number, bytes: number }} Costs Microseconds and bytes of heap for each. */

/** @type {(wanted: Wanted) => Promise<import('../results.js').Held[]>} */
export const held = async (wanted) => [...(await heldBy(wanted, LONG_POLL)), ...(await heldBy(wanted, STREAM))]

/** @type {(wanted: Wanted, wait: Wait) => Promise<import('../results.js').Held[]>} */
const heldBy = async ({ dist, open, warmups, rounds, seconds, longestMs }, wait) => {
  const servers = []
  for (const kind of [BARE, BY_HAND, ROUTES]) {
    const server = await remote(SERVER, { dist, kind, limited: false }, ['--expose-gc'])
    servers.push({ kind, server, costs: /** @type {Costs[]} */ ([]), late: /** @type {number[]} */ ([]) })
  }
  const begun = performance.now()
  for (let round = -warmups; round < rounds; round++) {
    if (round >= 2 && performance.now() - begun > longestMs) break
    for (const { server, costs, late } of shuffled(servers)) {
      const once = await costsOf(server, wait, open)
      if (round >= 0) costs.push(once)
      const times = await delaysOf(server, wait, seconds)
      if (round >= 0) late.push(...times)
    }
  }
  for (const { server } of servers) server.end()
  const bare = servers[0]?.costs ?? []
  return servers.map(({ kind, costs, late }) => ({
    request: wait.request,
    server: kind,
    hold: spread(costs.map(({ hold }) => hold)),
    wake: spread(costs.map(({ wake }) => wake)),
    over: spread(costs.map(({ wake }, n) => wake - (bare[n]?.wake ?? Number.NaN))),
    bytes: spread(costs.map(({ bytes }) => bytes)),
    lateMs: delays(late),
    answers: late.length
  }))
}

/** Opens as many as are wanted, then ends all their tasks at once. @type {(server: Server, wait: Wait, open: number) => Promise<Costs>} */
const costsOf = async (server, wait, open) => {
  const tickets = await server.ask({ ask: 'queue', count: open })
  const empty = await server.ask({ ask: 'heap' })
  const before = await server.ask({ ask: 'cpu' })
  const { over } = await hold(server, wait, tickets)
  const whenHeld = await server.ask({ ask: 'cpu' })
  const full = await server.ask({ ask: 'heap' })
  const whenEnded = await server.ask({ ask: 'end' })
  await over()
  const after = await server.ask({ ask: 'cpu' })
  return {
    hold: used(before, whenHeld) / open,
    wake: used(whenEnded, after) / open,
    bytes: (full - empty) / open
  }
}

/** @type {(before: NodeJS.CpuUsage, after: NodeJS.CpuUsage) => number} */
export const used = (before, after) => after.user + after.system - before.user - before.system

/**
 * Tasks come and end all the while: milliseconds from each end to the moment when its client has read of it.
 *
 * @type {(server: Server, wait: Wait, seconds: number) => Promise<number[]>}
 */
const delaysOf = async (server, wait, seconds) => {
  /** @type {number[]} */
  const late = []
  const from = now() + SETTLE_MS
  /** @type {(client: import('autocannon').Client) => void} */
  const setupClient = (client) => {
    let ticket = ''
    let isAwaited = false
    client.on('body', (bytes) => {
      const endedAt = isAwaited ? endOf(bytes.toString()) : undefined
      if (endedAt === undefined) return
      isAwaited = false
      if (endedAt > from) late.push(now() - endedAt)
    })
    client.setRequests([
      {
        ...submission(),
        onResponse: (_, body) => {
          ticket = JSON.parse(body).id
          isAwaited = true
        }
      },
      { setupRequest: (request) => ({ ...request, ...wait.of(ticket) }) }
    ])
  }
  clean(await autocannon({ url: urlOf(server), connections: CLIENTS, duration: seconds, sampleInt: 10, setupClient }))
  if (late.length === 0) throw new Error(`No end of a task was told of in ${seconds} s.`)
  return late
}

/** A task as long as no other, so that ends are spread. @type {() => import('autocannon').Request} */
const submission = () => {
  const workMs = TASK_MS.least + Math.floor(Math.random() * (TASK_MS.most - TASK_MS.least))
  return { ...POST, path: '/tasks', body: JSON.stringify({ workMs }) }
}
