/** Memory over time of the ticket routes while hundreds wait for tickets and more tasks come than ten workers can do. */
import autocannon from 'autocannon'
import { MOST_MEGABYTES } from './overload.mjs'
import { POST, remote } from './remote.mjs'
import { LONG_POLL, STREAM, urlOf } from './waits.mjs'
import { growthOf } from './watch.mjs'

const CHILD = new URL('crowd.child.mjs', import.meta.url)

/**
 * Those who wait for tickets in each of the two ways, and those who only hand in: below 1,024 in all, as libuv runs no
 * timers while so many sockets are ready again and again.
 */
const WAITING = 400
const HANDING_IN = 50

/** @typedef {{ dist: string, seconds: number }} Wanted */

/** @type {(wanted: Wanted) => Promise<import('../results.js').Crowd>} */
export const crowd = async ({ dist, seconds }) => {
  const server = await remote(CHILD, { dist, clients: 2 * WAITING + HANDING_IN, mostMegabytes: MOST_MEGABYTES })
  const load = { url: urlOf(server), duration: seconds }
  let latest = server.ready.ticket
  /** @type {NonNullable<import('autocannon').Request['onResponse']>} */
  const onResponse = (status, body) => {
    if (status === 202) latest = JSON.parse(body).id
  }
  const handIn = { ...POST, path: '/tasks', onResponse }

  /** Clients that arrive, and when all are there send these requests again and again, as fast as they are answered. */
  const clients = (/** @type {number} */ connections, /** @type {import('autocannon').Request[]} */ ...requests) =>
    autocannon({
      ...load,
      connections,
      setupClient: (client) => client.setRequests([{ path: '/arrive', onResponse: () => client.setRequests(requests) }])
    })

  /** Waits for the task that was taken last: the client's own, or where it was refused that of another. */
  const newsOf = (/** @type {import('./waits.mjs').Wait} */ { of }) => ({
    setupRequest: (/** @type {import('autocannon').Request} */ request) => ({ ...request, ...of(latest) })
  })

  const results = await Promise.all([
    clients(WAITING, handIn, newsOf(LONG_POLL)),
    clients(WAITING, handIn, newsOf(STREAM)),
    clients(HANDING_IN, handIn)
  ])
  const { samples, ...told } = await server.ask()
  server.end()
  const answers = statuses(results)
  const others = [...answers.keys()].filter((status) => ![200, 202, 204, 503].includes(status))
  const errors = results.reduce((sum, { errors, timeouts }) => sum + errors + timeouts, 0)
  if (errors > 0 || others.length > 0) throw new Error(`${errors} errors, and answers with ${others.join(', ')}.`)
  return { waiting: 2 * WAITING, ...told, waits: answers.get(200) ?? 0, ...growthOf(samples), samples }
}

/** How many answers had which status. @type {(results: readonly import('autocannon').Result[]) => Map<number, number>} */
const statuses = (results) => {
  const counts = new Map()
  for (const result of results) {
    const { statusCodeStats } = /** @type {{ statusCodeStats: Readonly<Record<string, { count: number }>> }} */ (
      /** @type {unknown} */ (result)
    )
    for (const [status, { count }] of Object.entries(statusCodeStats)) {
      counts.set(Number(status), (counts.get(Number(status)) ?? 0) + count)
    }
  }
  return counts
}
