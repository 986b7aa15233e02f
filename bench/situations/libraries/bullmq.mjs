import { randomUUID } from 'node:crypto'
import { works } from '../work/works.mjs'

/** @typedef {import('../types.js').Work} Work */
/** @typedef {import('../types.js').Input} Input */
/** @typedef {import('../types.js').TaskOptions} TaskOptions */

/** So that a killed process is noticed in a second, not in half a minute. */
const RECOVERY = { lockDuration: 1_000, stalledInterval: 1_000 }

/** @type {import('../types.js').Library} */
export const bullmq = {
  name: 'BullMQ',
  package: 'bullmq',
  redis: true,
  latencyMs: 500,
  most: 10_000,
  uses: {
    full: '`Queue.add`',
    cancel: '`Worker.cancelJob`',
    stop: '`Worker.close()`',
    stopNow: '`Worker.close()`',
    restart: '`lockDuration` and `stalledInterval` of one second',
    failure: '`Queue.add`',
    listener: "`Worker.on('completed')`",
    sameId: '`jobId`',
    priorities: '`priority`',
    context: '`Queue.add`'
  },
  lacks: {
    waiting: 'no bound and no wait for room; `getWaitingCount` can be read',
    timeLimit: 'no time limit of a job; the guide has a pattern for a processor that heeds a signal',
    sharedSignal: 'no signal in the options of a job, which are data'
  },
  open: async ({ concurrency, file }, { redis }) => {
    if (redis === undefined) throw new Error('BullMQ needs a Redis.')
    const { Queue, QueueEvents, Worker } = await import('bullmq')
    const name = file ?? randomUUID()
    const connection = { path: redis, maxRetriesPerRequest: null }
    const queue = new Queue(name, { connection })
    const events = new QueueEvents(name, { connection })
    events.setMaxListeners(0)
    await events.waitUntilReady()
    const worker = new Worker(
      name,
      (job, _, signal) => works[/** @type {Work} */ (job.name)](/** @type {Input} */ (job.data), signal),
      { connection, concurrency, ...(file === undefined ? {} : RECOVERY) }
    )
    await worker.waitUntilReady()
    /** Higher is first here, 1 is first there. @type {(options?: TaskOptions) => object} */
    const optionsOf = ({ id, priority } = {}) => ({
      ...(id === undefined ? {} : { jobId: id }),
      ...(priority === undefined ? {} : { priority: 10 - priority })
    })
    const leftOver = async () => {
      const { active = 0, waiting = 0, delayed = 0 } = await queue.getJobCounts('active', 'waiting', 'delayed')
      return active + waiting + delayed
    }
    return {
      add: async (work, input, options) => {
        const job = await queue.add(work, input, optionsOf(options))
        return job.waitUntilFinished(events)
      },
      forget: (work, input, options) => queue.add(work, input, optionsOf(options)),
      addCancelable: async (work, input) => {
        const job = await queue.add(work, input)
        return { result: job.waitUntilFinished(events), cancel: () => worker.cancelJob(job.id ?? '') }
      },
      onEnd: (listener) => worker.on('completed', listener),
      onError: (listener) => worker.on('error', listener),
      stop: () => worker.close(),
      stopNow: () => worker.close(),
      idle: async () => {
        while ((await leftOver()) > 0) await new Promise((resolve) => setTimeout(resolve, 50))
      },
      kept: () => queue.getWaitingCount(),
      failures: () => queue.getFailedCount()
    }
  }
}
