import { Worker } from 'bullmq'
import { onTestFinished } from 'vitest'
import { Commands } from '../../../src/bullmq/redis/commands.js'
import { Keys, ticketOf } from '../../../src/bullmq/redis/keys.js'
import { connectionTo, type Shared } from './pools.js'

export const keys = new Keys('coatcheck', 'test')

/** How long a process that is lost had its tasks. */
const LOCK_MS = 100

let tokens = 0

/** A process that claims the next task, begins its call if it shall, and is never heard of again. */
export const loseProcess = async ({ server, redis }: Shared, { begins }: { begins: boolean }): Promise<string> => {
  const connection = { ...connectionTo(server), maxRetriesPerRequest: null }
  const options = { connection, prefix: 'coatcheck', lockDuration: LOCK_MS, autorun: false }
  const worker = new Worker('test', null, { ...options, skipStalledCheck: true, skipLockRenewal: true })
  worker.on('error', () => {})
  onTestFinished(() => worker.close(true))
  const token = `lost:${++tokens}`
  const job = await worker.getNextJob(token)
  if (job?.id === undefined) throw new Error('there is nothing to claim')
  const id = ticketOf(job.id)
  if (begins) await new Commands(redis, keys).begin({ id, token }, Date.now(), true)
  return id
}
