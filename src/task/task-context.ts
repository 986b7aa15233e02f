import { progressArguments } from '../contract/checks.js'
import type { Scope } from '../contract/hooks.js'
import type { Task, TaskContext } from '../contract/task-contract.js'
import type { CanceledReason, JsonValue } from '../contract/task-record.js'
import { abortController } from '../ports/abort-controller.js'

/** Why an attempt's signal was aborted, first. */
export interface Abort {
  readonly by: 'timeout' | CanceledReason
  /** The `reason` of the signal; never undefined. */
  readonly reason: unknown
  /** Whether the caller gave that reason; else it is an error of this library, with which the task is rejected as it is. */
  readonly given: boolean
}

/** The worker that runs a task, as far as its context knows it. */
export interface AttemptSlot {
  /** The context of the attempt, from the call of the function to its end. */
  readonly context: AttemptContext
}

/** The task of an attempt, as far as its context knows it. */
export interface AttemptedTask extends Pick<Task, 'id' | 'name' | 'key'> {
  readonly details: { readonly metadata: JsonValue | undefined } | null
  readonly worker: AttemptSlot | null
  readonly owner: { readonly stopReason: unknown }
  readonly scope: Scope
  reportProgress(ratio: number, message: string | undefined): void
}

/** The argument of one call of a task function. Its signals are made when they are first read. */
export class AttemptContext implements TaskContext {
  readonly #task: AttemptedTask
  readonly attempt: number
  #signal: AbortController | undefined
  #stopping: AbortController | undefined
  #abort: Abort | undefined

  constructor(task: AttemptedTask, attempt: number) {
    this.#task = task
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
      this.#signal = abortController()
      if (this.#abort !== undefined) this.#signal.abort(this.#abort.reason)
    }
    return this.#signal.signal
  }

  get stopping(): AbortSignal {
    if (this.#stopping === undefined) {
      this.#stopping = abortController()
      const { stopReason } = this.#task.owner
      if (stopReason !== undefined) this.#stopping.abort(stopReason)
    }
    return this.#stopping.signal
  }

  toString(): string {
    return `TaskContext ${this.name ?? ''}${this.name === undefined ? '' : ' '}${this.id} attempt ${this.attempt}`
  }

  get progress(): (ratio: number, message?: string) => void {
    return (ratio, message) => {
      progressArguments(ratio, message)
      if (!AttemptContext.hasEnded(this)) this.#task.reportProgress(ratio > 0 ? Math.min(ratio, 1) : 0, message)
    }
  }

  // ── for the pool; static, so that a task function cannot call it ─────────────────────────────────────────────────

  /** Why the signal was aborted; undefined while it was not. */
  static abortOf(context: AttemptContext): Abort | undefined {
    return context.#abort
  }

  /** Aborts the signal. The first reason stands. */
  static abort(context: AttemptContext, abort: Abort): void {
    if (context.#abort !== undefined) return
    context.#abort = abort
    abortIn(context.#task, context.#signal, abort.reason)
  }

  /** Whether the attempt is over: its progress no longer counts. */
  static hasEnded(context: AttemptContext): boolean {
    return context.#task.worker?.context !== context
  }

  /** Aborts the `stopping` signal. */
  static stop(context: AttemptContext, reason: unknown): void {
    abortIn(context.#task, context.#stopping, reason)
  }
}

/** Abort listeners are called in the context of the task, like its function. */
function abortIn({ scope }: AttemptedTask, controller: AbortController | undefined, reason: unknown): void {
  if (controller !== undefined) scope.runInAsyncScope(() => controller.abort(reason))
}

/**
 * The context of a worker that runs no function. The engine discards the compiled code of a class of which it finds no
 * instance, and there would be none whenever nothing runs.
 */
export const NO_ATTEMPT = /* @__PURE__ */ new AttemptContext(/* @__PURE__ */ nobody(), 0)

function nobody(): AttemptedTask {
  const scope: Scope = { runInAsyncScope: (fn, thisArg, ...args) => fn.apply(thisArg, args) }
  const owner = { stopReason: undefined }
  return {
    id: '',
    name: undefined,
    key: undefined,
    details: null,
    worker: null,
    owner,
    scope,
    reportProgress: () => {}
  }
}
