import { Readable } from 'node:stream'
import { duration, optionsOf, wording } from '../../contract/checks.js'
import { problem, type TicketRoutes } from '../../http/index.js'
import { requestOf, type StoppablePool } from '../node-http/index.js'
import { requireTickets } from '../require-tickets.js'
import type { FastifyApp, FastifyReply, FastifyRequest } from './fastify-types.js'
import { sendToFastify } from './send-to-fastify.js'

/** What the plugin is registered with. */
export interface FastifyTicketsOptions {
  /** What `ticketRoutes` returned. */
  readonly tickets: TicketRoutes

  /**
   * The pool to stop when the application closes.
   *
   * @defaultValue none: closing the application leaves the pool as it is
   */
  readonly pool?: StoppablePool | undefined

  /**
   * How long accepted tasks may go on when the application closes, in milliseconds.
   *
   * @defaultValue 17,000
   */
  readonly graceMs?: number | undefined

  /**
   * How long aborted tasks may take to end then, in milliseconds.
   *
   * @defaultValue 5,000
   */
  readonly forceMs?: number | undefined

  /**
   * The path under which requests are taken: that of `ticketRoutes`' `basePath`, if there is one.
   *
   * @defaultValue none: whatever no other route takes
   */
  readonly prefix?: string | undefined

  /** Fastify's own option of the name. */
  readonly logLevel?: unknown

  /** Fastify's own option of the name. */
  readonly logSerializers?: unknown
}

const OPTIONS = {
  tickets: true,
  pool: true,
  graceMs: true,
  forceMs: true,
  prefix: true,
  logLevel: true,
  logSerializers: true
} as const

const ANY_HOST = { host: /^/ }

/** What the package fastify-plugin sets: the decoration is the application's, not only that of a context within. */
const PLUGIN: Readonly<Record<symbol, unknown>> = {
  [Symbol.for('skip-override')]: true,
  [Symbol.for('fastify.display-name')]: 'coatcheck',
  [Symbol.for('plugin-meta')]: { name: 'coatcheck', fastify: '5.x' }
}

/**
 * The ticket routes as a plugin for Fastify 5.
 *
 * They are answered in a route of the application: its hooks (`onRequest`, `preHandler`, `onSend` and so on), its request
 * log and its plugins for CORS, rate limits or authentication see tickets as they see any route, wherever in the order they
 * are registered. Bodies are read by the ticket routes, not by the application's parsers. What is not for the ticket routes
 * gets the application's 404. The application gets the property `tickets`: with several pools that of the first.
 *
 * With `pool`, closing the application stops the pool first (`preClose`). Fastify answers requests with 503 from then on,
 * so that clients cannot read how their tasks ended: to serve them until the end use `listenUntilSignal` of
 * `coatcheck/node-http` with `onStopped: () => app.close()`.
 *
 * Fastify itself answers a path that cannot be decoded, a method it does not know, and a malformed content type.
 *
 * @throws TypeError or RangeError that names the option that is wrong or unknown, when the application starts
 *
 * @example
 * ```ts
 * import { WorkerPool } from 'coatcheck'
 * import { fastifyTickets } from 'coatcheck/fastify'
 * import { ticketRoutes } from 'coatcheck/http'
 * import fastify from 'fastify'
 *
 * const pool = new WorkerPool({ concurrency: 10, queueCapacity: 100 }).start()
 *
 * export const app = fastify({ logger: true })
 * app.register(fastifyTickets, { tickets: ticketRoutes(pool), pool })
 * ```
 */
export const fastifyTickets = Object.assign(registerTickets, PLUGIN)

async function registerTickets(app: FastifyApp, options: FastifyTicketsOptions): Promise<void> {
  const { tickets, pool, graceMs = 17_000, forceMs = 5_000, prefix = '' } = checked(options)
  if (!app.hasDecorator('tickets')) app.decorate('tickets', tickets)
  let isClosing = false
  app.addHook('preClose', async () => {
    isClosing = true
    await pool?.stop({ graceMs, forceMs, reason: 'the application closes' })
  })
  app.register(
    async (scope) => {
      registerRoutes(scope, tickets)
      // A stream that began before would keep its connection alive, and the application waits for that, 72 seconds.
      scope.addHook('onResponse', async ({ raw }) => {
        if (isClosing && raw.httpVersionMajor === 1) raw.socket.end()
      })
    },
    { prefix }
  )
}

function checked(options: FastifyTicketsOptions): FastifyTicketsOptions {
  const known = optionsOf<FastifyTicketsOptions>('options', options, OPTIONS)
  const { tickets, pool, graceMs, forceMs } = known
  requireTickets(tickets, 'handle')
  if (pool !== undefined && typeof pool?.stop !== 'function') throw new TypeError(wording('pool', 'a WorkerPool', pool))
  if (graceMs !== undefined) duration('graceMs', graceMs)
  if (forceMs !== undefined) duration('forceMs', forceMs)
  return known
}

/**
 * Takes all paths that no other route of the application takes: which of them are tickets', `tickets` decides. A plugin for
 * CORS has a route for OPTIONS of all paths too, which a constraint tells from ours.
 */
function registerRoutes(scope: FastifyApp, tickets: TicketRoutes): void {
  scope.removeAllContentTypeParsers()
  scope.addContentTypeParser('*', async (_request, payload) => payload)
  scope.setErrorHandler((error, request, reply) => {
    if (!isMalformedType(error)) throw error
    sendToFastify(request, reply, problem('UNSUPPORTED_MEDIA_TYPE'))
  })
  const handler = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const answer = await tickets.handle({ ...requestOf(request.raw, reply.raw), ...bodyOf(request) })
    return answer === undefined ? callNotFound(reply) : sendToFastify(request, reply, answer)
  }
  scope.route({ method: scope.supportedMethods.filter((method) => method !== 'OPTIONS'), url: '/*', handler })
  scope.route({ method: ['OPTIONS'], url: '/*', constraints: ANY_HOST, handler })
}

/** The body as the application's `preParsing` hooks left it; requests without one have had no parser. */
function bodyOf({ body }: FastifyRequest): { readonly body?: () => AsyncIterable<Uint8Array> } {
  return body instanceof Readable ? { body: () => body.iterator({ destroyOnReturn: false }) } : {}
}

function isMalformedType(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE'
}

function callNotFound(reply: FastifyReply): FastifyReply {
  reply.callNotFound()
  return reply
}
