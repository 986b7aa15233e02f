import { createHash } from 'node:crypto'
import type { Task } from '../../contract/task-contract.js'
import { requestError } from '../wire/request-error.js'
import type { KeyMemory } from './key-memory.js'

/** A submission with an idempotency key. */
export interface KeyedSubmission {
  /** Keys are separate per scope: owner, method and path. */
  readonly scope: readonly (string | undefined)[]
  readonly key: string
  /** The body. A replay must have the same. */
  readonly bytes: Uint8Array
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
 * to itself; then the key is remembered. Refused submissions are not remembered.
 */
export class IdempotencyKeys {
  readonly #memory: KeyMemory
  readonly #underWay = new Map<string, UnderWay>()

  constructor(memory: KeyMemory) {
    this.#memory = memory
  }

  /**
   * Queues a task unless the key has one. Of concurrent submissions one queues and the others wait for its outcome; when
   * it is refused, the next one queues.
   *
   * @throws RequestError (422) when the key was sent with another body; what `queue` throws
   */
  async once({ scope, key, bytes, signal }: KeyedSubmission, queue: () => Promise<Task>): Promise<Submitted> {
    const place = digest(JSON.stringify([...scope, key]))
    const fingerprint = digest(bytes)
    for (let other = this.#underWay.get(place); other !== undefined; other = this.#underWay.get(place)) {
      requireSame(fingerprint, other)
      const task = await unlessLeft(other.outcome, signal)
      if (task !== undefined) return { task: await this.#memory.shown(task), isReplayed: true }
    }
    const known = this.#memory.recall(place)
    if (known === undefined) return { task: await this.#first(place, fingerprint, queue), isReplayed: false }
    requireSame(fingerprint, known)
    return { task: await known.task(), isReplayed: true }
  }

  async #first(place: string, fingerprint: string, queue: () => Promise<Task>): Promise<Task> {
    const queued = queue()
    const outcome = queued.catch(() => undefined)
    this.#underWay.set(place, { fingerprint, outcome })
    try {
      const task = await queued
      this.#memory.remember(place, fingerprint, task)
      return task
    } finally {
      this.#underWay.delete(place)
    }
  }
}

function requireSame(fingerprint: string, other: { readonly fingerprint: string }): void {
  if (fingerprint !== other.fingerprint) throw requestError('IDEMPOTENCY_KEY_REUSED')
}

function digest(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('base64')
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
