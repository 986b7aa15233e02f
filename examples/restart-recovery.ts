/**
 * `npm run demo:recovery`: a server with a durable store is killed with SIGKILL under load, several times, and started
 * again. At the end every ticket that a client has got must have reached its end, once. Exit code: 0 when all checks
 * hold, else 1.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { audit } from './recovery/audit.js'
import { Clients } from './recovery/clients.js'
import { RestartedServer } from './recovery/restarted-server.js'

const KILLS = 3
const folder = await mkdtemp(join(tmpdir(), 'coatcheck-recovery-'))
const begunAt = performance.now()
const say = (line: string): void =>
  console.log(`${((performance.now() - begunAt) / 1_000).toFixed(1).padStart(5)} s  ${line}`)

const server = new RestartedServer(join(folder, 'tasks.db'), join(folder, 'effects.log'))
try {
  await server.start()
  say(`listening on ${server.url}; tasks are stored in a file of SQLite`)
  const clients = new Clients(server.url)
  clients.begin()
  for (let kill = 1; kill <= KILLS; kill++) {
    await clients.acknowledged(kill * 60)
    const { running, queued } = await server.kill()
    say(`SIGKILL with ${clients.tickets.size} tickets given out, about ${running} tasks running and ${queued} queued`)
    const downMs = await server.start()
    say(`started again after ${downMs.toFixed(0)} ms; clients have repeated what was not answered`)
  }
  clients.end()
  say(`${clients.tickets.size} tickets; clients poll them until all are done`)
  const ends = await clients.allEnds()
  await server.stop()
  say('SIGTERM: the pool has stopped')
  const holds = await audit(ends, clients, server.effectsPath, console.log)
  if (!holds) process.exitCode = 1
} finally {
  server.destroy()
  await rm(folder, { recursive: true, force: true })
}
