import type { RetryOptions } from './retry-options.js'
import type { JsonValue, TaskRecord, TaskState } from './task-record.js'

/**
 * An accepted task. Its `id` is the ticket.
 *
 * The id, the promises and the record are created when first read.
 */
export interface Task<R = unknown> {
  /**
   * The ticket. Url-safe. A generated ticket cannot be guessed: it has 28 characters with 136 random bits, of a stored task 22
   * with 80.
   */
  readonly id: string
  /** Name of the handler, or the name given to a function. */
  readonly name: string | undefined
  /** Client, tenant or resource that the task belongs to. */
  readonly key: string | undefined
  /** State of the task. */
  readonly state: TaskState
  /** What `result()` rejects with once the task has failed or been canceled; `undefined` before, and after a success. */
  readonly error: unknown

  /**
   * Resolves with the value that the function returned. Rejects with the error that it threw, unchanged, or with a
   * {@link TaskCanceledError}, {@link TaskTimeoutError} or {@link TaskInterruptedError}. Each call creates a promise. A
   * failure causes an unhandled rejection only if a promise was created and is not handled.
   */
  result(): Promise<R>

  /** Resolves with this task once its state is final. Never rejects. */
  settled(): Promise<Task<R>>

  /** The present record of the task: plain data, a copy. */
  record(): TaskRecord

  /**
   * Iterates over the present record, then each newer one, up to the terminal one. A slow reader gets only the newest.
   * Holds nothing once the loop has ended, in whatever way.
   *
   * @param options - `signal` ends the iteration when it aborts: the loop throws its reason
   */
  changes(options?: { readonly signal?: AbortSignal | undefined }): AsyncIterable<TaskRecord>

  /**
   * Cancels the task. A task that is queued or waits for a retry settles at once and frees its place. The signal of a
   * running task aborts; the task keeps its worker until its function has ended.
   *
   * @param reason - becomes `signal.reason` unchanged; without it that is a {@link TaskCanceledError}
   * @returns whether this call settled the task, or was the first cancel of its running function
   */
  cancel(reason?: unknown): boolean

  /**
   * Changes the priority of a task that is queued or delayed: it goes to the back of the queue of the new priority and
   * its key. With the priority that it has, it stays where it is.
   *
   * @param priority - a safe integer; higher ones start first
   * @returns whether the task was queued; false, without effect, once it runs or has settled
   * @throws TypeError | RangeError when the priority is not a safe integer
   */
  reprioritize(priority: number): boolean

  /**
   * Forgets the settled task: its id leads nowhere and may be given to another task. This handle stays as it is. The row
   * of a stored task is removed with the next write; after `stop` it stays.
   *
   * @returns whether the task was retained; false, without effect, while it is live
   */
  forget(): boolean

  /**
   * Resolves once the present state of the task, a cancel request included, is on disk; at once in a pool without a store
   * and for a `volatile` task. Rejects with a {@link StoreError} when it could not be written.
   */
  readonly recorded: Promise<void>
}

/** Argument of a task function. May be destructured: `({ signal, progress }) => …`. */
export interface TaskContext {
  /** The ticket. */
  readonly id: string
  /** Name of the handler, or the name given to a function. */
  readonly name: string | undefined
  /** Client, tenant or resource that the task belongs to. */
  readonly key: string | undefined
  /** Number of this attempt, from 1. A call that ended by a `snooze` is none. */
  readonly attempt: number
  /**
   * Aborts on cancel, on timeout, with the caller's own signal and at the end of a stop's grace; `reason` says which.
   * Created when first read, one per attempt.
   */
  readonly signal: AbortSignal
  /** Aborts when `stop()` begins, before `signal` does, so that long work can write a checkpoint. */
  readonly stopping: AbortSignal
  /** Metadata given when the task was queued. */
  readonly metadata: JsonValue | undefined
  /**
   * Reports progress. The record has it at once; its revision and the `progress` event follow at most once per turn of
   * the event loop.
   *
   * @param ratio - from 0 to 1; other numbers are clamped, NaN becomes 0
   * @param message - the first 2,000 characters are kept
   */
  readonly progress: (ratio: number, message?: string) => void
}

/**
 * Outcome of `cancel(id)`: the task settled (`canceled`), its function runs and its signal has aborted (`requested`),
 * the task had already settled (`finished`), or no task has this id (`unknown`).
 */
export type CancelOutcome = 'canceled' | 'requested' | 'finished' | 'unknown'

/**
 * A function that tasks are queued for by name, with options for all of its tasks.
 *
 * @typeParam F - the type of the function
 */
export interface HandlerOptions<F = (input: never, ctx: TaskContext) => unknown> {
  /** The function. */
  readonly run: F
  /**
   * Whether a stored task may be called again when the process ended, or the pool stopped, while it ran: it is called at
   * least once, perhaps more often. Otherwise it fails with a {@link TaskInterruptedError}. `ctx.id` is the same in each
   * call.
   *
   * @defaultValue false
   */
  readonly rerun?: boolean | undefined
  /** Limit for one attempt, in milliseconds. Replaces the pool's `taskTimeoutMs`. */
  readonly timeoutMs?: number | undefined
  /** Retry policy. Replaces the pool's `retry`. */
  readonly retry?: RetryOptions | undefined
}

/** Functions that tasks are queued for by name. */
export type Handlers = Readonly<Record<string, Handler>>

/** A function, or its definition with options. */
export type Handler = ((input: never, ctx: TaskContext) => unknown) | HandlerOptions

/** Type of the `handlers` option: every property is a handler. Also accepts a value whose type is an interface. */
export type HandlersOf<H> = { readonly [K in keyof H]: Handler }

/** Type of the function of a handler. */
export type RunOf<F> = F extends HandlerOptions<infer R> ? R : F

/** Input of a handler; `undefined` if it takes none. */
export type InputOf<F> =
  RunOf<F> extends (...args: infer P) => unknown ? (P extends readonly [] ? undefined : P[0]) : never

/** Result of a handler's task. */
export type ResultOf<F> = RunOf<F> extends (...args: never[]) => infer R ? Awaited<R> : never

/** Arguments after a handler's name. The input may be omitted if it may be `undefined`. */
export type After<F, O> =
  undefined extends InputOf<F> ? [input?: InputOf<F>, options?: O] : [input: InputOf<F>, options?: O]
