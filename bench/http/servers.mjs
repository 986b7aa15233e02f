/** The servers that are compared: one without a pool, one with a pool by hand, one with the ticket routes. */
import { createServer } from 'node:http'
import { pipeline } from 'node:stream/promises'
import { CONCURRENCY, noop } from '../queues/contenders.mjs'
import { httpLibrary, pools } from '../queues/library.mjs'

export const BARE = 'bare'
export const BY_HAND = 'pool by hand'
export const ROUTES = 'coatcheck/http'

/** @typedef {import('node:http').IncomingMessage} Request @typedef {import('node:http').ServerResponse} Response */

/**
 * @typedef {object} Service
 * @property {import('node:http').RequestListener} listener
 * @property {string} ticket of a task that has ended
 */

const JSON_TYPE = { 'content-type': 'application/json' }
const TICKET = 'Zk3v0mJxT1uYb7Qw9LcRsA'

/** @type {(req: Request) => Promise<unknown>} */
export const inputOf = async (req) => {
  let text = ''
  for await (const chunk of req.setEncoding('utf8')) text += chunk
  return JSON.parse(text)
}

/** @type {(res: Response, status: number, headers: Record<string, string>, body: unknown) => void} */
export const reply = (res, status, headers, body) => {
  res.writeHead(status, { ...JSON_TYPE, ...headers }).end(JSON.stringify(body))
}

/** @type {(res: Response, id: string) => void} */
export const accepted = (res, id) => reply(res, 202, { location: `/tasks/${id}` }, { id })

/** @type {(res: Response, retryAfterMs: number, code: string) => void} */
const refused = (res, retryAfterMs, code) =>
  reply(res, 503, { 'retry-after': String(Math.ceil(retryAfterMs / 1_000)) }, { code, retryAfterMs })

/** @type {(answer: (req: Request, res: Response) => Promise<void>) => import('node:http').RequestListener} */
export const listening = (answer) => (req, res) => {
  answer(req, res).catch(() => res.destroy())
}

/** The least that an adapter does. @type {(routes: Pick<import('coatcheck/http').TicketRoutes, 'handle'>) => import('node:http').RequestListener} */
export const carrying = (routes) =>
  listening(async (req, res) => {
    const left = new AbortController()
    res.once('close', () => {
      if (!res.writableEnded) left.abort()
    })
    const answer = await routes.handle({
      method: req.method ?? '',
      target: req.url ?? '',
      headers: req.headers,
      body: () => req.iterator({ destroyOnReturn: false }),
      signal: left.signal
    })
    if (answer === undefined) return void res.writeHead(404).end()
    res.writeHead(answer.status, answer.headers)
    if (typeof answer.body === 'object') await pipeline(answer.body, res, { signal: answer.signal })
    else res.end(answer.body)
  })

/** Does everything but the pool's part: the same reading, the same replies.  @type {(full: boolean) => Service} */
const bare = (full) => {
  const settled = {
    ...{ id: TICKET, state: 'succeeded', attempt: 1, revision: 3, queuedAt: new Date(0).toISOString() },
    ...{ startedAt: new Date(0).toISOString(), settledAt: new Date(0).toISOString() },
    ...{ expiresAt: new Date(0).toISOString() }
  }
  const listener = listening(async (req, res) => {
    if (req.method === 'GET') return reply(res, 200, {}, settled)
    await inputOf(req)
    if (full) refused(res, 1_000, 'ERR_QUEUE_FULL')
    else accepted(res, TICKET)
  })
  return { listener, ticket: TICKET }
}

/** @type {(pool: import('coatcheck').WorkerPool, ticket: string) => Service} */
const byHand = (pool, ticket) => {
  const listener = listening(async (req, res) => {
    if (req.method === 'GET') return reply(res, 200, {}, pool.task((req.url ?? '').slice('/tasks/'.length))?.record())
    await inputOf(req)
    let task
    try {
      task = pool.queueTask(noop)
    } catch (error) {
      const { retryAfterMs, code } = /** @type {import('coatcheck').QueueFullError} */ (error)
      return refused(res, retryAfterMs, code)
    }
    accepted(res, task.id)
  })
  return { listener, ticket }
}

/** @type {(pool: import('coatcheck').WorkerPool, ticket: string, dist: string) => Promise<Service>} */
const withRoutes = async (pool, ticket, dist) => {
  const { ticketRoutes } = await httpLibrary(dist)
  const routes = ticketRoutes(pool, { accept: [{ path: '/tasks', submit: () => pool.queueTask(noop) }] })
  const listener = carrying(routes)
  return { listener, ticket }
}

/**
 * @param {string} kind
 * @param {boolean} full whether every task is refused
 * @param {string} dist
 */
export const serverOf = async (kind, full, dist) => {
  const pool = (await pools(dist))(full ? { concurrency: 1, queueCapacity: 0 } : { concurrency: CONCURRENCY }).start()
  const settled = await pool.queueTask(noop).settled()
  if (full) pool.queueTask(() => new Promise(() => {}))
  /** @type {Readonly<Record<string, () => Service | Promise<Service>>>} */
  const services = {
    [BARE]: () => bare(full),
    [BY_HAND]: () => byHand(pool, settled.id),
    [ROUTES]: () => withRoutes(pool, settled.id, dist)
  }
  const service = await services[kind]?.()
  if (service === undefined) throw new RangeError(`No server ${kind}`)
  return { server: createServer(service.listener), ticket: service.ticket }
}
