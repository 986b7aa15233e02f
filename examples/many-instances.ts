/**
 * `npm run demo:instances`: two server processes behind a round robin proxy. Each queues tasks in its own pool and shows
 * every ticket, its own from memory and the other's from Redis. Clients poll through the proxy until their tickets are done.
 * Needs the program `redis-server`, which is started on a free port and ended again. Exit code: 0 when every accepted ticket
 * reached its end before its client's eyes and none was ever unknown, 1 otherwise, 2 without Redis.
 */
import { type ChildProcess, fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, request as httpRequest, type Server } from 'node:http'
import { type AddressInfo, connect, createServer as createTcpServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const CLIENTS = 40
const TICKETS_EACH = 5
const HOST = '127.0.0.1'
const SERVER = fileURLToPath(new URL('./many-instances/server.ts', import.meta.url))

const portOf = (server: { address(): AddressInfo | string | null }): number => (server.address() as AddressInfo).port

async function freePort(): Promise<number> {
  const server = createTcpServer().listen(0, HOST)
  await once(server, 'listening')
  const port = portOf(server)
  server.close()
  await once(server, 'close')
  return port
}

/** A Redis of its own, in memory. `undefined` when the program is not installed. */
async function startRedis(port: number): Promise<ChildProcess | undefined> {
  const redis = spawn('redis-server', ['--port', `${port}`, '--bind', HOST, '--save', '', '--appendonly', 'no'], {
    stdio: 'ignore'
  })
  const isMissing = once(redis, 'error').then(() => true)
  for (;;) {
    const socket = connect(port, HOST)
    const isUp = new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    })
    if (await Promise.race([isMissing, isUp.then(() => false)])) return undefined
    socket.destroy()
    if (await isUp) return redis
    await sleep(20)
  }
}

/** A server process. It tells its port when it listens. */
async function startServer(redisPort: number): Promise<{ readonly process: ChildProcess; readonly port: number }> {
  const child = fork(SERVER, [`${redisPort}`], { execArgv: ['--import', 'tsx'] })
  const [port] = (await once(child, 'message')) as [number]
  return { process: child, port }
}

/** Passes each request on to the next server in turn. */
async function startProxy(ports: readonly number[]): Promise<Server> {
  let turn = 0
  const proxy = createServer((req, res) => {
    const port = ports[turn++ % ports.length] as number
    const { method, url: path, headers } = req
    const onward = httpRequest({ host: HOST, port, method, path, headers }, (answer) => {
      res.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(res)
    })
    onward.on('error', () => res.writeHead(502).end())
    req.pipe(onward)
  }).listen(0, HOST)
  await once(proxy, 'listening')
  return proxy
}

const seen = { accepted: 0, done: 0, unknown: 0, notYet: 0, polls: 0, elsewhere: 0 }

async function client(base: string): Promise<void> {
  for (let n = 0; n < TICKETS_EACH; n++) {
    const accepted = await fetch(`${base}/tasks`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ pages: n + 1 })
    })
    if (accepted.status !== 202) throw new Error(`refused with ${accepted.status}`)
    seen.accepted++
    await follow(base + accepted.headers.get('Location'), accepted.headers.get('X-Instance'))
  }
}

/** Polls a ticket at random times, through the proxy, so that about every second answer comes from the other process. */
async function follow(url: string, owner: string | null): Promise<void> {
  for (;;) {
    await sleep(20 + Math.random() * 80)
    const answer = await fetch(url)
    seen.polls++
    if (answer.headers.get('X-Instance') !== owner) seen.elsewhere++
    const status = (await answer.json()) as { readonly done?: boolean }
    if (answer.status === 404) seen.unknown++
    else if (answer.status === 503) seen.notYet++
    if (status.done !== true) continue
    seen.done++
    return
  }
}

async function stop(child: ChildProcess): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) {
    const exit = once(child, 'exit')
    child.kill('SIGTERM')
    await exit
  }
  return child.exitCode
}

const redisPort = await freePort()
const redis = await startRedis(redisPort)
if (redis === undefined) {
  console.error(
    'redis-server is not installed. On Debian or Ubuntu: apt-get install redis-server; on a Mac: brew install redis'
  )
  process.exit(2)
}
const servers = await Promise.all([startServer(redisPort), startServer(redisPort)])
const proxy = await startProxy(servers.map(({ port }) => port))
try {
  await Promise.all(Array.from({ length: CLIENTS }, () => client(`http://${HOST}:${portOf(proxy)}`)))
} finally {
  proxy.close()
  proxy.closeAllConnections()
  const codes = await Promise.all(servers.map((server) => stop(server.process)))
  await stop(redis)
  console.log(`${seen.accepted} tickets accepted by two processes, ${seen.done} seen to their end`)
  console.log(`${seen.polls} polls, ${seen.elsewhere} of them answered by the process that does not have the task`)
  console.log(
    `${seen.unknown} times unknown, ${seen.notYet} times not to be looked up; servers ended with ${codes.join(', ')}`
  )
  const isGood = seen.accepted === CLIENTS * TICKETS_EACH && seen.done === seen.accepted && seen.unknown === 0
  if (!isGood || codes.some((code) => code !== 0)) process.exitCode = 1
}
