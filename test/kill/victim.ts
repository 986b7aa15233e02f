/**
 * The process that is killed: a pool under load with a store. `victim.ts <settings as JSON>`.
 *
 * It prints `ready` when it is under load. At SIGTERM it stops with a short grace. With `drain` it queues nothing, waits until
 * nothing is left and stops.
 */
import { writeSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { WorkerPool } from '../../src/index.js'
import { sqliteStore } from '../../src/stores/sqlite/index.js'
import { earlyStore } from './early-store.js'
import { lineWriter } from './log.js'
import { below, chance, handlersOf, NAMES } from './work.js'

/** What a victim is told. */
export interface VictimSettings {
  readonly path: string
  readonly log: string
  readonly thread: boolean
  readonly driver: string | undefined
  readonly planted: boolean
  readonly drain: boolean
}

const { path, log, thread, driver, planted, drain } = JSON.parse(process.argv[2] ?? '') as VictimSettings
const write = lineWriter(log)

const store = await sqliteStore({
  ...{ path, thread, waitMs: 10_000, keep: { count: Number.POSITIVE_INFINITY } },
  ...(driver === undefined ? {} : { driver })
})
const pool = new WorkerPool({
  concurrency: 8,
  queueCapacity: 64,
  store: planted ? earlyStore(store) : store,
  handlers: handlersOf(write, 12),
  onUnobservedError: () => {}
})
pool.on('settled', ({ id, state }) => write({ what: 'ended', id, state }))

let count = 0
const queueOne = (): void => {
  const name = NAMES[below(3)] ?? 'once'
  const task = pool.queueTask(name, ++count, {
    priority: below(3),
    ...(chance(0.5) ? { key: `key-${below(4)}` } : {}),
    ...(chance(0.2) ? { id: `own-${process.pid}-${Date.now()}-${count}` } : {}),
    ...(chance(0.05) ? { queueTimeoutMs: 1 + below(20) } : {})
  })
  const { id } = task
  task.recorded.then(
    () => write({ what: 'acknowledged', id }),
    () => undefined // it was stopped before
  )
  if (chance(0.1)) void sleep(below(15)).then(() => task.cancel('not wanted any more'))
}

const stop = async (graceMs: number): Promise<void> => {
  await pool.stop({ graceMs, forceMs: 2_000 })
  process.exit(0)
}

process.once('SIGTERM', () => void stop(below(30)))
pool.start()
if (drain) {
  await pool.drain()
  await stop(2_000)
}
writeSync(1, 'ready\n')
while (pool.state === 'running') {
  const { queued, delayed, untold } = pool.stats() // all of them keep their places
  for (let free = 48 - queued - delayed - untold; free > 0; free--) queueOne()
  await sleep(1)
}
