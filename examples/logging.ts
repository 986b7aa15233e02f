/**
 * Log lines with the id of the request that they belong to, also those of its task, which runs after the answer. The id is in
 * an `AsyncLocalStorage`; the pool keeps the context of the call that queued a task. `npx tsx examples/logging.ts`, then POST
 * `{ "to": "ada@example.org" }` to /mails.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { WorkerPool } from 'coatcheck'
import { type JsonObject, ticketRoutes } from 'coatcheck/http'
import { listenUntilSignal, nodeListener } from 'coatcheck/node-http'
import { type DestinationStream, pino } from 'pino'

const request = new AsyncLocalStorage<{ readonly requestId: string }>()

/** A server whose log lines have the id of their request. `send` is the work. */
export function loggingServer(send: (mail: JsonObject) => Promise<unknown>, destination?: DestinationStream) {
  const log = pino({ base: null, mixin: () => ({ ...request.getStore() }) }, destination)
  const pool = new WorkerPool({
    name: 'mails',
    concurrency: 10,
    queueCapacity: 100,
    handlers: {
      mail: async (mail: JsonObject) => {
        log.info('sending')
        return await send(mail)
      }
    },
    onUnobservedError: (error, { task }) => log.error({ err: error, task: task?.name }, 'failed')
  }).start()
  pool.on('queued', ({ name }) => log.info({ task: name }, 'queued'))
  pool.on('retrying', ({ name }, { error, delayMs }) => log.warn({ task: name, err: error, delayMs }, 'retrying'))
  pool.on('succeeded', ({ name }) => log.info({ task: name }, 'sent'))
  pool.on('refused', ({ name, error }) => log.warn({ task: name, err: error }, 'refused'))

  const tickets = ticketRoutes(pool, {
    accept: [{ path: '/mails', submit: (mail) => pool.queueTask('mail', mail) }],
    onError: (error) => log.error({ err: error }, 'answered with an error of the server')
  })
  const listener = nodeListener(tickets)
  const server = createServer((req, res) => {
    const { 'x-request-id': given } = req.headers
    const requestId = typeof given === 'string' && /^[\w-]{1,64}$/.test(given) ? given : randomUUID()
    request.run({ requestId }, () => listener(req, res))
  })
  return { server, pool }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { server, pool } = loggingServer(() => sleep(500))
  listenUntilSignal(server, pool, { port: Number(process.env['PORT'] ?? 3000) })
}
