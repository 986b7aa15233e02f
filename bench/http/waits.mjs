/** The two ways to wait for the end of a task: what is sent, and how an answer that was held is told from one that was not. */
import { setTimeout } from 'node:timers/promises'
import autocannon from 'autocannon'
import { WAIT } from './held-servers.mjs'
import { clean } from './remote.mjs'

/**
 * @typedef {object} Wait
 * @property {string} request
 * @property {(ticket: string) => import('autocannon').Request} of
 * @property {(body: string, headers: object) => boolean} isTurnedAway
 */

/** @type {Wait} */
export const LONG_POLL = {
  request: 'long poll',
  of: (ticket) => ({ method: 'GET', path: `/tasks/${ticket}`, headers: { prefer: WAIT } }),
  isTurnedAway: (_, headers) => !Object.keys(headers).some((name) => name.toLowerCase() === 'preference-applied')
}

/** @type {Wait} */
export const STREAM = {
  request: 'event stream',
  of: (ticket) => ({ method: 'GET', path: `/tasks/${ticket}/events` }),
  isTurnedAway: (body) => body.startsWith('retry: 5000\n')
}

/** @type {(server: Awaited<ReturnType<typeof import('./remote.mjs').remote>>) => string} */
export const urlOf = ({ ready }) => `http://127.0.0.1:${ready.port}`

/**
 * Opens a wait for each ticket, over a connection each, and answers when the server holds them all.
 *
 * @param {Awaited<ReturnType<typeof import('./remote.mjs').remote>>} server
 * @param {Wait} wait
 * @param {readonly string[]} tickets
 * @returns {Promise<{ over: () => Promise<void> }>} `over` waits until every one is answered with the end of its task
 */
export const hold = async (server, { of, isTurnedAway }, tickets) => {
  const amount = tickets.length
  const left = [...tickets]
  let ended = 0
  /** @type {NonNullable<import('autocannon').Request['onResponse']>} */
  const onResponse = (_, body, __, headers = {}) => {
    if (endOf(body) !== undefined && !isTurnedAway(body, headers)) ended++
  }
  /** @type {(client: import('autocannon').Client) => void} */
  const setupClient = (client) => client.setRequests([{ ...of(left.pop() ?? ''), onResponse }])
  const load = { url: urlOf(server), connections: amount, amount, timeout: 30, sampleInt: 10 }
  const answered = autocannon({ ...load, setupClient })
  await untilOpen(server, amount)
  return {
    over: async () => {
      clean(await answered)
      if (ended !== amount) throw new Error(`${amount} waited for the end of a task, and ${ended} were told of it.`)
    }
  }
}

/** @type {(server: Awaited<ReturnType<typeof import('./remote.mjs').remote>>, count: number) => Promise<void>} */
export const untilOpen = async (server, count) => {
  let open = 0
  for (let turn = 0; turn < 1_000; turn++) {
    open = await server.ask({ ask: 'open' })
    if (open === count) return
    await setTimeout(5)
  }
  throw new Error(`The server holds ${open} requests, not ${count}.`)
}

/** When the task ended of which this tells, if it tells of an end. @type {(text: string) => number | undefined} */
export const endOf = (text) => {
  const [, at] = /"endedAt":([\d.]+)/.exec(text) ?? []
  return at === undefined ? undefined : Number(at)
}
