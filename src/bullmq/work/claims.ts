import { DelayedError, type Job, WaitingError } from 'bullmq'
import { TaskInterruptedError } from '../../contract/errors.js'
import type { Report } from '../../contract/hooks.js'
import type { HandlerSettings, PoolSettings } from '../../contract/settings.js'
import { snoozeOf } from '../../contract/snooze.js'
import type { Task, TaskContext } from '../../contract/task-contract.js'
import {
  type CanceledReason,
  type ErrorRecord,
  frozen,
  resultText,
  type TaskProgress,
  type TaskRecord
} from '../../contract/task-record.js'
import type { WorkerPool } from '../../index.js'
import type { Clock } from '../../ports/clock.js'
import { backoff, isWorthRetrying } from '../../running/retry.js'
import type { Claimed, Commands } from '../redis/commands.js'
import { expected, isExpected } from '../redis/expected.js'
import { type About, clean, type End, errorRecord, type Returned } from '../task-text.js'
import { ClaimContext } from './claim-context.js'
import type { HeldClaims } from './held-claims.js'
import { ProgressWriter } from './progress-writer.js'
import type { StopTally } from './stop-tally.js'

/** How long a task is left to others when this process does not know its handler. */
const PARKED_MS = 5_000

/** How long a task waits of which Redis would not note what becomes of it. */
const UNNOTED_MS = 1_000

/** The input of a task, as BullMQ keeps it. */
export interface JobData {
  readonly input?: unknown
}

/** A task in BullMQ. */
export type TaskJob = Job<JobData, Returned>

/** The parts that claims use. */
export interface ClaimParts {
  readonly local: WorkerPool
  readonly commands: Commands
  readonly held: HeldClaims
  readonly tally: StopTally
  readonly settings: PoolSettings
  readonly clock: Clock
  readonly report: Report
}

/** What is known of a claim once its call has begun. */
interface Call {
  readonly job: TaskJob
  readonly claimed: Claimed
  readonly handler: HandlerSettings
  readonly calls: number
  readonly failures: number
}

/** Not this time: the function asked to be called again later. */
class Snoozed extends Error {
  readonly delayMs: number

  constructor(delayMs: number) {
    super('Not yet.')
    this.delayMs = delayMs
  }
}

/** The task has ended, and Redis has noted how: BullMQ settles it as failed. */
class Ended extends Error {}

/**
 * What becomes of a task that BullMQ's worker has claimed. The local pool executes it; what this returns or throws is what
 * BullMQ settles, and a `WaitingError` or `DelayedError` says that there is nothing to settle.
 */
export class Claims {
  readonly #parts: ClaimParts
  readonly #unknown = new Set<string>()
  readonly #ends = new WeakMap<TaskJob, End['state']>()

  constructor(parts: ClaimParts) {
    this.#parts = parts
  }

  /** How a task ended that BullMQ has settled as failed. */
  endOf(job: TaskJob): End['state'] {
    return this.#ends.get(job) ?? 'failed'
  }

  /** Throws nothing that BullMQ would settle but an end that is noted. */
  async process(job: TaskJob, token: string): Promise<Returned> {
    const about = aboutOf(job)
    try {
      return await this.#process(job, token, about)
    } catch (thrown) {
      if (thrown instanceof Ended || thrown instanceof WaitingError || thrown instanceof DelayedError) throw thrown
      if (!isExpected(thrown)) this.#parts.report(thrown)
      return this.#later(job, token, UNNOTED_MS)
    }
  }

  async #process(job: TaskJob, token: string, about: About): Promise<Returned> {
    const { commands, clock, settings, local } = this.#parts
    const claimed = { id: about.id, token }
    const handler = settings.handlers.get(job.name)
    if (handler === undefined) return this.#park(job, token)
    if (local.state !== 'running') return this.#backToQueue(job, token)
    const begun = await commands.begin(claimed, clock.date(), handler.rerun)
    switch (begun.answer) {
      case 'begun':
        return this.#run({ job, claimed, handler, calls: begun.calls, failures: begun.failures }, about)
      case 'canceled':
        return this.#end(job, claimed, canceledBecause(begun.why))
      case 'interrupted':
        return this.#end(job, claimed, failure(new TaskInterruptedError(about.id, 'exit')))
      case 'lost':
        throw new WaitingError()
      default:
        return begun satisfies never
    }
  }

  /** Another process may know the handler: during a deployment both kinds are there. */
  async #park(job: TaskJob, token: string): Promise<never> {
    if (!this.#unknown.has(job.name)) {
      this.#unknown.add(job.name)
      this.#parts.report(
        new Error(`There is no handler \`${job.name}\` in this process: its tasks are left to others.`)
      )
    }
    return this.#later(job, token, PARKED_MS)
  }

  async #run(call: Call, about: About): Promise<Returned> {
    const { held, tally } = this.#parts
    const task = this.#execute(call, about)
    if (task === undefined) return this.#notTaken(call)
    const progress = this.#progressOf(call, task)
    const claim = held.add(task, progress)
    await task.settled()
    held.remove(about.id)
    if (task.state === 'succeeded') {
      await progress.end()
      tally.decided++
      return returned(await task.result(), this.#parts.settings.maxResultBytes)
    }
    if (claim.isLost) throw new WaitingError()
    await progress.end()
    return task.state === 'canceled' ? this.#canceled(call, task) : this.#failed(call, task)
  }

  /** The local pool stops; or it still has a call of this task, whose lease was lost: then others shall have it. */
  async #notTaken({ job, claimed, calls, failures }: Call): Promise<never> {
    if (this.#parts.local.state === 'running') throw new WaitingError()
    await this.#parts.commands.leave(claimed, calls - 1, failures)
    return this.#backToQueue(job, claimed.token)
  }

  /** `undefined` when the local pool does not take it. */
  #execute({ job, handler, calls }: Call, about: About): Task | undefined {
    const { local } = this.#parts
    const run = async (context: TaskContext): Promise<unknown> => {
      try {
        return await handler.call(job.data.input, new ClaimContext(context, calls))
      } catch (thrown) {
        throw snoozed(thrown, context)
      }
    }
    const timeoutMs = about.timeoutMs === undefined ? handler.timeoutMs : (about.timeoutMs ?? Number.POSITIVE_INFINITY)
    const { id, key, metadata } = about
    try {
      return local.queueTask(run, {
        ...{ id, name: job.name, key, timeoutMs },
        metadata: metadata === undefined ? undefined : frozen(metadata)
      })
    } catch {
      return undefined
    }
  }

  #progressOf({ claimed }: Call, task: Task): ProgressWriter {
    const { commands, clock } = this.#parts
    return new ProgressWriter(clock, () => {
      const { ratio, message } = task.record().progress as TaskProgress
      const text = message === undefined ? {} : { message: clean(message) }
      return commands.progress(claimed, JSON.stringify({ ratio, ...text }))
    })
  }

  async #canceled({ job, claimed, handler, calls, failures }: Call, task: Task): Promise<never> {
    const { reason, error } = task.record() as TaskRecord & { readonly reason: CanceledReason }
    const isStopped = reason === 'pool_stopped'
    if (isStopped && handler.rerun) {
      this.#parts.tally.left.add(claimed.id)
      await this.#parts.commands.leave(claimed, calls, failures)
      return this.#backToQueue(job, claimed.token)
    }
    if (isStopped) this.#parts.tally.aborted.add(claimed.id)
    return this.#end(job, claimed, { state: 'canceled', reason, ...(error && { error: errorRecord(error) }) })
  }

  async #failed({ job, claimed, handler, calls, failures }: Call, task: Task): Promise<never> {
    const { commands, settings, clock, report, tally } = this.#parts
    const { error } = task
    if (error instanceof TaskInterruptedError) {
      if (handler.rerun) return this.#leaveToLease(claimed.id)
      tally.interrupted.add(claimed.id)
    } else if (error instanceof Snoozed) {
      await commands.leave(claimed, calls - 1, failures)
      return this.#later(job, claimed.token, error.delayMs)
    }
    const policy = handler.retry ?? settings.retry
    const wasAsked = task.record().cancelRequestedAt !== undefined
    if (policy !== undefined && !wasAsked && isWorthRetrying(policy, error, failures + 1, report)) {
      await commands.leave(claimed, calls, failures + 1)
      return this.#later(
        job,
        claimed.token,
        backoff(policy, error, failures + 1, () => clock.random(), report)
      )
    }
    return this.#end(job, claimed, failure(error))
  }

  /** Its function still runs here: nobody else may call it before the lease has passed. */
  #leaveToLease(id: string): never {
    this.#parts.tally.left.add(id)
    throw new WaitingError()
  }

  async #backToQueue(job: TaskJob, token: string): Promise<never> {
    await job.moveToWait(token).catch(expected) // the lease was lost, or passes
    throw new WaitingError()
  }

  async #later(job: TaskJob, token: string, delayMs: number): Promise<never> {
    await job.moveToDelayed(this.#parts.clock.date() + delayMs, token).catch(expected)
    await this.#cancelIfRequested(aboutOf(job).id).catch(expected) // its next call looks again
    throw new DelayedError()
  }

  /** A request that came while the task was claimed is noted only. One that comes now ends the task by itself. */
  async #cancelIfRequested(id: string): Promise<void> {
    const { commands, clock, settings } = this.#parts
    const [why = null] = await commands.look([id])
    if (why === null) return
    const end = JSON.stringify(canceledBecause(why))
    await commands.cancel(id, { now: clock.date(), end, why, retention: settings.retention })
  }

  async #end(job: TaskJob, claimed: Claimed, end: End): Promise<never> {
    if (!(await this.#parts.commands.end(claimed, JSON.stringify(end)))) throw new WaitingError()
    this.#ends.set(job, end.state)
    this.#parts.tally.decided++
    throw new Ended(end.error?.message ?? end.state)
  }
}

/** What the submitter said of a task. */
export function aboutOf({ opts }: TaskJob): About {
  return JSON.parse((opts as { readonly about: string }).about) as About
}

function snoozed(thrown: unknown, { signal }: TaskContext): unknown {
  const delayMs = snoozeOf(thrown)
  if (delayMs === undefined) return thrown
  return signal.aborted ? signal.reason : new Snoozed(delayMs)
}

function returned(value: unknown, maxBytes: number): Returned {
  if (value === undefined) return {}
  const text = resultText(value)
  if (typeof text !== 'string') return text
  return Buffer.byteLength(text) <= maxBytes ? { json: text } : { resultOmitted: `It has more than ${maxBytes} bytes.` }
}

function failure(error: unknown): End {
  return { state: 'failed', error: errorRecord(error) }
}

/** @param why - the reason as JSON text; empty for none */
function canceledBecause(why: string): End {
  return { state: 'canceled', reason: 'user', ...(why === '' ? {} : { error: JSON.parse(why) as ErrorRecord }) }
}
