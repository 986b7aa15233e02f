import type { Queue } from 'bullmq'
import { DuplicateTaskError, type FullFacts, QueueFullError } from '../contract/errors.js'
import type { PoolSettings } from '../contract/settings.js'
import { StoreError } from '../contract/store-errors.js'
import type { TaskRecord } from '../contract/task-record.js'
import type { TaskSettings } from '../contract/task-settings.js'
import { inputText } from '../durable/stored-options.js'
import type { Clock } from '../ports/clock.js'
import { jobPriority } from './options.js'
import { RandomTickets } from './random-tickets.js'
import { addBound } from './redis/admission.js'
import { jobIdOf } from './redis/keys.js'
import { type About, aboutOf, newRecord, recordOf } from './task-text.js'
import type { JobData } from './work/claims.js'

/** A century, in seconds. */
const FOREVER_S = 3_155_760_000

const [SHORTEST_RETRY_MS, LONGEST_RETRY_MS] = [1_000, 60_000]

/** The parts that submissions use. */
export interface SubmissionParts {
  readonly queue: Queue<JobData>
  readonly settings: PoolSettings
  readonly clock: Clock
  /** Whether there is no connection to Redis now. */
  readonly isAway: () => boolean
  /** Mean run time of tasks in this process, in milliseconds. */
  readonly meanRunMs: () => number
}

/** Puts tasks into Redis: verdict and add are one step there. */
export class Submissions {
  readonly #parts: SubmissionParts
  readonly #tickets: RandomTickets

  constructor(parts: SubmissionParts) {
    this.#parts = parts
    this.#tickets = new RandomTickets(parts.clock)
  }

  /**
   * The record of the new task, or of the one to join.
   *
   * @throws QueueFullError, DuplicateTaskError, StoreError
   */
  async submit(name: string, input: unknown, task: TaskSettings): Promise<TaskRecord> {
    const { queue, clock, settings, isAway } = this.#parts
    inputText(input, settings.maxInputBytes)
    if (isAway()) throw new StoreError('Nothing was queued: Redis is away.')
    const about = this.#about(task)
    const timestamp = clock.date()
    const opts = { ...this.#jobOptions(task), jobId: jobIdOf(about.id), timestamp, about: JSON.stringify(about) }
    const added = await known('Whether the task was queued is unknown', true, () =>
      addBound(queue, name, { input }, opts)
    )
    switch (added.verdict) {
      case 'added':
        return newRecord(name, about, timestamp)
      case 'full':
        throw this.#full(added)
      case 'taken':
        // By this very submission if its first answer was lost with the connection.
        return aboutOf(added.fields).by === about.by
          ? recordOf(added.fields)
          : this.#other(task, recordOf(added.fields))
      default:
        return added satisfies never
    }
  }

  #other(task: TaskSettings, record: TaskRecord): TaskRecord {
    if (task.onDuplicate === 'join') return record
    throw new DuplicateTaskError(record.id)
  }

  #about({ id, key, metadata, fingerprint, timeoutMs }: TaskSettings): About {
    const random = this.#tickets.next()
    return {
      ...{ id: id ?? random, key, metadata, fingerprint, by: id === undefined ? undefined : random },
      timeoutMs: timeoutMs === undefined ? undefined : finite(timeoutMs),
      retainMs: finite(this.#parts.settings.retention.ms)
    }
  }

  #jobOptions({ priority, delayMs }: TaskSettings) {
    const { count, ms } = this.#parts.settings.retention
    const age = Math.min(Math.ceil(ms / 1_000), FOREVER_S)
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
