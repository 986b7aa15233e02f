import type { TaskCount } from './reports.js'
import type { CanceledReason } from './task-record.js'

/** The codes of all errors this library makes. */
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

const BRAND = Symbol.for('coatcheck.PoolError')

/** The code of each class of errors. */
const CODES = new WeakMap<object, PoolErrorCode>()

/** Says what a class of errors is called. By definition, since an assignment fails where `Error.prototype` is frozen. */
function define(errorClass: { readonly prototype: PoolError }, name: string, code: PoolErrorCode): void {
  CODES.set(errorClass, code)
  Object.defineProperty(errorClass.prototype, 'name', { value: name, writable: true, configurable: true })
}

/**
 * What all errors of this library extend.
 *
 * `instanceof` works across copies of the package (two versions in one tree, ESM beside CommonJS): it goes by a brand
 * and the `code`, not by the identity of the class. A class of yours that extends one of these is told apart as usual.
 */
export abstract class PoolError extends Error {
  /** What happened, for programs. Never changes its meaning. */
  abstract readonly code: PoolErrorCode

  protected constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    Object.defineProperty(this, BRAND, { value: true })
  }

  /** Name, code, message and the facts of this error, for logs. */
  toJSON(): Record<string, unknown> {
    return { ...Object.fromEntries(Object.entries(this)), name: this.name, message: this.message }
  }

  /** Makes `instanceof` go by brand and code. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    if (Function.prototype[Symbol.hasInstance].call(this, value)) return true
    return isPoolError(value) && (this === PoolError || CODES.get(this) === value.code)
  }
}

/**
 * Whether a value is an error of this library, of whatever copy of the package. Never throws.
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
    return false // a proxy that answers with an error is not one of ours
  }
}

/**
 * Builds an error without walking the stack, which costs more than everything else about a refusal. The stack of such
 * an error is its first line.
 */
export function withoutStack<E extends PoolError>(build: () => E): E {
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
    Error.stackTraceLimit = limit // by assignment, which the engine knows well: `Reflect.set` costs a refusal 100 ns
    return true
  } catch {
    return false // the intrinsics are frozen
  }
}

/** The state of a pool when it refused for lack of room. */
export interface FullFacts {
  /** How many may run: of the key for a {@link KeyQueueFullError}. */
  readonly concurrency: number
  /** The queue's capacity: the key's for a {@link KeyQueueFullError}. */
  readonly queueCapacity: number
  /** Tasks running now: the key's for a {@link KeyQueueFullError}. */
  readonly running: number
  /** Tasks queued or waiting for a retry now: the key's for a {@link KeyQueueFullError}. */
  readonly queued: number
  /** In how many milliseconds a place is likely to be free: an integer from 1,000 to 60,000. */
  readonly retryAfterMs: number
}

/** What both refusals for lack of room say. */
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

/** The pool has no room. Nothing was queued: answer 503 and say when to come back. */
export class QueueFullError extends NoRoomError {
  static {
    define(this, 'QueueFullError', 'ERR_QUEUE_FULL')
  }
  readonly code = 'ERR_QUEUE_FULL'

  /** @param note - why nothing moves, when it is known: the pool is paused or was not started */
  constructor(facts: FullFacts, note?: string) {
    const { running, concurrency, queued, queueCapacity, retryAfterMs } = facts
    super(
      `The pool is full: ${running} of ${concurrency} running, ${queued} of ${queueCapacity} queued. ` +
        `${note === undefined ? '' : `${note} `}Try again in ${retryAfterMs} ms, or answer 503.`,
      facts
    )
  }
}

/** The key's share of the queue is full, whatever room the pool has. Nothing was queued: answer 429. */
export class KeyQueueFullError extends NoRoomError {
  static {
    define(this, 'KeyQueueFullError', 'ERR_KEY_QUEUE_FULL')
  }
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
  static {
    define(this, 'WaitTimeoutError', 'ERR_WAIT_TIMEOUT')
  }
  readonly code = 'ERR_WAIT_TIMEOUT'
  /** How long the caller waited, in milliseconds. */
  readonly waitedMs: number
  /** In how many milliseconds a place is likely to be free: an integer from 1,000 to 60,000. */
  readonly retryAfterMs: number

  constructor(waitedMs: number, retryAfterMs: number) {
    super(`No place in the pool became free within ${Math.round(waitedMs)} ms. Try again in ${retryAfterMs} ms.`)
    this.waitedMs = waitedMs
    this.retryAfterMs = retryAfterMs
  }
}

/** As many callers as `waiterCapacity` allows are waiting for room already. Nothing was queued, nobody was kept waiting. */
export class WaitFullError extends PoolError {
  static {
    define(this, 'WaitFullError', 'ERR_WAIT_FULL')
  }
  readonly code = 'ERR_WAIT_FULL'
  /** How long the caller waited, in milliseconds: 0. */
  readonly waitedMs: number
  /** In how many milliseconds a place is likely to be free: an integer from 1,000 to 60,000. */
  readonly retryAfterMs: number

  constructor(waiting: number, retryAfterMs: number) {
    super(`The line is full: ${waiting} callers wait for room already. Try again in ${retryAfterMs} ms.`)
    this.waitedMs = 0
    this.retryAfterMs = retryAfterMs
  }
}

/** The pool takes no more work: it is stopping or has stopped. Also the reason on a task's signal when `stop` aborts it. */
export class PoolStoppedError extends PoolError {
  static {
    define(this, 'PoolStoppedError', 'ERR_POOL_STOPPED')
  }
  readonly code = 'ERR_POOL_STOPPED'
  /** The pool's state when this was made. */
  readonly state: 'stopping' | 'stopped'

  constructor(state: 'stopping' | 'stopped', options?: ErrorOptions) {
    super(`The pool is ${state}: it takes and starts no more work. Make a new pool to go on.`, options)
    this.state = state
  }
}

/** A live or retained task has this id already. */
export class DuplicateTaskError extends PoolError {
  static {
    define(this, 'DuplicateTaskError', 'ERR_DUPLICATE_TASK')
  }
  readonly code = 'ERR_DUPLICATE_TASK'
  /** The id that is taken. */
  readonly id: string

  constructor(id: string) {
    super(`A task with the id "${id}" exists already. Choose another id, or join it with \`onDuplicate: 'join'\`.`)
    this.id = id
  }
}

/** An attempt ran longer than its `timeoutMs`. The reason on its signal, and its error when it gave up for that reason. */
export class TaskTimeoutError extends PoolError {
  static {
    define(this, 'TaskTimeoutError', 'ERR_TASK_TIMEOUT')
  }
  readonly code = 'ERR_TASK_TIMEOUT'
  /** The task's id. */
  readonly id: string
  /** The limit that was passed, in milliseconds. */
  readonly timeoutMs: number

  constructor(id: string, timeoutMs: number) {
    super(`The task ${id} ran longer than its limit of ${timeoutMs} ms.`)
    this.id = id
    this.timeoutMs = timeoutMs
  }
}

/** The task was canceled. `cause` is what was given to `cancel`, or the reason of the signal that aborted. */
export class TaskCanceledError extends PoolError {
  static {
    define(this, 'TaskCanceledError', 'ERR_TASK_CANCELED')
  }
  readonly code = 'ERR_TASK_CANCELED'
  /** The task's id. */
  readonly id: string
  /** Who asked: a closed set. */
  readonly reason: CanceledReason

  constructor(id: string, reason: CanceledReason, options?: ErrorOptions) {
    super(`The task ${id} was canceled (${reason}).`, options)
    this.id = id
    this.reason = reason
  }
}

/**
 * The task was still running when the pool's force deadline passed, or the process died while it ran: whether its
 * effects happened is unknown.
 */
export class TaskInterruptedError extends PoolError {
  static {
    define(this, 'TaskInterruptedError', 'ERR_TASK_INTERRUPTED')
  }
  readonly code = 'ERR_TASK_INTERRUPTED'
  /** The task's id. */
  readonly id: string

  constructor(id: string) {
    super(`The task ${id} was still running when the pool had to stop; whether its effects happened is unknown.`)
    this.id = id
  }
}

/** The wait for an empty pool or group reached its limit. What it waited for goes on. */
export class DrainTimeoutError extends PoolError {
  static {
    define(this, 'DrainTimeoutError', 'ERR_DRAIN_TIMEOUT')
  }
  readonly code = 'ERR_DRAIN_TIMEOUT'
  /** What was not done yet: how many, and the ids of at most 100 tasks (none for a {@link WaitGroup}). */
  readonly waitingFor: TaskCount

  /** @param note - why nothing moves, when it is known: the pool is paused or was not started */
  constructor(timeoutMs: number, waitingFor: TaskCount, note?: string) {
    super(`Still waiting for ${waitingFor.count} after ${timeoutMs} ms.${note === undefined ? '' : ` ${note}`}`)
    this.waitingFor = waitingFor
  }
}

/** This wait could never end: it waits for the task that waits. Only found with `detectSelfWait`. */
export class PoolDeadlockError extends PoolError {
  static {
    define(this, 'PoolDeadlockError', 'ERR_POOL_DEADLOCK')
  }
  readonly code = 'ERR_POOL_DEADLOCK'

  constructor(message: string) {
    super(message)
  }
}

/** A {@link WaitGroup} was used against its rules: more done than added, or added to after it was closed. */
export class WaitGroupError extends PoolError {
  static {
    define(this, 'WaitGroupError', 'ERR_WAIT_GROUP')
  }
  readonly code = 'ERR_WAIT_GROUP'

  constructor(message: string) {
    super(message)
  }
}
