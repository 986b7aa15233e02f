/** Servers that hold a request until its task ends: one without a pool, one with a pool by hand, one with the ticket routes. */
import { httpLibrary, pools } from '../queues/library.mjs'
import { accepted, BARE, BY_HAND, carrying, inputOf, listening, ROUTES, reply } from './servers.mjs'

/** @typedef {{ endedAt: number }} Ended When a task ended, by the clock that all processes of a machine share. */

/** Does a task: the promise is that of its end. @typedef {(input: any) => Promise<Ended>} Work */

/**
 * @typedef {object} Desk
 * @property {() => string} queue queues a task that ends when all do, and answers its ticket
 * @property {import('node:http').RequestListener} listener
 */

/**
 * @typedef {object} Tickets What a server without `coatcheck/http` does with them.
 * @property {(input: object) => string} queue
 * @property {(ticket: string) => { status: (ended?: Ended) => object, ended: Promise<Ended> } | undefined} find
 */

export const WAIT = 'wait=25'
const MANY = { perTicket: 10_000, total: 10_000 }

/** @type {() => number} */
export const now = () => Number(process.hrtime.bigint()) / 1e6

/** The two ways to wait, as one writes them down oneself. @type {(tickets: Tickets) => Desk} */
const plain = ({ queue, find }) => ({
  queue: () => queue({}),
  listener: listening(async (req, res) => {
    if (req.method === 'POST') return accepted(res, queue(/** @type {object} */ (await inputOf(req))))
    const [, , ticket = '', events] = (req.url ?? '').split('/')
    const found = find(ticket)
    if (found === undefined) return reply(res, 404, {}, {})
    const { status, ended } = found
    if (events === undefined) return reply(res, 200, { 'preference-applied': WAIT }, status(await ended))
    res.writeHead(200, { 'content-type': 'text/event-stream' })
    res.write(`event: status\ndata: ${JSON.stringify(status())}\n\n`)
    res.end(`event: status\ndata: ${JSON.stringify(status(await ended))}\n\n`)
  })
})

/** @type {(work: Work) => Desk} */
const bare = (work) => {
  /** @type {Map<string, Promise<Ended>>} */
  const tickets = new Map()
  const began = { attempt: 1, queuedAt: new Date(0).toISOString(), startedAt: new Date(0).toISOString() }
  return plain({
    queue: (input) => {
      const id = `Zk3v0mJxT1uYb7Qw${tickets.size}`
      tickets.set(id, work(input))
      return id
    },
    find: (id) => {
      const ended = tickets.get(id)
      const status = (/** @type {Ended | undefined} */ result) => ({
        ...{ id, state: result === undefined ? 'running' : 'succeeded', ...began },
        ...{ done: result !== undefined, result: result ?? null }
      })
      return ended && { status, ended }
    }
  })
}

/** @type {(work: Work, pool: import('coatcheck').WorkerPool) => Desk} */
const byHand = (work, pool) =>
  plain({
    queue: (input) => pool.queueTask(() => work(input)).id,
    find: (id) => {
      const task = pool.task(id)
      if (task === undefined) return undefined
      const status = (/** @type {Ended | undefined} */ result) => ({
        ...task.record(),
        ...{ done: result !== undefined, result: result ?? null }
      })
      return { status, ended: /** @type {Promise<Ended>} */ (task.result()) }
    }
  })

/** @type {(work: Work, pool: import('coatcheck').WorkerPool, dist: string, options: import('coatcheck/http').TicketRoutesOptions) => Promise<Desk>} */
const withRoutes = async (work, pool, dist, options) => {
  const { ticketRoutes } = await httpLibrary(dist)
  const queue = (/** @type {object} */ input) => pool.queueTask(() => work(input))
  const routes = ticketRoutes(pool, { ...options, accept: [{ path: '/tasks', submit: queue }] })
  return { queue: () => queue({}).id, listener: carrying(routes) }
}

/**
 * @param {string} kind
 * @param {boolean} limited whether the routes hold no more than they do by default
 * @param {Work} work
 * @param {string} dist
 * @returns {Promise<Desk>}
 */
export const deskOf = async (kind, limited, work, dist) => {
  const pool = (await pools(dist))({ concurrency: 10_000 }).start()
  const limits = limited ? {} : { longPolls: MANY, streams: MANY }
  /** @type {Readonly<Record<string, () => Desk | Promise<Desk>>>} */
  const desks = {
    [BARE]: () => bare(work),
    [BY_HAND]: () => byHand(work, pool),
    [ROUTES]: () => withRoutes(work, pool, dist, limits)
  }
  const desk = await desks[kind]?.()
  if (desk === undefined) throw new RangeError(`No server ${kind}`)
  return desk
}
