/** A server whose tasks never end and ignore their signal. `node --import tsx deaf-server.ts`. */
import { once } from 'node:events'
import { listenUntilSignal, nodeListener, type Shutdown } from 'coatcheck/node-http'
import { application } from '../../../examples/demo/application.js'
import { address, readArguments } from '../../../examples/demo/serve.js'
import { ticketServer } from '../../../examples/demo/ticket-server.js'

const app = application({ work: () => new Promise(() => {}), closing: () => shutdown.begun })
app.pool.on('failed', () => {})
const server = ticketServer(nodeListener(app))
const { switches: _, ...options } = readArguments(process.argv.slice(2))
const shutdown: Shutdown = listenUntilSignal(server, app.pool, {
  ...options,
  host: '127.0.0.1',
  onStopped: ({ unstarted, aborted, interrupted }) => {
    const lost = unstarted.count + aborted.count + interrupted.count
    console.log(`stopped: ${lost} lost, ${interrupted.count} interrupted`)
  }
})
await once(server, 'listening')
console.log(`listening on ${address(server)}`)
