/** A server whose tasks never end and ignore their signal. `node --import tsx deaf-server.ts`. */
import { once } from 'node:events'
import { application } from '../../../examples/demo/application.js'
import { address, readArguments } from '../../../examples/demo/serve.js'
import { gracefulShutdown, lost } from '../../../examples/graceful-shutdown.js'
import { listener, ticketServer } from '../../../examples/node-http.js'

const app = application({ work: () => new Promise(() => {}), closing: () => shutdown.begun })
app.pool.on('failed', () => {})
const server = ticketServer(listener(app))
const shutdown = gracefulShutdown({
  ...readArguments(process.argv.slice(2)),
  server,
  pool: app.pool,
  onProgress: (_step, report) => {
    if (report !== undefined) console.log(`stopped: ${lost(report)} lost, ${report.interrupted.count} interrupted`)
  }
})
server.listen(0, '127.0.0.1')
await once(server, 'listening')
console.log(`listening on ${address(server)}`)
