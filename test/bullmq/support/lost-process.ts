import { Worker, type WorkerOptions } from 'bullmq'
import { expect, onTestFinished } from 'vitest'
import { Commands } from '../../../src/bullmq/redis/commands.js'
import { Keys, ticketOf } from '../../../src/bullmq/redis/keys.js'
import { connectionTo, type Shared } from './pools.js'

export interface LostProcess {
  readonly begins: boolean
  readonly maxCrashes?: number
}

export const keys = new Keys('coatcheck', 'test')

/** How long a process that is lost had its tasks, and how often another one looks for such tasks. */
const [LOCK_MS, LOOK_MS] = [50, 50]

let tokens = 0

const rawWorker = ({ server }: Shared, options: Partial<WorkerOptions>): Worker => {
  const connection = { ...connectionTo(server), maxRetriesPerRequest: null }
  const worker = new Worker('test', null, { connection, prefix: 'coatcheck', autorun: false, ...options })
  worker.on('error', () => {})
  onTestFinished(() => worker.close(true))
  return worker
}

/**
 * A process claims the next task, begins its call if it shall, and is never heard of again; another one finds that out. The
 * leases of the pools under test are not involved: a slow machine loses none of them.
 */
export const loseProcess = async (store: Shared, { begins, maxCrashes = 3 }: LostProcess): Promise<string> => {
  const lost = rawWorker(store, { lockDuration: LOCK_MS, skipStalledCheck: true, skipLockRenewal: true })
  const token = `lost:${++tokens}`
  const job = await lost.getNextJob(token)
  if (job?.id === undefined) throw new Error('there is nothing to claim')
  const id = ticketOf(job.id)
  if (begins) {
    await store.redis.set(keys.lock(id), token) // a begin is refused without it, however long this has taken
    await new Commands(store.redis, keys).begin({ id, token }, Date.now(), true)
    await store.redis.pexpire(keys.lock(id), LOCK_MS)
  }
  const finder = rawWorker(store, { stalledInterval: LOOK_MS, maxStalledCount: maxCrashes })
  await finder.startStalledCheckTimer()
  await expect.poll(() => store.redis.llen(keys.of('active'))).toBe(0)
  await finder.close(true)
  await store.redis.del('coatcheck:test:stalled-check')
  return id
}
