import { type Job, Worker } from 'bullmq'
import { WorkerPool } from 'coatcheck'
import { describe, expect, it, onTestFinished } from 'vitest'
import { checkSharedPoolOptions } from '../../src/bullmq/options.js'
import { Commands } from '../../src/bullmq/redis/commands.js'
import { Claims, type JobData } from '../../src/bullmq/work/claims.js'
import { HeldClaims } from '../../src/bullmq/work/held-claims.js'
import { StopTally } from '../../src/bullmq/work/stop-tally.js'
import { systemClock } from '../../src/ports/system-clock.js'
import { keys } from './support/lost-process.js'
import { connectionTo, hasRedis, shared } from './support/pools.js'

const TOKEN = 'a token'

/** A task that a worker of BullMQ has just claimed, and what becomes of it. */
const claimed = async () => {
  const { open, redis, server } = await shared()
  const handlers = { work: async () => 1 }
  const pool = await open(handlers)
  const { id } = await pool.queueTask('work')
  const connection = { ...connectionTo(server), maxRetriesPerRequest: null }
  const worker = new Worker<JobData>('test', null, { connection, prefix: 'coatcheck', autorun: false })
  onTestFinished(() => worker.close(true))
  const job = (await worker.getNextJob(TOKEN)) as Job<JobData>
  const commands = new Commands(redis, keys)
  const local = new WorkerPool({ concurrency: 1, queueCapacity: 1 })
  onTestFinished(() => local.stop({ graceMs: 0, forceMs: 0 }).then(() => {}))
  const held = new HeldClaims(systemClock, 30_000, (ids) => commands.look(ids))
  const settings = checkSharedPoolOptions({
    name: 'x',
    connection: {},
    concurrency: 1,
    queueCapacity: 1,
    handlers
  }).pool
  const report = (): void => {}
  const claims = new Claims({ local, commands, held, settings, report, tally: new StopTally(), clock: systemClock })
  return { id, job, local, claims, record: () => pool.findTask(id) }
}

describe.skipIf(!hasRedis)('a claim', () => {
  it('that was lost before its call begins changes nothing', async () => {
    const { claims, job, local, record } = await claimed()
    local.start()
    const before = await record()
    await expect(claims.process(job, 'another token')).rejects.toMatchObject({ name: 'WaitingError' })
    expect(await record()).toEqual(before)
  })

  it('goes back to the queue when the process stops', async () => {
    const { claims, job, record } = await claimed()
    await expect(claims.process(job, TOKEN)).rejects.toMatchObject({ name: 'WaitingError' })
    expect(await record()).toMatchObject({ state: 'queued', attempt: 0 })
  })

  it('goes back to the queue when the process stops before it calls', async () => {
    const { claims, job, local, record } = await claimed()
    local.start()
    const processed = claims.process(job, TOKEN)
    void local.stop({ graceMs: 0 })
    await expect(processed).rejects.toMatchObject({ name: 'WaitingError' })
    expect(await record()).toMatchObject({ state: 'queued', attempt: 0 })
  })

  it('is left to others while a call of the same task goes on here', async () => {
    const { id, claims, job, local, record } = await claimed()
    local.start()
    local.queueTask(({ signal }) => new Promise((resolve) => signal.addEventListener('abort', resolve)), { id })
    await expect(claims.process(job, TOKEN)).rejects.toMatchObject({ name: 'WaitingError' })
    expect(await record()).toMatchObject({ state: 'running' }) // until its lease has passed
  })
})
