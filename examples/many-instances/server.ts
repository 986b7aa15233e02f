/** One of the server processes of `many-instances.ts`. Its argument is the port of Redis. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import KeyvRedis, { createClient } from '@keyv/redis'
import { WorkerPool } from 'coatcheck'
import { ticketRoutes } from 'coatcheck/http'
import { listenUntilSignal, nodeListener } from 'coatcheck/node-http'
import { keyvMirror } from 'coatcheck/stores/keyv'
import { Keyv } from 'keyv'

// Operations fail at once while Redis is away, and the client reconnects by itself.
const client = createClient({ url: `redis://127.0.0.1:${process.argv[2]}`, disableOfflineQueue: true })
client.on('error', () => {})
await client.connect()
const mirror = keyvMirror(new Keyv(new KeyvRedis(client, { throwOnErrors: true })))

const print = ({ pages }: { readonly pages: number }) => sleep(100 * pages, { pages }) // the work
const pool = new WorkerPool({ concurrency: 20, queueCapacity: 200, handlers: { print }, mirror }).start()
const tickets = ticketRoutes(pool, {
  accept: [{ path: '/tasks', submit: (input) => pool.queueTask('print', { pages: Number(input['pages']) }) }]
})

const listener = nodeListener(tickets)
const server = createServer((req, res) => {
  res.setHeader('X-Instance', process.pid) // for the demonstration: which process has answered
  listener(req, res)
})
server.once('listening', () => process.send?.((server.address() as AddressInfo).port))
listenUntilSignal(server, pool, { port: 0, host: '127.0.0.1' })
