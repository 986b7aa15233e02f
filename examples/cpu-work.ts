/**
 * `npm run demo:cpu`: a server answers requests while it counts primes, first on its event loop, then on threads. It prints
 * how long the requests took, and ends by itself.
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Task, WorkerPool } from 'coatcheck'
import { cpuTask } from 'coatcheck/threads'
import { countPrimes } from './cpu/primes.js'

const TASKS = 8
const BELOW = 500_000
const bounds = { concurrency: 2, queueCapacity: TASKS }

const server = createServer((_request, response) => response.end('pong')).listen(0, '127.0.0.1')
await once(server, 'listening')
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`

/** Counts primes several times, and sends one request after the other until that is done. */
async function measure(where: string, count: (below: number) => Task<number>): Promise<void> {
  await Promise.all([count(10), count(10)].map((task) => task.result())) // threads have been started then
  const begunAt = performance.now()
  let isOver = false
  const counts = Promise.all(Array.from({ length: TASKS }, () => count(BELOW).result())).finally(() => {
    isOver = true
  })
  const latencies: number[] = []
  while (!isOver) {
    const sentAt = performance.now()
    await (await fetch(url)).text()
    latencies.push(performance.now() - sentAt)
  }
  const [primes] = await counts
  const tookMs = performance.now() - begunAt
  latencies.sort((a, b) => a - b)
  const share = (part: number): string => `${latencies[Math.floor((latencies.length - 1) * part)]?.toFixed(1)} ms`
  console.log(`${where}: ${TASKS} tasks in ${tookMs.toFixed(0)} ms, each of which found ${primes} primes`)
  console.log(`  ${latencies.length} requests meanwhile: half of them within ${share(0.5)}, all within ${share(1)}`)
}

const onLoop = new WorkerPool({ ...bounds, handlers: { primes: countPrimes } }).start()
await measure('on the event loop', (below) => onLoop.queueTask('primes', { below }))
await onLoop.stop()

const file = new URL('./cpu/primes.ts', import.meta.url)
const inThread = cpuTask<typeof countPrimes>({ file, export: 'countPrimes' })
const onThreads = new WorkerPool({ ...bounds, handlers: { primes: inThread } }).start()
await measure('on two threads', (below) => onThreads.queueTask('primes', { below }))
await onThreads.stop()

server.close()
