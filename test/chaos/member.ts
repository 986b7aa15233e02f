/**
 * A process that shares a pool, and may be killed: `member.ts <settings as JSON>`. A worker runs tasks; a producer queues and
 * cancels them. It prints `ready`; at SIGTERM it stops with a short grace.
 */
import { writeSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { sharedPool } from '../../src/bullmq/index.js'
import { isPoolError } from '../../src/index.js'
import { lineWriter } from '../kill/log.js'
import { below, chance, handlersOf, NAMES } from '../kill/work.js'

/** What a member is told. */
export interface MemberSettings {
  readonly port: number
  readonly log: string
  readonly role: 'worker' | 'producer'
}

const { port, log, role } = JSON.parse(process.argv[2] ?? '') as MemberSettings
const write = lineWriter(log)

/** Opens the pool, if need be when Redis is back. */
const opened: typeof sharedPool = async (options) => {
  for (;;) {
    try {
      return await sharedPool(options)
    } catch (error) {
      if (!isPoolError(error)) throw error
      await sleep(50)
    }
  }
}

const main = async (): Promise<void> => {
  const pool = await opened({
    ...{ name: 'chaos', connection: { host: '127.0.0.1', port, retryStrategy: () => 50 } },
    ...{ concurrency: 8, queueCapacity: 100, leaseMs: 1_000, maxCrashes: 100 },
    retention: { count: Number.POSITIVE_INFINITY, ms: Number.POSITIVE_INFINITY },
    handlers: handlersOf(write, 20),
    onUnobservedError: () => {} // late results are refused, as they shall be
  })
  pool.on('settled', ({ id, state }) => write({ what: 'ended', id, state }))
  process.once('SIGTERM', () => {
    void pool.stop({ graceMs: below(100), forceMs: 2_000 }).then(() => process.exit(0))
  })

  const queueOne = async (count: number): Promise<void> => {
    const name = NAMES[below(3)] ?? 'once'
    const { id } = await pool.queueTask(name, count, {
      priority: below(3),
      ...(chance(0.2) ? { id: `${process.pid}:${Date.now()}:${count}` } : {})
    })
    write({ what: 'acknowledged', id })
    if (chance(0.1) && (await pool.cancel(id)) === 'canceled') write({ what: 'ended', id, state: 'canceled' })
  }

  if (role === 'worker') pool.start()
  writeSync(1, 'ready\n')
  for (let count = 0; role === 'producer' && pool.state === 'running'; count++) {
    try {
      await Promise.all([0, 1, 2, 3].map((part) => queueOne(4 * count + part)))
    } catch (error) {
      if (!isPoolError(error)) throw error
      await sleep(20) // full, or Redis is away
    }
  }
}

void main()
