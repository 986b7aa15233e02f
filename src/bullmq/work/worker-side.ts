import { Worker } from 'bullmq'
import type { Redis } from 'ioredis'
import type { Report } from '../../contract/hooks.js'
import type { Task } from '../../contract/task-contract.js'
import { WorkerPool } from '../../index.js'
import type { Clock } from '../../ports/clock.js'
import type { Notices, TaskNotice } from '../notices.js'
import type { SharedSettings } from '../options.js'
import { changeScripts } from '../redis/bullmq-scripts.js'
import type { Channels } from '../redis/channels.js'
import { Commands } from '../redis/commands.js'
import { expected, isExpected } from '../redis/expected.js'
import { type Keys, ticketOf } from '../redis/keys.js'
import type { Returned } from '../task-text.js'
import { Claims, type JobData, type TaskJob } from './claims.js'
import { HeldClaims } from './held-claims.js'
import { StopTally } from './stop-tally.js'

/** After a command that failed, BullMQ tries again after so long. */
const AGAIN_MS = 1_000

/** An idle worker looks for tasks so often: the one who was woken for a task may have been lost before it claimed it. */
const WAKE_S = 1

/** The most that BullMQ's script can count to. */
const MANY = 2 ** 31

/** The end of a task was refused: its lease is lost, or it has ended. */
const LATE = /^(?:Missing lock|Lock mismatch|Missing key) for job (\S+)\. (?:Cmd )?moveToFinished/

/** The parts that the working side of a pool uses. */
export interface WorkerSideParts {
  readonly settings: SharedSettings
  readonly keys: Keys
  readonly clock: Clock
  readonly notices: Notices
  readonly report: Report
}

/** BullMQ's worker renews leases until all that ran is settled, which may never be. */
class LeavingWorker extends Worker<JobData, Returned> {
  async abandon(): Promise<void> {
    await this.lockManager.close()
  }
}

/**
 * The side of a pool that works: BullMQ's worker claims and settles, a local pool executes. What BullMQ has settled, and only
 * that, is emitted.
 */
export class WorkerSide {
  readonly tally = new StopTally()
  readonly local: WorkerPool
  readonly #parts: WorkerSideParts
  /** Tasks whose end Redis has refused once. */
  readonly #late = new Set<string>()
  #worker: LeavingWorker | undefined

  constructor(parts: WorkerSideParts) {
    this.#parts = parts
    const { name, concurrency, taskTimeoutMs, stuckAfterMs, graceMs, forceMs } = parts.settings.pool
    this.local = new WorkerPool({
      ...{ name, concurrency, queueCapacity: concurrency, taskTimeoutMs, stuckAfterMs, graceMs, forceMs },
      ...{ captureContext: false, retention: { count: 0 } },
      onUnobservedError: parts.report
    })
    for (const event of ['started', 'stuck'] as const)
      this.local.on(event, (task) => parts.notices.emit(event, noticeOf(task)))
  }

  /** Begins to claim tasks. */
  start(client: Redis, channels: Channels): void {
    const { settings, keys, clock, report } = this.#parts
    const commands = new Commands(client, keys)
    const held = new HeldClaims(clock, settings.leaseMs, (ids) => commands.look(ids))
    const { local, tally } = this
    const claims = new Claims({ local, commands, held, tally, settings: settings.pool, clock, report })
    local.on('progress', ({ id }) => held.progressed(id))
    local.start()
    channels.listen(keys.cancels, (id) => void held.canceled(id).catch(expected)) // the next look asks again
    this.#worker = this.#work(client, commands, claims, held)
  }

  #work(client: Redis, commands: Commands, claims: Claims, held: HeldClaims): LeavingWorker {
    const { prefix, name, leaseMs, pool } = this.#parts.settings
    changeScripts(client, pool.queueCapacity)
    const worker = new LeavingWorker(name, (job, token) => claims.process(job, token as string), {
      ...{ connection: client, prefix, concurrency: pool.concurrency, runRetryDelay: AGAIN_MS, drainDelay: WAKE_S },
      ...{ lockDuration: leaseMs, stalledInterval: leaseMs, maxStalledCount: Math.min(pool.maxCrashes, MANY) }
    })
    worker.on('error', (error) => void this.#failed(error, commands))
    worker.on('locksRenewed', ({ jobIds }) => held.renewed(jobIds.map(ticketOf)))
    worker.on('lockRenewalFailed', (jobIds) => held.lost(jobIds.map(ticketOf)))
    worker.on('completed', (job) => this.#settled(job, 'succeeded'))
    worker.on('failed', (job) => this.#settled(job as TaskJob, claims.endOf(job as TaskJob)))
    return worker
  }

  /** Redis has the end of a task. */
  #settled(job: TaskJob, state: 'succeeded' | 'failed' | 'canceled'): void {
    this.tally[state]++
    this.#parts.notices.emit('settled', { id: ticketOf(String(job.id)), name: job.name, state })
  }

  async #failed(error: Error, commands: Commands): Promise<void> {
    if (isExpected(error)) return
    const jobId = LATE.exec(error.message)?.[1]
    if (jobId === undefined) return this.#parts.report(error)
    if (this.#late.delete(jobId)) return // BullMQ tries twice
    this.#late.add(jobId)
    // If the task has ended, it is the answer to an earlier try that was lost with its connection.
    const fields = await commands.read(ticketOf(jobId)).catch(expected)
    if (fields?.finishedOn === null) this.#parts.report(error)
  }

  /** Claims nothing any more. What was claimed in this moment goes back. */
  pause(): void {
    void this.#worker?.pause(true)
  }

  /** Resolves when everything that ended here is settled. */
  async close(): Promise<void> {
    await this.#worker?.close()
  }

  /** Nothing of it keeps the process alive, even if Redis has not let it close. */
  async abandon(): Promise<void> {
    await this.#worker?.abandon()
  }
}

function noticeOf({ id, name, state }: Pick<Task, 'id' | 'name' | 'state'>): TaskNotice {
  return { id, name: String(name), state }
}
