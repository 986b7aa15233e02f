/** What becomes of those who want to wait when the routes hold as many as they do by default. */
import { delays } from '../measure/statistics.mjs'
import { used } from './held.mjs'
import { bombard, remote } from './remote.mjs'
import { ROUTES } from './servers.mjs'
import { hold, LONG_POLL, STREAM, untilOpen, urlOf } from './waits.mjs'

const SERVER = new URL('held.child.mjs', import.meta.url)

const LIMITS = { 'one ticket': 20, 'all tickets': 500 }

/** @typedef {{ dist: string, requests: number }} Wanted */

/** @type {(wanted: Wanted) => Promise<import('../results.js').HoldLimit[]>} */
export const holdLimits = async (wanted) => {
  const rows = []
  for (const wait of [LONG_POLL, STREAM]) {
    for (const [scope, limit] of Object.entries(LIMITS)) rows.push(await once(wanted, wait, scope, limit))
  }
  return rows
}

/** @type {(wanted: Wanted, wait: import('./waits.mjs').Wait, scope: string, limit: number) => Promise<import('../results.js').HoldLimit>} */
const once = async ({ dist, requests }, wait, scope, limit) => {
  const server = await remote(SERVER, { dist, kind: ROUTES, limited: true }, ['--expose-gc'])
  const [one = '', ...others] = await server.ask({ ask: 'queue', count: limit + 1 })
  const tickets = scope === 'one ticket' ? new Array(limit).fill(one) : others
  const { over } = await hold(server, wait, tickets)

  await refused(server, wait, one, requests) // warms it
  const { cpu, times } = await refused(server, wait, one, requests)
  await untilOpen(server, limit)
  await server.ask({ ask: 'end' })
  await over()
  server.end()
  return { request: wait.request, scope, held: limit, turnedAway: times.length, cpu, answerMs: delays(times) }
}

/**
 * Sends as many as are one too many, ten at a time, and demands that each is answered at once.
 *
 * @param {Awaited<ReturnType<typeof remote>>} server
 * @param {import('./waits.mjs').Wait} wait
 * @param {string} ticket
 * @param {number} amount
 */
const refused = async (server, wait, ticket, amount) => {
  /** @type {number[]} */
  const times = []
  let turnedAway = 0
  /** @type {NonNullable<import('autocannon').Request['onResponse']>} */
  const onResponse = (_, body, __, headers = {}) => {
    if (wait.isTurnedAway(body, headers)) turnedAway++
  }
  const before = await server.ask({ ask: 'cpu' })
  await bombard(
    {
      ...{ url: urlOf(server), connections: 10, amount, requests: [{ ...wait.of(ticket), onResponse }] },
      setupClient: (client) => client.on('response', (_, __, ms) => times.push(ms))
    },
    200
  )
  const after = await server.ask({ ask: 'cpu' })
  if (turnedAway !== amount) throw new Error(`${amount} were one too many, and ${turnedAway} were turned away.`)
  return { cpu: used(before, after) / amount, times }
}
