import { addAbortSignal, finished, Readable } from 'node:stream'
import type { HttpReply } from '../../http/index.js'
import type { NodeRequest } from '../node-http/index.js'
import { systemTimers } from '../node-http/timers.js'
import type { FastifyReply, FastifyRequest } from './fastify-types.js'

/** How long a refused client may go on sending, in milliseconds. */
const PATIENCE_MS = 1_000

/**
 * Sends a reply of `coatcheck/http` with Fastify: through the application's `onSend` hooks, with the headers that its hooks
 * have set. Status and body are those of the reply, to the byte.
 *
 * @param request - the request that is answered
 * @param reply - Fastify's reply to it
 * @param answer - what `handle`, `accepted`, `refused`, `problem` or `replyWith` returned
 * @returns what an async handler returns to Fastify
 *
 * @example
 * ```ts
 * import { WorkerPool } from 'coatcheck'
 * import { sendToFastify } from 'coatcheck/fastify'
 * import { ticketRoutes } from 'coatcheck/http'
 * import fastify from 'fastify'
 *
 * const pool = new WorkerPool({ concurrency: 10, queueCapacity: 100 }).start()
 * const tickets = ticketRoutes(pool)
 *
 * export const app = fastify()
 * app.post('/mails', async (request, reply) =>
 *   sendToFastify(request, reply, await tickets.accepted(pool.queueTask(async () => 'sent')))
 * )
 * ```
 */
export function sendToFastify<Reply extends FastifyReply>(
  request: FastifyRequest,
  reply: Reply,
  answer: HttpReply
): Reply {
  reply.code(answer.status)
  reply.headers(answer.headers)
  // HTTP/2 has no Connection header.
  if (answer.close && request.raw.httpVersionMajor === 1) reply.headers({ Connection: 'close' })
  reply.send(payloadOf(request.raw, answer))
  return reply
}

/** Bytes and streams: to the type of a text Fastify adds a charset. */
function payloadOf(req: NodeRequest, { body, signal, close }: HttpReply): Buffer | Readable | undefined {
  if (body === undefined) return undefined
  if (typeof body === 'object') return signal === undefined ? streamOf(body) : addAbortSignal(signal, streamOf(body))
  const bytes = Buffer.from(body)
  return close && !req.complete ? streamOf(bodyWithPatience(bytes, req)) : bytes
}

/** Takes a piece when the connection has taken the last one: `Readable.from` would take all of them. */
function streamOf(pieces: AsyncIterable<string | Buffer>): Readable {
  const iterator = pieces[Symbol.asyncIterator]()
  return new Readable({
    objectMode: true,
    highWaterMark: 0,
    read() {
      const push = ({ done, value }: IteratorResult<string | Buffer>) => this.push(done === true ? null : value)
      iterator.next().then(push, (error: Error) => this.destroy(error))
    },
    destroy(error, done) {
      iterator.return?.().catch(() => {}) // waits for a piece that is being made
      done(error)
    }
  })
}

/** To close while the client still sends resets the connection, and it never reads why: it has a second to finish. */
async function* bodyWithPatience(body: Buffer, req: NodeRequest): AsyncGenerator<Buffer> {
  yield body
  await new Promise<void>((resolve) => {
    const forget = systemTimers.after(PATIENCE_MS, resolve)
    finished(req.resume(), () => {
      forget()
      resolve()
    })
  })
}
