import type { RetryOptions } from './retry-options.js'
import type { JsonValue } from './task-record.js'

/** Options of one task. */
export interface TaskOptions {
  /**
   * Whether the task is kept in memory only, in a pool with a store: it ends with the process. Required for a function.
   *
   * @defaultValue false
   */
  readonly volatile?: boolean | undefined
  /**
   * Fingerprint of the request that queued the task: it is part of the record, so that a repeated request with the same id
   * can be compared. At most 256 characters.
   */
  readonly fingerprint?: string | undefined
  /**
   * The ticket, if the caller chooses it: 1 to 128 characters of `[A-Za-z0-9._:-]`, not `.` or `..`.
   *
   * @defaultValue a generated ticket: 28 url-safe characters with 136 random bits, of a stored task 22 with 80
   */
  readonly id?: string | undefined
  /** Name of a function's task, at most 256 characters. Not allowed for a handler's task: it has the handler's name. */
  readonly name?: string | undefined
  /** Client, tenant or resource of the task. At most 256 characters. Within one priority, keys take turns. */
  readonly key?: string | undefined
  /**
   * Tasks of a higher priority start first. A safe integer.
   *
   * @defaultValue 0
   */
  readonly priority?: number | undefined
  /**
   * What the task takes of the pool's `weightCapacity` until it settles, besides its place. A finite number > 0, at most
   * the capacity. Integers add up exactly.
   *
   * @defaultValue 1
   */
  readonly weight?: number | undefined
  /** Limit for one attempt, in milliseconds. Replaces the pool's `taskTimeoutMs`. */
  readonly timeoutMs?: number | undefined
  /**
   * Time before which the task does not start, in milliseconds from its acceptance. Finite, ≥ 0. It is accepted now and
   * holds a place, `queued` and counted as delayed; then it goes to the back of its lane, and `queueTimeoutMs` begins. In a pool
   * whose `queueCapacity` is 0 there is never a place for it.
   *
   * @defaultValue 0
   */
  readonly delayMs?: number | undefined
  /** Limit for the wait until the first start, in milliseconds. Replaces the pool's `queueTimeoutMs`. */
  readonly queueTimeoutMs?: number | undefined
  /** Cancels the task when it aborts. If it has already aborted, the call throws its reason and nothing is queued. */
  readonly signal?: AbortSignal | undefined
  /** Retry policy. Replaces the pool's `retry`. */
  readonly retry?: RetryOptions | undefined
  /**
   * JSON data attached to the task, at most 64 levels deep. It is copied. A value whose type is an interface needs a
   * spread (`{ ...value }`): TypeScript does not assign interfaces to JSON types.
   */
  readonly metadata?: JsonValue | undefined
  /**
   * What to do if a live or retained task has the same id: throw a {@link DuplicateTaskError} (`refuse`), return that task
   * (`join`), or return it only while it is live (`join-live`): a settled one is forgotten when the new task is accepted.
   *
   * @defaultValue `'refuse'`
   */
  readonly onDuplicate?: 'refuse' | 'join' | 'join-live' | undefined
  /**
   * Time that the settled task is kept, in milliseconds, instead of the pool's `retention.ms`: 0 for not at all. It counts
   * among `retention.count` all the same.
   *
   * @defaultValue the pool's
   */
  readonly retainMs?: number | undefined
}

/** Options of one task whose caller may wait for room. */
export interface WaitOptions extends TaskOptions {
  /**
   * Limit for the wait for room, in milliseconds. 0: one try without a wait.
   *
   * @defaultValue no limit
   */
  readonly waitMs?: number | undefined
  /** Ends the wait for room when it aborts. Has no effect once the task is accepted. */
  readonly waitSignal?: AbortSignal | undefined
}
