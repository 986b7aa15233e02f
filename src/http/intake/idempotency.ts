import { createHash } from 'node:crypto'
import type { Task } from '../../contract/task-contract.js'
import type { TicketPool } from '../tickets/ticket-pool.js'
import { requestError } from '../wire/request-error.js'

/** A submission that may come again. */
export interface KeyedSubmission {
  /** What the key is told apart by: whose it is, where it was sent. */
  readonly scope: readonly (string | undefined)[]
  readonly key: string
  /** The body as it came. */
  readonly bytes: Uint8Array
  /** Aborts when the client leaves. */
  readonly signal: AbortSignal
}

/** What a submission led to: a task of its own, or the one that was there already. */
export interface Submitted {
  readonly task: Task
  readonly isReplayed: boolean
}

interface Remembered {
  readonly fingerprint: string
  readonly id: string
  readonly queuedAt: string
}

interface UnderWay {
  readonly fingerprint: string
  /** The task, or `undefined` when it was refused. Never rejects. */
  readonly outcome: Promise<Task | undefined>
}

/**
 * Remembers which submission led to which task, so that one that comes again makes no second task: as long as the task's
 * ticket is known, and at most so many, the oldest forgotten first. What was refused is not remembered.
 */
export class IdempotencyKeys {
  readonly #pool: TicketPool
  readonly #capacity: number
  readonly #underWay = new Map<string, UnderWay>()
  readonly #remembered = new Map<string, Remembered>()

  constructor(pool: TicketPool, capacity: number) {
    this.#pool = pool
    this.#capacity = capacity
  }

  /**
   * Queues unless that was done before. Of several at the same time one queues and the others wait for it; when it is
   * refused the next of them tries.
   *
   * @throws RequestError (422) when the key came with another body; what `queue` throws
   */
  async once({ scope, key, bytes, signal }: KeyedSubmission, queue: () => Promise<Task>): Promise<Submitted> {
    const place = digest(JSON.stringify([...scope, key]))
    const fingerprint = digest(bytes)
    for (let other = this.#underWay.get(place); other !== undefined; other = this.#underWay.get(place)) {
      requireSame(fingerprint, other)
      const task = await unlessLeft(other.outcome, signal)
      if (task !== undefined) return { task, isReplayed: true }
    }
    const task = this.#recall(place, fingerprint)
    if (task !== undefined) return { task, isReplayed: true }
    return { task: await this.#first(place, fingerprint, queue), isReplayed: false }
  }

  #recall(place: string, fingerprint: string): Task | undefined {
    const remembered = this.#remembered.get(place)
    if (remembered === undefined) return undefined
    const task = this.#pool.task(remembered.id)
    // An id that was chosen may stand for another task by now.
    if (task === undefined || task.record().queuedAt !== remembered.queuedAt) {
      this.#remembered.delete(place)
      return undefined
    }
    requireSame(fingerprint, remembered)
    return task
  }

  async #first(place: string, fingerprint: string, queue: () => Promise<Task>): Promise<Task> {
    const queued = queue()
    const outcome = queued.catch(() => undefined)
    this.#underWay.set(place, { fingerprint, outcome })
    try {
      const task = await queued
      this.#remember(place, fingerprint, task)
      return task
    } finally {
      this.#underWay.delete(place)
    }
  }

  #remember(place: string, fingerprint: string, task: Task): void {
    const { id, queuedAt } = task.record()
    this.#remembered.set(place, { fingerprint, id, queuedAt })
    if (this.#remembered.size <= this.#capacity) return
    for (const oldest of this.#remembered.keys()) {
      this.#remembered.delete(oldest)
      return
    }
  }
}

function requireSame(fingerprint: string, other: { readonly fingerprint: string }): void {
  if (fingerprint !== other.fingerprint) throw requestError('IDEMPOTENCY_KEY_REUSED')
}

function digest(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('base64')
}

/** The same promise, but rejects with the signal's reason when it aborts first. */
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
