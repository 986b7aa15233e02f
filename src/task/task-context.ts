import { wording } from '../contract/checks.js'
import type { TaskContext } from '../contract/task-contract.js'
import { type CanceledReason, cut, type JsonValue } from '../contract/task-record.js'
import type { PoolTask } from './task.js'

/** Why an attempt's signal was aborted, first. */
export interface Abort {
  readonly by: 'timeout' | CanceledReason
  /** What stands on the signal; never undefined. */
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
      if (typeof ratio !== 'number') throw new TypeError(wording('ratio', 'a number', ratio))
      if (message !== undefined && typeof message !== 'string') {
        throw new TypeError(wording('message', 'a string', message))
      }
      if (AttemptContext.hasEnded(this)) return
      this.#owner.progress(
        this.#task,
        ratio > 0 ? Math.min(ratio, 1) : 0,
        message === undefined ? undefined : cut(message)
      )
    }
  }

  // ── for the pool, and out of reach of whoever holds the context ──────────────────────────────────────────────────

  /** Why the signal was aborted; undefined while it was not. */
  static abortOf(context: AttemptContext): Abort | undefined {
    return context.#abort
  }

  /** Aborts the signal. The first reason stands. */
  static abort(context: AttemptContext, abort: Abort): void {
    if (context.#abort !== undefined) return
    context.#abort = abort
    context.#signal?.abort(abort.reason)
  }

  /** Whether the attempt is over: what it still says is not heard. */
  static hasEnded(context: AttemptContext): boolean {
    return context.#task.worker?.context !== context
  }

  /** Says that the pool began to stop. */
  static stop(context: AttemptContext, reason: unknown): void {
    context.#stopping?.abort(reason)
  }
}
