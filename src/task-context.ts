import { duration, text } from './checks.js'
import type { PoolTask } from './task.js'
import type { TaskContext } from './task-contract.js'
import { type CanceledReason, cut, type JsonValue } from './task-record.js'

/** Why an attempt's signal was aborted, first. */
export interface Abort {
  readonly by: 'timeout' | CanceledReason
  /** What stands on the signal. */
  readonly reason: unknown
  /** Whether somebody gave that reason; else it is an error of ours, which the task is rejected with as it is. */
  readonly given: boolean
}

/** What an attempt needs of its pool. */
export interface AttemptOwner {
  /** Why the pool stops; undefined while it does not. */
  readonly stopReason: unknown
  progress(task: PoolTask, ratio: number, message: string | undefined): void
}

/** What one call of a task function is given. Its signals are made when they are first read. */
export class AttemptContext implements TaskContext {
  readonly #task: PoolTask
  readonly #owner: AttemptOwner
  readonly attempt: number
  #signal: AbortController | undefined
  #stopping: AbortController | undefined
  #abort: Abort | undefined
  #ended = false

  constructor(task: PoolTask, owner: AttemptOwner, attempt: number) {
    this.#task = task
    this.#owner = owner
    this.attempt = attempt
  }

  get id(): string {
    return this.#task.id
  }

  get name(): string | undefined {
    return this.#task.name
  }

  get key(): string | undefined {
    return this.#task.key
  }

  get metadata(): JsonValue | undefined {
    return this.#task.details?.metadata
  }

  get signal(): AbortSignal {
    if (this.#signal === undefined) {
      this.#signal = new AbortController()
      if (this.#abort !== undefined) this.#signal.abort(this.#abort.reason)
    }
    return this.#signal.signal
  }

  get stopping(): AbortSignal {
    if (this.#stopping === undefined) {
      this.#stopping = new AbortController()
      if (this.#owner.stopReason !== undefined) this.#stopping.abort(this.#owner.stopReason)
    }
    return this.#stopping.signal
  }

  get progress(): (ratio: number, message?: string) => void {
    return (ratio, message) => {
      if (typeof ratio !== 'number') duration('ratio', ratio)
      if (message !== undefined && typeof message !== 'string') text('message', message)
      if (this.#ended) return
      this.#owner.progress(
        this.#task,
        ratio > 0 ? Math.min(ratio, 1) : 0,
        message === undefined ? undefined : cut(message)
      )
    }
  }

  // ── for the pool ─────────────────────────────────────────────────────────────────────────────────────────────────

  /** Why the signal was aborted; undefined while it was not. */
  get aborted(): Abort | undefined {
    return this.#abort
  }

  /** Aborts the signal. The first reason stands. */
  abort(abort: Abort): void {
    if (this.#abort !== undefined) return
    this.#abort = abort
    this.#signal?.abort(abort.reason)
  }

  /** Says that the pool began to stop. */
  stop(reason: unknown): void {
    this.#stopping?.abort(reason)
  }

  /** The attempt is over: what it still says is not heard. */
  end(): void {
    this.#ended = true
  }
}
