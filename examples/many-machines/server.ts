/** One of the servers of `many-machines.ts`: it takes tasks and shows tickets, and runs none. Its argument is the port of Redis. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { ticketRoutes } from 'coatcheck/http'
import { listenUntilSignal, nodeListener } from 'coatcheck/node-http'
import { openPool } from './pool.js'

const pool = await openPool(Number(process.argv[2]))
const tickets = ticketRoutes(pool, {
  accept: [
    {
      path: '/tasks',
      submit: ({ pages }, { once }) => pool.queueTask('print', { pages: Number(pages) }, once)
    }
  ]
})
const server = createServer(nodeListener(tickets))
server.once('listening', () => process.send?.((server.address() as AddressInfo).port))
listenUntilSignal(server, pool, { port: 0, host: '127.0.0.1' })
