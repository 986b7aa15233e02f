import type { TaskCount } from './reports.js'
import type { CanceledReason, ErrorRecord } from './task-record.js'

/** The codes of all errors of this library. */
export type PoolErrorCode =
  | 'ERR_QUEUE_FULL'
  | 'ERR_KEY_QUEUE_FULL'
  | 'ERR_WAIT_TIMEOUT'
  | 'ERR_WAIT_FULL'
  | 'ERR_POOL_STOPPED'
  | 'ERR_DUPLICATE_TASK'
  | 'ERR_TASK_TIMEOUT'
  | 'ERR_TASK_CANCELED'
  | 'ERR_TASK_INTERRUPTED'
  | 'ERR_DRAIN_TIMEOUT'
  | 'ERR_POOL_DEADLOCK'
  | 'ERR_WAIT_GROUP'
  | 'ERR_TASK_POISONED'
  | 'ERR_STORE'
  | 'ERR_STORE_IN_USE'
  | 'ERR_STORE_VERSION'
  | 'ERR_STORE_DRIVER'
  | 'ERR_THREAD_EXIT'
  | 'ERR_THREAD_FILE'
  | 'ERR_THREAD_DATA'

const BRAND = Symbol.for('coatcheck.PoolError')

/** Names that stay when a bundler shortens those of the classes. */
const NAMES: Readonly<Record<PoolErrorCode, string>> = {
  ERR_QUEUE_FULL: 'QueueFullError',
  ERR_KEY_QUEUE_FULL: 'KeyQueueFullError',
  ERR_WAIT_TIMEOUT: 'WaitTimeoutError',
  ERR_WAIT_FULL: 'WaitFullError',
  ERR_POOL_STOPPED: 'PoolStoppedError',
  ERR_DUPLICATE_TASK: 'DuplicateTaskError',
  ERR_TASK_TIMEOUT: 'TaskTimeoutError',
  ERR_TASK_CANCELED: 'TaskCanceledError',
  ERR_TASK_INTERRUPTED: 'TaskInterruptedError',
  ERR_DRAIN_TIMEOUT: 'DrainTimeoutError',
  ERR_POOL_DEADLOCK: 'PoolDeadlockError',
  ERR_WAIT_GROUP: 'WaitGroupError',
  ERR_TASK_POISONED: 'TaskPoisonedError',
  ERR_STORE: 'StoreError',
  ERR_STORE_IN_USE: 'StoreInUseError',
  ERR_STORE_VERSION: 'StoreVersionError',
  ERR_STORE_DRIVER: 'StoreDriverError',
  ERR_THREAD_EXIT: 'ThreadExitError',
  ERR_THREAD_FILE: 'ThreadFileError',
  ERR_THREAD_DATA: 'ThreadDataError'
}

/**
 * Base class of all errors of this library.
 *
 * `instanceof` works across copies of the package (two versions in one tree, ESM next to CommonJS): it compares a brand
 * and the `code` instead of the class identity. For subclasses defined by users it works as usual.
 */
export abstract class PoolError extends Error {
  /** Identifies the error for programs. The meaning of a code never changes. */
  abstract readonly code: PoolErrorCode

  protected constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    Object.defineProperty(this, BRAND, { value: true })
  }

  /** The name of the class. An accessor, because a bundler keeps every class that is changed when it is loaded. */
  override get name(): string {
    return NAMES[this.code] ?? 'PoolError'
  }

  /** @internal */
  override set name(value: string) {
    Object.defineProperty(this, 'name', { value, writable: true, configurable: true })
  }

  /** Name, code, message and the fields of this error, for logs. */
  toJSON(): Record<string, unknown> {
    return { ...Object.fromEntries(Object.entries(this)), name: this.name, message: this.message }
  }

  /** Makes `instanceof` compare brand and code. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    if (Function.prototype[Symbol.hasInstance].call(this, value)) return true
    return isPoolError(value) && (this === PoolError || codeOf(this) === value.code)
  }
}

/** The code of an error class of this library; a subclass of a user has none of its own. */
function codeOf(errorClass: object): unknown {
  return Object.hasOwn(errorClass, 'code') ? Reflect.get(errorClass, 'code') : undefined
}

/**
 * Whether a value is an error of this library, from any copy of the package. Never throws.
 *
 * @example
 * ```ts
 * import { isPoolError } from 'coatcheck'
 *
 * export const isBusy = (error: unknown) => isPoolError(error) && error.code === 'ERR_QUEUE_FULL'
 * ```
 */
export function isPoolError(value: unknown): value is PoolError {
  try {
    return typeof value === 'object' && value !== null && Reflect.get(value, BRAND) === true
  } catch {
    return false // a proxy whose trap throws is not an error of this library
  }
}

/** Whether the record of an error is that of one of this library: name and code belong together. */
export function isPoolErrorRecord({ name, code }: ErrorRecord): boolean {
  return code !== undefined && Object.hasOwn(NAMES, code) && NAMES[code as PoolErrorCode] === name
}

/**
 * Builds an error without capturing the stack, which costs more than the rest of a refusal. The `stack` of the error is
 * its first line.
 */
export function withoutStack<E extends PoolError | undefined>(build: () => E): E {
  const limit = Error.stackTraceLimit
  if (!setStackTraceLimit(0)) return build()
  try {
    return build()
  } finally {
    setStackTraceLimit(limit)
  }
}

function setStackTraceLimit(limit: number): boolean {
  try {
    Error.stackTraceLimit = limit // `Reflect.set` instead of the assignment costs a refusal 100 ns
    return true
  } catch {
    return false // the intrinsic objects are frozen
  }
}

/** The state of the pool, or of the key, when it refused a task for lack of room. */
export interface FullFacts {
  /** Tasks that may run at the same time: of the key for a {@link KeyQueueFullError}. */
  readonly concurrency: number
  /** Capacity of the queue: of the key for a {@link KeyQueueFullError}. */
  readonly queueCapacity: number
  /** Running tasks: of the key for a {@link KeyQueueFullError}. */
  readonly running: number
  /** Tasks that are queued or wait for a retry: of the key for a {@link KeyQueueFullError}. */
  readonly queued: number
  /** Estimated time until a place is free, in milliseconds: an integer from 1,000 to 60,000. */
  readonly retryAfterMs: number
  /** The weights, in a pool with a `weightCapacity`; not in a {@link KeyQueueFullError}. */
  readonly weights?: WeightFacts
}

/** The weights in a pool with a `weightCapacity`, when it refused a task. */
export interface WeightFacts {
  /** Weight of the refused task. */
  readonly weight: number
  /** Sum of the weights of accepted tasks that have not settled. */
  readonly heldWeight: number
  /** Bound of that sum. */
  readonly weightCapacity: number
}

/** Base class of both refusals for lack of room. */
abstract class NoRoomError extends PoolError implements FullFacts {
  readonly concurrency: number
  readonly queueCapacity: number
  readonly running: number
  readonly queued: number
  readonly retryAfterMs: number

  protected constructor(message: string, facts: FullFacts) {
    super(message)
    this.concurrency = facts.concurrency
    this.queueCapacity = facts.queueCapacity
    this.running = facts.running
    this.queued = facts.queued
    this.retryAfterMs = facts.retryAfterMs
  }
}

/** The pool is full. Nothing was queued. In an HTTP server answer 503 with `Retry-After`. */
export class QueueFullError extends NoRoomError {
  /** @internal */
  static readonly code = 'ERR_QUEUE_FULL'
  readonly code = 'ERR_QUEUE_FULL'
  /** Weight of the refused task; only in a pool with a `weightCapacity`, like the next two. */
  declare readonly weight?: number
  /** Sum of the weights of accepted tasks that have not settled. */
  declare readonly heldWeight?: number
  /** Bound of that sum. */
  declare readonly weightCapacity?: number

  /** @param note - a sentence that says why no task starts, if the pool is paused or was not started */
  constructor(facts: FullFacts, note?: string) {
    const { running, concurrency, queued, queueCapacity, retryAfterMs, weights } = facts
    super(
      `The pool is full: ${running} of ${concurrency} running, ${queued} of ${queueCapacity} queued` +
        `${weights === undefined ? '' : `, a weight of ${weights.heldWeight} of ${weights.weightCapacity} held and ${weights.weight} wanted`}. ` +
        `${note === undefined ? '' : `${note} `}Try again in ${retryAfterMs} ms, or answer 503.`,
      facts
    )
    if (weights !== undefined) Object.assign(this, weights)
  }
}

/** The key's share is full, even if the pool has room. Nothing was queued. In an HTTP server answer 429. */
export class KeyQueueFullError extends NoRoomError {
  /** @internal */
  static readonly code = 'ERR_KEY_QUEUE_FULL'
  readonly code = 'ERR_KEY_QUEUE_FULL'
  /** The key whose share is full. */
  readonly key: string

  constructor(key: string, facts: FullFacts) {
    const { running, queued, queueCapacity, retryAfterMs } = facts
    super(
      `The share of this key is full: ${running} running, ${queued} of ${queueCapacity} queued. ` +
        `Try again in ${retryAfterMs} ms, or answer 429.`,
      facts
    )
    this.key = key
  }
}

/** No place became free within `waitMs`. Nothing was queued. */
export class WaitTimeoutError extends PoolError {
  /** @internal */
  static readonly code = 'ERR_WAIT_TIMEOUT'
  readonly code = 'ERR_WAIT_TIMEOUT'
  /** Time that the caller waited, in milliseconds. */
  readonly waitedMs: number
  /** Estimated time until a place is free, in milliseconds: an integer from 1,000 to 60,000. */
  readonly retryAfterMs: number

  constructor(waitedMs: number, retryAfterMs: number) {
    super(`No place in the pool became free within ${Math.round(waitedMs)} ms. Try again in ${retryAfterMs} ms.`)
    this.waitedMs = waitedMs
    this.retryAfterMs = retryAfterMs
  }
}

/** The waiter list is full: `waiterCapacity` callers already wait for room. Thrown at once; nothing was queued. */
export class WaitFullError extends PoolError {
  /** @internal */
  static readonly code = 'ERR_WAIT_FULL'
  readonly code = 'ERR_WAIT_FULL'
  /** Always 0: the caller did not wait. */
  readonly waitedMs: number
  /** Estimated time until a place is free, in milliseconds: an integer from 1,000 to 60,000. */
  readonly retryAfterMs: number

  constructor(waiting: number, retryAfterMs: number) {
    super(`The waiter list is full: ${waiting} callers already wait for room. Try again in ${retryAfterMs} ms.`)
    this.waitedMs = 0
    this.retryAfterMs = retryAfterMs
  }
}

/** The pool accepts no new tasks: it is stopping or has stopped. Also the `reason` on a signal that `stop` aborts. */
export class PoolStoppedError extends PoolError {
  /** @internal */
  static readonly code = 'ERR_POOL_STOPPED'
  readonly code = 'ERR_POOL_STOPPED'
  /** State of the pool when the error was created. */
  readonly state: 'stopping' | 'stopped'

  constructor(state: 'stopping' | 'stopped', options?: ErrorOptions) {
    super(`The pool is ${state}: it accepts no new tasks. Create a new pool to continue.`, options)
    this.state = state
  }
}

/** A live or retained task already has this id. */
export class DuplicateTaskError extends PoolError {
  /** @internal */
  static readonly code = 'ERR_DUPLICATE_TASK'
  readonly code = 'ERR_DUPLICATE_TASK'
  /** The id that is in use. */
  readonly id: string

  constructor(id: string) {
    super(`A task with the id "${id}" already exists. Use another id, or join the task with \`onDuplicate: 'join'\`.`)
    this.id = id
  }
}

/** An attempt ran longer than its `timeoutMs`. The `reason` of its signal, and the task's error if it ended by that. */
export class TaskTimeoutError extends PoolError {
  /** @internal */
  static readonly code = 'ERR_TASK_TIMEOUT'
  readonly code = 'ERR_TASK_TIMEOUT'
  /** The task's id. */
  readonly id: string
  /** The limit that was exceeded, in milliseconds. */
  readonly timeoutMs: number

  constructor(id: string, timeoutMs: number) {
    super(`The task ${id} ran longer than its limit of ${timeoutMs} ms.`)
    this.id = id
    this.timeoutMs = timeoutMs
  }
}

/** The task was canceled. `cause` is the value given to `cancel`, or the reason of the signal that aborted. */
export class TaskCanceledError extends PoolError {
  /** @internal */
  static readonly code = 'ERR_TASK_CANCELED'
  readonly code = 'ERR_TASK_CANCELED'
  /** The task's id. */
  readonly id: string
  /** What canceled the task: one of a closed set. */
  readonly reason: CanceledReason

  constructor(id: string, reason: CanceledReason, options?: ErrorOptions) {
    super(`The task ${id} was canceled (${reason}).`, options)
    this.id = id
    this.reason = reason
  }
}

/**
 * The task was still running when the pool's force deadline passed, or the process exited while it ran. Whether its
 * effects happened is unknown.
 */
export class TaskInterruptedError extends PoolError {
  /** @internal */
  static readonly code = 'ERR_TASK_INTERRUPTED'
  readonly code = 'ERR_TASK_INTERRUPTED'
  /** The task's id. */
  readonly id: string

  /** @param by - what interrupted it: the force deadline of a stop, or the end of the process */
  constructor(id: string, by: 'stop' | 'exit' = 'stop') {
    const when = by === 'stop' ? 'the pool was forced to stop' : 'the process ended'
    super(`The task ${id} was still running when ${when}. Whether its effects happened is unknown.`)
    this.id = id
  }
}

/** A `drain()`, or the `wait()` of a {@link WaitGroup}, reached its `timeoutMs`. The work it waited for continues. */
export class DrainTimeoutError extends PoolError {
  /** @internal */
  static readonly code = 'ERR_DRAIN_TIMEOUT'
  readonly code = 'ERR_DRAIN_TIMEOUT'
  /** The unfinished work: its number, and the ids of at most 100 tasks (none for a {@link WaitGroup}). */
  readonly waitingFor: TaskCount

  /** @param note - a sentence that says why no task starts, if the pool is paused or was not started */
  constructor(timeoutMs: number, waitingFor: TaskCount, note?: string) {
    super(`Still waiting for ${waitingFor.count} after ${timeoutMs} ms.${note === undefined ? '' : ` ${note}`}`)
    this.waitingFor = waitingFor
  }
}

/** The wait could never end: running tasks wait for their own pool. Detected only with `detectSelfWait`. */
export class PoolDeadlockError extends PoolError {
  /** @internal */
  static readonly code = 'ERR_POOL_DEADLOCK'
  readonly code = 'ERR_POOL_DEADLOCK'

  constructor(message: string) {
    super(message)
  }
}

/** Misuse of a {@link WaitGroup}: `done()` without a matching `add()`, or a member added after `close()`. */
export class WaitGroupError extends PoolError {
  /** @internal */
  static readonly code = 'ERR_WAIT_GROUP'
  readonly code = 'ERR_WAIT_GROUP'

  constructor(message: string) {
    super(message)
  }
}
