import { createHash } from 'node:crypto'
import type { Task } from '../../contract/task-contract.js'
import type { TicketPool } from '../tickets/ticket-pool.js'
import { type HttpRequest, headerOf } from '../wire/request.js'
import { requestError } from '../wire/request-error.js'

const KEY = /^[\x20-\x7e]{1,255}$/

/** The longest key in quotes, each character possibly escaped. */
const STRING = /^"(?:[^"\\]|\\["\\]){1,255}"$/

/**
 * The idempotency key of a request: 1 to 255 printable characters, bare or as a string in quotes.
 *
 * @throws RequestError (400)
 *
 * @see the Idempotency-Key HTTP header field, an internet draft; RFC 8941, section 3.3.3, for strings in quotes
 */
export function idempotencyKeyOf(request: Pick<HttpRequest, 'headers'>): string | undefined {
  const field = headerOf(request, 'idempotency-key')
  if (field === undefined) return undefined
  const key = field.startsWith('"') ? unquoted(field) : field
  if (key === undefined || !KEY.test(key)) throw requestError('INVALID_IDEMPOTENCY_KEY')
  return key
}

/** The content of a string in quotes; `undefined` when it is malformed. */
function unquoted(field: string): string | undefined {
  return STRING.test(field) ? field.slice(1, -1).replaceAll(/\\(["\\])/g, '$1') : undefined
}

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

interface Remembered {
  readonly fingerprint: string
  readonly id: string
  readonly queuedAt: string
}

interface UnderWay {
  readonly fingerprint: string
  /** The task; `undefined` when it was refused. Never rejects. */
  readonly outcome: Promise<Task | undefined>
}

/**
 * Maps idempotency keys to tasks, so that a repeated submission queues no second task. An entry is valid as long as the
 * pool knows its task. Beyond the capacity the oldest entry is evicted. Refused submissions have no entry.
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
    // A caller's own id may belong to a newer task.
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
