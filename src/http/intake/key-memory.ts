import type { Task } from '../../contract/task-contract.js'
import type { Timer } from '../../ports/clock.js'
import type { RouteClock } from '../holding/followers.js'
import { ForgottenTask, type LastStatus } from '../tickets/forgotten-task.js'
import type { TicketPool } from '../tickets/ticket-pool.js'
import type { TicketReplies } from '../tickets/ticket-replies.js'
import { isDone } from '../tickets/ticket-status.js'
import type { Hooks } from '../wire/hooks.js'

/** How often the tasks of keys are checked for their end. */
const CHECK_MS = 100

/** The most tasks that are reduced at a time, and the pause before the next ones: a few milliseconds of work each. */
const MAX_REDUCED = 100
const PAUSE_MS = 5

/** The memory of idempotency keys. */
export interface IdempotencyKeyStats {
  /** Keys that are remembered. */
  readonly kept: number
  /** The most that are remembered: `maxIdempotencyKeys`. */
  readonly capacity: number
  /** Keys that were forgotten before their time, because there was no room. Each may queue a second task. */
  readonly forgottenEarly: number
}

/** A remembered key. */
export interface KnownKey {
  readonly fingerprint: string
  /** Its task; only with its last status once the pool has forgotten it. */
  task(): Task
}

/** The parts that a memory of keys uses. */
export interface KeyMemoryParts {
  readonly pool: Pick<TicketPool, 'task'>
  readonly replies: TicketReplies
  readonly hooks: Hooks
  readonly clock: RouteClock
  readonly capacity: number
  /** How long a key is remembered after its task was accepted, and at least until that has settled. */
  readonly keptMs: number
}

interface LiveKey {
  readonly fingerprint: string
  readonly task: Task
  readonly acceptedAt: number
}

interface SettledKey {
  readonly fingerprint: string
  readonly until: number
  outcome: Task | Reduced
}

/**
 * What remains of a settled task: its last status as JSON, one flat text, and a reference that recognises the task as long
 * as the pool retains it. A newer task with the same id is another one.
 */
class Reduced {
  readonly text: string
  readonly #task: WeakRef<Task>

  constructor(last: LastStatus, task: Task) {
    this.text = JSON.stringify(last)
    this.#task = new WeakRef(task)
  }

  task(pool: Pick<TicketPool, 'task'>): Task {
    const last = JSON.parse(this.text) as LastStatus
    const retained = pool.task?.(last.record.id)
    return retained !== undefined && retained === this.#task.deref() ? retained : new ForgottenTask(last)
  }
}

/**
 * Remembers idempotency keys: each while its task is unsettled and until its time has passed. Without room the key that
 * settled first is forgotten early; without a settled one, the oldest.
 *
 * ```
 *   remember ──► live ── settled, seen by a check ──► settled, with the task ── next check ──► with its last status
 *                                                     └───────────────── until its time has passed ──────────────┘
 * ```
 *
 * The end of a task is seen by its state: a call of `settled()` or `result()` would make this an observer, and the pool would
 * not report a failure that nobody else observes.
 */
export class KeyMemory {
  readonly #parts: KeyMemoryParts
  readonly #timer: Timer
  /** By the time of acceptance. */
  readonly #live = new Map<string, LiveKey>()
  /** By the time until which they are remembered. */
  readonly #settled = new Map<string, SettledKey>()
  #toReduce: SettledKey[] = []
  #checkedAt = Number.NEGATIVE_INFINITY
  #forgottenEarly = 0

  constructor(parts: KeyMemoryParts) {
    this.#parts = parts
    this.#timer = parts.clock.timer(() => this.#check())
    this.#timer.keepAlive(false)
  }

  stats(): IdempotencyKeyStats {
    this.#expire()
    return { kept: this.#size, capacity: this.#parts.capacity, forgottenEarly: this.#forgottenEarly }
  }

  remember(place: string, fingerprint: string, task: Task): void {
    this.#expire()
    if (this.#live.size === 0 && this.#toReduce.length === 0) this.#timer.set(CHECK_MS)
    this.#live.set(place, { fingerprint, task, acceptedAt: this.#parts.clock.now() })
    if (this.#size > this.#parts.capacity) this.#forgetOne()
  }

  recall(place: string): KnownKey | undefined {
    const live = this.#live.get(place)
    if (live !== undefined) return { fingerprint: live.fingerprint, task: () => this.shown(live.task) }
    this.#expire()
    const settled = this.#settled.get(place)
    if (settled === undefined) return undefined
    const { fingerprint, outcome } = settled
    const task = (): Task => (outcome instanceof Reduced ? outcome.task(this.#parts.pool) : this.shown(outcome))
    return { fingerprint, task }
  }

  /** A task as the answer to a replay may show it: without its result when its ticket has none any more. */
  shown(task: Task): Task {
    const { pool, replies } = this.#parts
    if (!isDone(task) || pool.task === undefined || pool.task(task.id) === task) return task
    return new ForgottenTask(replies.lastStatus(task))
  }

  get #size(): number {
    return this.#live.size + this.#settled.size
  }

  #expire(): void {
    const now = this.#parts.clock.now()
    for (const [place, { until }] of this.#settled) {
      if (until > now) return
      this.#settled.delete(place)
    }
  }

  #forgetOne(): void {
    const keys = this.#settled.size > 0 ? this.#settled : this.#live
    for (const place of keys.keys()) {
      keys.delete(place)
      break
    }
    if (++this.#forgottenEarly > 1) return
    const { capacity, hooks } = this.#parts
    hooks.report(
      new Error(
        `An Idempotency-Key was forgotten before its time, so a request that repeats it queues a second task: more than ${capacity} ` +
          'keys are in use. Raise `maxIdempotencyKeys` or lower `idempotencyMs`. Further ones are counted by `stats()`.'
      )
    )
  }

  #check(): void {
    for (const key of this.#toReduce.splice(0, MAX_REDUCED)) this.#reduce(key)
    if (this.#toReduce.length > 0) return this.#timer.set(PAUSE_MS)
    for (const [place, { fingerprint, task, acceptedAt }] of this.#live) {
      if (!isDone(task)) continue
      const until = Math.max(acceptedAt, this.#checkedAt) + this.#parts.keptMs // it was unsettled then
      const key = { fingerprint, until, outcome: task }
      this.#live.delete(place)
      this.#settled.set(place, key)
      this.#toReduce.push(key)
    }
    this.#checkedAt = this.#parts.clock.now()
    if (this.#live.size > 0 || this.#toReduce.length > 0) this.#timer.set(CHECK_MS)
  }

  #reduce(key: SettledKey): void {
    const task = key.outcome as Task
    try {
      key.outcome = new Reduced(this.#parts.replies.lastStatus(task), task)
    } catch (error) {
      this.#parts.hooks.report(error) // the task itself stays, and is shown as it is
    }
  }
}
