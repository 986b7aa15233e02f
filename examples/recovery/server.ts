/** The server that is killed: tickets in a file of SQLite. Its port and its files are arguments. */
import { appendFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { type TaskContext, WorkerPool } from 'coatcheck'
import { type JsonObject, ticketRoutes } from 'coatcheck/http'
import { listenUntilSignal, nodeListener } from 'coatcheck/node-http'
import { sqliteStore } from 'coatcheck/stores/sqlite'

const [port = '0', path = '', effects = ''] = process.argv.slice(2)

/** May be called again after a kill: the ticket identifies the work, and the log shows every call. */
async function report(input: JsonObject, { id, attempt, signal }: TaskContext): Promise<string> {
  // A kill may cut the line off: the next one begins on its own.
  appendFileSync(effects, `\n${JSON.stringify({ id, attempt, pid: process.pid })}\n`)
  await sleep(20 + Math.random() * 80, undefined, { signal })
  return `report ${String(input['n'])}`
}

const pool = new WorkerPool({
  concurrency: 8,
  queueCapacity: 200,
  store: await sqliteStore({ path, waitMs: 5_000 }),
  handlers: { report: { run: report, rerun: true } },
  maxCrashes: 10 // kills are the point of this program
})
const tickets = ticketRoutes(pool, {
  accept: [{ path: '/tasks', submit: (input, request) => pool.queueTask('report', input, { ...request.once }) }]
})

const server = createServer(nodeListener(tickets))
server.once('listening', () => {
  pool.start()
  process.send?.('listening')
})
process.on('message', () => {
  const { running, queued } = pool.stats()
  process.send?.({ running, queued })
})
listenUntilSignal(server, pool, { port: Number(port), host: '127.0.0.1', graceMs: 5_000, forceMs: 1_000 })
