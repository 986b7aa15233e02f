import { isPoolError } from '../../contract/errors.js'
import type { Task } from '../../contract/task-contract.js'
import { read, type TaskRecord } from '../../contract/task-record.js'
import { RecordTask } from '../tickets/record-task.js'
import type { TicketLookup } from '../tickets/ticket-lookup.js'
import { requestError } from '../wire/request-error.js'
import type { KeyMemory } from './key-memory.js'

/** A submission with an idempotency key. */
export interface KeyedSubmission {
  /** Owner, method, path and key as one text. */
  readonly place: string
  /** The digest of the body. A replay must have the same. */
  readonly fingerprint: string
  /** The ticket that the pool gives to this place, if it does. */
  readonly ticket: string | undefined
  /** Aborts when the client leaves. */
  readonly signal: AbortSignal
}

/** The result of a submission: a new task, or the one that was queued before. */
export interface Submitted {
  readonly task: Task
  readonly isReplayed: boolean
}

interface UnderWay {
  readonly fingerprint: string
  /** The task; `undefined` when it was refused. Never rejects. */
  readonly outcome: Promise<Task | undefined>
}

/**
 * Maps idempotency keys to tasks, so that a repeated submission queues no second task. A submission under way has its key
 * to itself; then the key is remembered, here and by a pool that gives it a ticket. Refused submissions are not remembered.
 */
export class IdempotencyKeys {
  readonly #memory: KeyMemory
  readonly #lookup: TicketLookup
  readonly #underWay = new Map<string, UnderWay>()

  constructor(memory: KeyMemory, lookup: TicketLookup) {
    this.#memory = memory
    this.#lookup = lookup
  }

  /**
   * Queues a task unless the key has one. Of concurrent submissions one queues and the others wait for its outcome; when
   * it is refused, the next one queues.
   *
   * @throws RequestError (422) when the key was sent with another body; what `queue` throws; StoreFailure when it cannot be
   *   known whether the key has a task
   */
  async once(submission: KeyedSubmission, queue: () => Promise<Task>): Promise<Submitted> {
    const { place, fingerprint, signal } = submission
    for (let other = this.#underWay.get(place); other !== undefined; other = this.#underWay.get(place)) {
      requireSame(fingerprint, other)
      const task = await unlessLeft(other.outcome, signal)
      if (task !== undefined) return { task: this.#memory.shown(task), isReplayed: true }
    }
    const known = this.#memory.recall(place)
    if (known === undefined) return this.#alone(submission, queue)
    requireSame(fingerprint, known)
    return { task: known.task(), isReplayed: true }
  }

  async #alone({ place, fingerprint, ticket }: KeyedSubmission, queue: () => Promise<Task>): Promise<Submitted> {
    const submitted = ticket === undefined ? first(queue()) : this.#byTicket(ticket, fingerprint, queue)
    const outcome = submitted.then(
      ({ task }) => task,
      () => undefined
    )
    this.#underWay.set(place, { fingerprint, outcome })
    try {
      const { task, isReplayed } = await submitted
      // The task of a bare record is not in this process, and neither is its key.
      if (!isReplayed && !(task instanceof RecordTask)) this.#memory.remember(place, fingerprint, task)
      return { task, isReplayed }
    } finally {
      this.#underWay.delete(place)
    }
  }

  /** The task that has the key's ticket, or else a new one. */
  async #byTicket(ticket: string, fingerprint: string, queue: () => Promise<Task>): Promise<Submitted> {
    const known = await this.#replayed(ticket, fingerprint)
    if (known !== undefined) return known
    try {
      return await first(queue())
    } catch (error) {
      // Another process was asked the same in this moment, and has queued it.
      const other = isDuplicateOf(error, ticket) ? await this.#replayed(ticket, fingerprint) : undefined
      if (other === undefined) throw error
      return other
    }
  }

  async #replayed(ticket: string, fingerprint: string): Promise<Submitted | undefined> {
    const task = this.#lookup.here(ticket) ?? (await this.#lookup.elsewhere(ticket))
    if (task === undefined) return undefined
    const record = task.record()
    if (wasNotRecorded(record)) {
      task.forget() // otherwise the new task would not get its ticket
      return undefined
    }
    requireSame(fingerprint, { fingerprint: record.fingerprint ?? fingerprint })
    return { task, isReplayed: true }
  }
}

function isDuplicateOf(error: unknown, ticket: string): boolean {
  return isPoolError(error) && error.code === 'ERR_DUPLICATE_TASK' && read(error, 'id') === ticket
}

async function first(queued: Promise<Task>): Promise<Submitted> {
  return { task: await queued, isReplayed: false }
}

/** Whether a task ended because the store did not take it: its client was answered 503, and repeats the request. */
function wasNotRecorded({ state, startedAt, error }: TaskRecord): boolean {
  return state === 'failed' && startedAt === undefined && error?.code === 'ERR_STORE'
}

function requireSame(fingerprint: string, other: { readonly fingerprint: string }): void {
  if (fingerprint !== other.fingerprint) throw requestError('IDEMPOTENCY_KEY_REUSED')
}

/** The promise, or a rejection with the signal's reason if that aborts first. */
function unlessLeft<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const leave = (): void => reject(signal.reason)
    if (signal.aborted) return leave()
    signal.addEventListener('abort', leave, { once: true })
    void promise.then((value) => {
      signal.removeEventListener('abort', leave)
      resolve(value)
    })
  })
}
