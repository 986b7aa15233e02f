/**
 * A shared pool against plain BullMQ on the same Redis: `npm run bench:machines [-- --tasks 5000 --rounds 7]`.
 *
 * Tasks per second and CPU per task, of this process and of Redis: to queue tasks that do nothing, 64 at once, and to run them.
 * The contenders take turns, each round in another order; the figures are medians of rounds.
 */
import { parseArgs } from 'node:util'
import { Redis } from 'ioredis'
import { contenders } from './machines/contenders.mjs'
import { median, shuffled } from './measure/statistics.mjs'
import { fixed } from './report/numbers.mjs'
import { startRedis } from './situations/redis.mjs'

/** @typedef {{ perSecond: number, cpu: number, redis: number }} Figures */
/** @typedef {{ admission: Figures[], drain: Figures[] }} Rounds */

const AT_ONCE = 64
const CONCURRENCY = 16

const { values } = parseArgs({
  options: {
    tasks: { type: 'string', default: '5000' },
    rounds: { type: 'string', default: '7' },
    warmups: { type: 'string', default: '2' },
    only: { type: 'string' }
  }
})
const [tasks, rounds, warmups] = [Number(values.tasks), Number(values.rounds), Number(values.warmups)]

const server = await startRedis('--appendonly', 'yes', '--appendfsync', 'no')
if (server === undefined)
  throw new Error('redis-server is not installed. On Debian or Ubuntu: apt-get install redis-server')
const { socket } = server
const redis = new Redis({ path: socket })

/** Microseconds that Redis has computed. */
const redisCpu = async () => {
  const info = await redis.info('cpu')
  const [user = 0, system = 0] = ['user', 'sys'].map((kind) => Number(info.match(`used_cpu_${kind}:([\\d.]+)`)?.[1]))
  return (user + system) * 1e6
}

/** @type {<T>(run: () => Promise<T>) => Promise<readonly [Figures, T]>} */
const measured = async (run) => {
  const redisBefore = await redisCpu()
  const before = process.cpuUsage()
  const begin = performance.now()
  const result = await run()
  const ms = performance.now() - begin
  const { user, system } = process.cpuUsage(before)
  const redisAfter = await redisCpu()
  const figures = {
    perSecond: (1_000 * tasks) / ms,
    cpu: (user + system) / tasks,
    redis: (redisAfter - redisBefore) / tasks
  }
  return [figures, result]
}

/** @type {(queue: () => Promise<unknown>) => Promise<void>} */
const queueAll = async (queue) => {
  let left = tasks
  const one = async () => {
    while (left-- > 0) await queue()
  }
  await Promise.all(Array.from({ length: AT_ONCE }, one))
}

/** @type {typeof import('coatcheck/bullmq')} */
const library = await import(new URL('../dist/bullmq/index.js', import.meta.url).href)
const names = Object.keys(contenders).filter((name) => values.only === undefined || name === values.only)
const entrants = await Promise.all(
  names.map(async (name) => {
    const contender = await contenders[name]?.({ socket, concurrency: CONCURRENCY, library })
    if (contender === undefined) throw new RangeError(`No contender ${name}`)
    return { name, contender, rounds: /** @type {Rounds} */ ({ admission: [], drain: [] }) }
  })
)

for (let round = -warmups; round < rounds; round++) {
  for (const { contender, rounds } of shuffled(entrants)) {
    const [admission] = await measured(() => queueAll(contender.queue))
    const [drain, end] = await measured(() => contender.drain(tasks))
    await end()
    if (round < 0) continue
    rounds.admission.push(admission)
    rounds.drain.push(drain)
  }
}

for (const { contender } of entrants) await contender.end()
redis.disconnect()
await server.end()

for (const part of /** @type {const} */ (['admission', 'drain'])) {
  /** @type {(kind: keyof Figures, entrant: (typeof entrants)[number] | undefined) => number} */
  const middle = (kind, entrant) => median(entrant?.rounds[part].map((figures) => figures[kind]) ?? [])
  const [first] = entrants
  console.log(`\n${part}: ${tasks} tasks a round, medians of ${rounds} rounds, Node ${process.version}`)
  console.table(
    Object.fromEntries(
      entrants.map((entrant) => [
        entrant.name,
        {
          'tasks/s': fixed(middle('perSecond', entrant)),
          ratio: fixed(middle('perSecond', entrant) / middle('perSecond', first), 2),
          'CPU µs a task': fixed(middle('cpu', entrant)),
          'CPU ratio': fixed(middle('cpu', entrant) / middle('cpu', first), 2),
          'Redis µs a task': fixed(middle('redis', entrant))
        }
      ])
    )
  )
}
