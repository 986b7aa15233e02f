/** What the pool adds to a request: processor time of the server's process, slice by slice beside a bare server. */
import { shuffled, spread } from '../measure/statistics.mjs'
import { bombard, POST, remote } from './remote.mjs'
import { BARE, BY_HAND, ROUTES } from './servers.mjs'

const SERVER = new URL('server.child.mjs', import.meta.url)

/**
 * @typedef {object} Scenario
 * @property {string} request
 * @property {boolean} full
 * @property {number} status
 * @property {(ticket: string) => import('autocannon').Request} of
 */

/** @type {readonly Scenario[]} */
const scenarios = [
  { request: 'submit', full: false, status: 202, of: () => ({ ...POST, path: '/tasks' }) },
  { request: 'refuse', full: true, status: 503, of: () => ({ ...POST, path: '/tasks' }) },
  { request: 'poll', full: false, status: 200, of: (ticket) => ({ method: 'GET', path: `/tasks/${ticket}` }) }
]

/**
 * @typedef {object} Wanted
 * @property {string} dist
 * @property {number} requests in one slice
 * @property {number} warmups slices that are not counted
 * @property {number} slices
 * @property {number} longestMs no more slices after so long, but two
 */

/** @typedef {{ cpu: number, rate: number }} Slice Microseconds per request, requests per second. */

/** @type {(wanted: Wanted) => Promise<import('../results.js').HttpCost[]>} */
export const http = async (wanted) => {
  const rows = []
  for (const scenario of scenarios) rows.push(...(await costs(wanted, scenario)))
  return rows
}

/** @type {(wanted: Wanted, scenario: Scenario) => Promise<import('../results.js').HttpCost[]>} */
const costs = async ({ dist, requests, warmups, slices, longestMs }, { request, full, status, of }) => {
  const servers = []
  for (const kind of [BARE, BY_HAND, ROUTES]) {
    const server = await remote(SERVER, { dist, kind, full })
    servers.push({ kind, server, slices: /** @type {Slice[]} */ ([]) })
  }
  const begun = performance.now()
  for (let round = -warmups; round < slices; round++) {
    if (round >= 2 && performance.now() - begun > longestMs) break
    for (const { server, slices } of shuffled(servers)) {
      const once = await slice(server, { amount: requests, requests: [of(server.ready.ticket)] }, status)
      if (round >= 0) slices.push(once)
    }
  }
  for (const { server } of servers) server.end()
  const bare = servers[0]?.slices ?? []
  return servers.map(({ kind, slices }) => ({
    request,
    server: kind,
    cpu: spread(slices.map(({ cpu }) => cpu)),
    over: spread(slices.map(({ cpu }, n) => cpu - (bare[n]?.cpu ?? Number.NaN))),
    rate: spread(slices.map(({ rate }) => rate)),
    speed: spread(slices.map(({ rate }, n) => rate / (bare[n]?.rate ?? Number.NaN)))
  }))
}

/** @type {(server: Awaited<ReturnType<typeof remote>>, load: object, status: number) => Promise<Slice>} */
const slice = async ({ ready, ask }, load, status) => {
  const before = await ask()
  const { requests, rate } = await bombard({ url: `http://127.0.0.1:${ready.port}`, ...load }, status)
  const after = await ask()
  return { cpu: (after.user + after.system - before.user - before.system) / requests, rate }
}
