/**
 * `npm run demo:machines`: two servers and three workers share a pool in Redis, as processes that could be machines. A burst
 * of orders exceeds the bound; one worker is killed, one is stopped, and Redis is killed once. At the end every ticket that a
 * client has got must have succeeded. Needs `redis-server`. Exit code: 0 when nothing that was acknowledged is lost, else 1; 0
 * without Redis, which it says.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Clients } from './many-machines/clients.js'
import { RedisProcess } from './many-machines/redis.js'

const CLIENTS = 200
const begunAt = performance.now()
const say = (line: string): void =>
  console.log(`${((performance.now() - begunAt) / 1_000).toFixed(1).padStart(5)} s  ${line}`)

const redis = await RedisProcess.start()
if (redis === undefined) {
  console.log('redis-server is not installed, so there is nothing to show. On Debian: apt-get install redis-server')
  process.exit(0)
}

/** Starts a process that sends a message when it is ready. */
async function start(name: 'server' | 'worker'): Promise<{ readonly child: ChildProcess; readonly message: unknown }> {
  const file = fileURLToPath(new URL(`./many-machines/${name}.ts`, import.meta.url))
  const child = fork(file, [`${redis?.port}`], { execArgv: ['--import', 'tsx'] })
  const [message] = await once(child, 'message')
  return { child, message }
}

async function end(child: ChildProcess, signal: 'SIGTERM' | 'SIGKILL'): Promise<number | null> {
  const exit = once(child, 'exit')
  child.kill(signal)
  await exit
  return child.exitCode
}

/** Waits until so many tickets were given out. */
async function given(count: number, { counts }: Clients): Promise<void> {
  while (counts.accepted < count) await sleep(10)
}

const servers = await Promise.all([start('server'), start('server')])
const workers = await Promise.all([start('worker'), start('worker'), start('worker')])
const [first, second, third] = workers.map(({ child }) => child) as [ChildProcess, ChildProcess, ChildProcess]
say('two servers, three workers with four places each, forty places in the queue')
const clients = new Clients(servers.map(({ message }) => `http://127.0.0.1:${message}`))
const ended = clients.run(CLIENTS)

await given(CLIENTS * 0.2, clients)
await end(first, 'SIGKILL')
say(
  `a worker was killed; ${clients.counts.accepted} tickets given out, ${clients.counts.refused} orders refused so far`
)
await given(CLIENTS * 0.4, clients)
await redis.kill()
say('Redis was killed')
await sleep(500)
await redis.start()
say(`Redis was started again; ${clients.counts.unavailable} orders were refused by the outage`)
await given(CLIENTS * 0.7, clients)
const codes = [await end(second, 'SIGTERM')]
say(`a worker was stopped: exit code ${codes[0]}`)
await ended
say('every client has seen the end of its task')

for (const child of [third, ...servers.map((server) => server.child)]) codes.push(await end(child, 'SIGTERM'))
await redis.remove()
const { accepted, refused, unavailable, unknown, succeeded, otherwise } = clients.counts
console.log(
  `${CLIENTS} orders: ${accepted} accepted, ${refused} times refused by the bound, ${unavailable} by the outage`
)
console.log(`${succeeded} succeeded, ${otherwise} ended otherwise, ${unknown} answers knew nothing of a ticket`)
const isGood = accepted === CLIENTS && succeeded === accepted && refused > 0 && unknown === 0
if (!isGood || codes.some((code) => code !== 0)) process.exitCode = 1
