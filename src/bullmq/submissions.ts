import type { Queue } from 'bullmq'
import { DuplicateTaskError, type FullFacts, QueueFullError } from '../contract/errors.js'
import type { PoolSettings } from '../contract/settings.js'
import { StoreError } from '../contract/store-errors.js'
import type { TaskRecord } from '../contract/task-record.js'
import type { TaskSettings } from '../contract/task-settings.js'
import { inputText } from '../durable/stored-options.js'
import type { Clock } from '../ports/clock.js'
import { jobPriority } from './options.js'
import type { Commands } from './redis/commands.js'
import { jobIdOf } from './redis/keys.js'
import { type About, aboutOf, newRecord, recordOf } from './task-text.js'
import type { JobData } from './work/claims.js'

/** After this time a promised place may be given to another task, in milliseconds. */
const LAPSE_MS = 5_000

/** A century, in seconds. */
const FOREVER_S = 3_155_760_000

const TICKET_BYTES = 21
const [SHORTEST_RETRY_MS, LONGEST_RETRY_MS] = [1_000, 60_000]

/** The parts that submissions use. */
export interface SubmissionParts {
  readonly queue: Queue<JobData>
  readonly commands: Commands
  readonly settings: PoolSettings
  readonly clock: Clock
  /** Mean run time of tasks in this process, in milliseconds. */
  readonly meanRunMs: () => number
}

/** Puts tasks into Redis: a place is promised, BullMQ adds the task, and the promise is given back. */
export class Submissions {
  readonly #parts: SubmissionParts

  constructor(parts: SubmissionParts) {
    this.#parts = parts
  }

  /**
   * The record of the new task, or of the one to join.
   *
   * @throws QueueFullError, DuplicateTaskError, StoreError
   */
  async submit(name: string, input: unknown, task: TaskSettings): Promise<TaskRecord> {
    const { commands, settings } = this.#parts
    inputText(input, settings.maxInputBytes)
    const about = this.#about(task)
    const { id } = about
    const reservation = await known('Nothing was queued', false, () =>
      commands.reserve(id, settings.queueCapacity, LAPSE_MS)
    )
    if (reservation.verdict === 'full') throw this.#full(reservation)
    if (reservation.verdict === 'taken') return this.#other(task, recordOf(reservation.fields))
    return this.#add(name, input, task, about)
  }

  async #add(name: string, input: unknown, task: TaskSettings, about: About): Promise<TaskRecord> {
    const { queue, commands, clock } = this.#parts
    const timestamp = clock.date()
    const opts = { ...this.#jobOptions(task), jobId: jobIdOf(about.id), timestamp, about: JSON.stringify(about) }
    const fields = await known('Whether the task was queued is unknown', true, async () => {
      await queue.add(name, { input }, opts)
      return commands.confirm(about.id)
    })
    if (fields === undefined) return newRecord(name, about, timestamp) // it has ended and is forgotten
    return aboutOf(fields).by === about.by ? recordOf(fields) : this.#other(task, recordOf(fields))
  }

  #other(task: TaskSettings, record: TaskRecord): TaskRecord {
    if (task.onDuplicate === 'join') return record
    throw new DuplicateTaskError(record.id)
  }

  #about({ id, key, metadata, fingerprint, timeoutMs }: TaskSettings): About {
    const { clock, settings } = this.#parts
    const random = Buffer.from(clock.randomBytes(TICKET_BYTES)).toString('base64url')
    return {
      ...{ id: id ?? random, key, metadata, fingerprint, by: random },
      timeoutMs: timeoutMs === undefined ? undefined : finite(timeoutMs),
      retainMs: finite(settings.retention.ms)
    }
  }

  #jobOptions({ priority, delayMs }: TaskSettings) {
    const { count, ms } = this.#parts.settings.retention
    const age = Number.isFinite(ms) ? Math.ceil(ms / 1_000) : FOREVER_S
    const keep = { age, ...(Number.isFinite(count) ? { count } : {}) }
    return {
      ...{ priority: jobPriority(priority), delay: Math.ceil(delayMs), stackTraceLimit: 0 },
      ...{ removeOnComplete: keep, removeOnFail: keep }
    }
  }

  #full({ queued, running }: Pick<FullFacts, 'queued' | 'running'>): QueueFullError {
    const { concurrency, queueCapacity } = this.#parts.settings
    const waitMs = Math.ceil((this.#parts.meanRunMs() * (queued + 1)) / concurrency)
    const retryAfterMs = Math.min(Math.max(waitMs, SHORTEST_RETRY_MS), LONGEST_RETRY_MS)
    return new QueueFullError({ concurrency, queueCapacity, running, queued, retryAfterMs })
  }
}

function finite(ms: number): number | null {
  return Number.isFinite(ms) ? ms : null
}

/** @throws StoreError in place of what the step throws */
export async function known<T>(what: string, inDoubt: boolean, step: () => Promise<T>): Promise<T> {
  try {
    return await step()
  } catch (cause) {
    throw new StoreError(`${what}: Redis does not answer as it should.`, { cause, inDoubt })
  }
}
