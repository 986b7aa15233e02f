import type { JsonValue, TaskRecord, TaskState } from './task-record.js'

/**
 * One unit of work that was accepted, and the handle on it. Its `id` is the ticket.
 *
 * Costs nothing until it is looked at: the id, the promises and the record are made when they are asked for.
 */
export interface Task<R = unknown> {
  /**
   * The ticket: random and unguessable (128 bits) unless the caller gave one. Url-safe.
   */
  readonly id: string
  /** The handler's name, or the one given to a function. */
  readonly name: string | undefined
  /** Whose task it is. */
  readonly key: string | undefined
  /** Where it stands. */
  readonly state: TaskState

  /**
   * What the function returned. Rejects with the task's own error unchanged, or with a {@link TaskCanceledError},
   * {@link TaskTimeoutError} or {@link TaskInterruptedError}. Each call makes a promise of its own: a failure nobody asks
   * about is no unhandled rejection, one whose promise is dropped is.
   */
  result(): Promise<R>

  /** Resolves with this task when its state is final. Never rejects. */
  settled(): Promise<Task<R>>

  /** What may be read of it now: plain data, a copy. */
  record(): TaskRecord

  /**
   * The present record, then each newer one, until the terminal one. A slow reader gets only the newest. Nothing is
   * held once the loop ends, however it ends.
   *
   * @param options - `signal` ends the wait: the loop throws its reason
   */
  changes(options?: { readonly signal?: AbortSignal | undefined }): AsyncIterable<TaskRecord>

  /**
   * Asks for its end. A queued task settles now and frees its place; a running one has its signal aborted and keeps its
   * worker until the function has really ended.
   *
   * @param reason - becomes `signal.reason` as it is; without one that is a {@link TaskCanceledError}
   * @returns whether this call settled it, or was the first to ask its running function to end
   */
  cancel(reason?: unknown): boolean

  /** Resolves when the task is as durable as its pool can make it: at once without a store. */
  readonly recorded: Promise<void>
}

/** What a task function is given. May be taken apart: `({ signal, progress }) => …`. */
export interface TaskContext {
  /** The ticket. */
  readonly id: string
  /** The handler's name, or the one given to a function. */
  readonly name: string | undefined
  /** Whose task it is. */
  readonly key: string | undefined
  /** 1 at the first call. */
  readonly attempt: number
  /**
   * Aborts on cancel, timeout, the caller's own signal and at the end of a stop's grace; its `reason` says which. Made
   * when first read, one for each attempt.
   */
  readonly signal: AbortSignal
  /** Aborts when `stop()` begins, before `signal` does: the time to write a checkpoint. */
  readonly stopping: AbortSignal
  /** What was given when the task was queued. */
  readonly metadata: JsonValue | undefined
  /**
   * Says how far it is. The record has it at once; its revision and the event follow at most once per turn of the event
   * loop.
   *
   * @param ratio - from 0 to 1; beyond is cut, NaN is 0
   * @param message - at most 2,000 characters are kept
   */
  readonly progress: (ratio: number, message?: string) => void
}

/** What `cancel(id)` did: settled a queued task, asked a running one, came too late, or found none. */
export type CancelOutcome = 'canceled' | 'requested' | 'finished' | 'unknown'

/** Named functions whose input is data. */
export type Handlers = Readonly<Record<string, (input: never, ctx: TaskContext) => unknown>>

/** What the handlers option may be: every property a handler. An interface will do as well as a literal. */
export type HandlersOf<H> = { readonly [K in keyof H]: (input: never, ctx: TaskContext) => unknown }

/** The input of a handler; `undefined` when it takes none. */
export type InputOf<F> = F extends (...args: infer P) => unknown ? (P extends readonly [] ? undefined : P[0]) : never

/** What a handler's task results in. */
export type ResultOf<F> = F extends (...args: never[]) => infer R ? Awaited<R> : never

/** The arguments after a handler's name: the input may be left out where it may be `undefined`. */
export type After<F, O> =
  undefined extends InputOf<F> ? [input?: InputOf<F>, options?: O] : [input: InputOf<F>, options?: O]
