import type { RedisOptions } from 'ioredis'
import {
  given,
  integer,
  integerWithin,
  interval,
  isPlainObject,
  OR_INFINITY,
  optionsOf,
  wording
} from '../contract/checks.js'
import type { RetentionOptions, UnobservedSource } from '../contract/options.js'
import type { RetryOptions } from '../contract/retry-options.js'
import { checkPoolOptions, type PoolSettings } from '../contract/settings.js'
import type { Handlers } from '../contract/task-contract.js'
import type { TaskOptions } from '../contract/task-options.js'
import { checkTaskOptions, type TaskSettings } from '../contract/task-settings.js'

/** Options of a {@link SharedPool}. Those that all processes share must be the same in each of them. */
export interface SharedPoolOptions<H = Handlers> {
  /** Name of the pool: processes with the same name and `prefix` share it. 1 to 100 characters of `[A-Za-z0-9._-]`. */
  readonly name: string

  /** Where Redis is: options of ioredis, or a URL. How a command is retried is the pool's own matter. */
  readonly connection: RedisOptions | string

  /** Tasks that this process runs at the same time, once it is started. An integer ≥ 1. */
  readonly concurrency: number

  /**
   * Tasks that may wait in Redis, over all processes; retries and delays count. The same in each process. An integer ≥ 1, or
   * `Infinity`.
   */
  readonly queueCapacity: number

  /**
   * Functions that tasks are queued for by name. One with `rerun: true` is called again when its process ends in the middle,
   * or is cut off for longer than its lease; another one's task then fails.
   */
  readonly handlers: H

  /**
   * What the names of all keys in Redis begin with. For a cluster, a part in braces: `'{coatcheck}'`.
   *
   * @defaultValue `'coatcheck'`
   */
  readonly prefix?: string | undefined

  /**
   * Time after which a task is taken from a process that no longer answers, in milliseconds: it is found within about two more.
   * A function that blocks its process for longer loses its task. At least 100.
   *
   * @defaultValue 30,000
   */
  readonly leaseMs?: number | undefined

  /**
   * How often a task's process may be lost while it runs: with the next time it fails, `ERR_TASK_POISONED`. An integer ≥ 1.
   *
   * @defaultValue 3
   */
  readonly maxCrashes?: number | undefined

  /**
   * Limit for one attempt, in milliseconds. When it passes, the task's signal aborts.
   *
   * @defaultValue no limit
   */
  readonly taskTimeoutMs?: number | undefined

  /**
   * Retry policy for failed attempts. A handler may have its own.
   *
   * @defaultValue no retry
   */
  readonly retry?: RetryOptions | undefined

  /**
   * How many ended tasks Redis keeps, and for how long: `count` of those that succeeded and as many of the others. The time is
   * judged when the next one ends.
   *
   * @defaultValue 1,000 and 10 minutes
   */
  readonly retention?: RetentionOptions | undefined

  /**
   * Grace of `stop()`: time during which running tasks go on, in milliseconds.
   *
   * @defaultValue 20,000
   */
  readonly graceMs?: number | undefined

  /**
   * Time that `stop()` waits after the grace for aborted tasks to end, in milliseconds.
   *
   * @defaultValue 5,000
   */
  readonly forceMs?: number | undefined

  /**
   * Time after its timeout or cancel at which a task that still runs counts as stuck, in milliseconds.
   *
   * @defaultValue 30,000
   */
  readonly stuckAfterMs?: number | undefined

  /**
   * Limit for the input of a task, in bytes of its JSON text.
   *
   * @defaultValue 1,048,576 (1 MiB)
   */
  readonly maxInputBytes?: number | undefined

  /**
   * Limit for the result of a task, in bytes of its JSON text. The record of a larger one has `resultOmitted` in its place.
   *
   * @defaultValue 1,048,576 (1 MiB)
   */
  readonly maxResultBytes?: number | undefined

  /**
   * Called with errors that have no other observer: of listeners and hooks, and of work for Redis that failed for another reason
   * than a lost connection.
   *
   * @defaultValue `console.error`
   */
  readonly onUnobservedError?: ((error: unknown, source: UnobservedSource) => void) | undefined
}

/** Options of one task of a {@link SharedPool}. Others of a `WorkerPool` would not hold across processes: they are errors. */
export interface SharedTaskOptions
  extends Pick<TaskOptions, 'id' | 'key' | 'timeoutMs' | 'delayMs' | 'metadata' | 'fingerprint'> {
  /**
   * Tasks of a higher priority start first. An integer from −1,048,575 to 1,048,575.
   *
   * @defaultValue 0
   */
  readonly priority?: number | undefined
  /**
   * What to do if Redis has a task with the same id: throw a `DuplicateTaskError`, or return that task.
   *
   * @defaultValue `'refuse'`
   */
  readonly onDuplicate?: 'refuse' | 'join' | undefined
}

/** The checked options. */
export interface SharedSettings {
  readonly pool: PoolSettings
  readonly name: string
  readonly prefix: string
  readonly connection: RedisOptions | string
  readonly leaseMs: number
}

const POOL_OPTIONS = {
  ...{
    name: true,
    connection: true,
    concurrency: true,
    queueCapacity: true,
    handlers: true,
    prefix: true,
    leaseMs: true
  },
  ...{ maxCrashes: true, taskTimeoutMs: true, retry: true, retention: true, graceMs: true, forceMs: true },
  ...{ stuckAfterMs: true, maxInputBytes: true, maxResultBytes: true, onUnobservedError: true }
} as const satisfies Record<keyof SharedPoolOptions, true>

const TASK_OPTIONS = {
  ...{ id: true, key: true, timeoutMs: true, delayMs: true, metadata: true, fingerprint: true },
  ...{ priority: true, onDuplicate: true }
} as const satisfies Record<keyof SharedTaskOptions, true>

/** BullMQ has priorities from 1, the first to start, to 2^21 − 1, and starts tasks without one before all others. */
const MIDDLE = 2 ** 20
const SHORTEST_LEASE_MS = 100

/** BullMQ's priority. */
export function jobPriority(priority: number): number {
  return MIDDLE - priority
}

/** Checks the options of a pool. Each is read once. */
export function checkSharedPoolOptions(options: unknown): SharedSettings {
  const o = optionsOf<SharedPoolOptions>('options', options, POOL_OPTIONS)
  const { name, connection, prefix, leaseMs, ...rest } = o
  const pool = checkPoolOptions({ ...rest, name })
  integer('queueCapacity', pool.queueCapacity, 1, OR_INFINITY)
  if (Number.isFinite(pool.retention.count)) integer('retention.count', pool.retention.count, 1)
  return {
    pool,
    name: word('name', name),
    prefix: given(
      prefix,
      (v) => text('prefix', v, /^[A-Za-z0-9._{}-]{1,100}$/, '1 to 100 characters of A-Z a-z 0-9 . _ { } -'),
      'coatcheck'
    ),
    connection: address(connection),
    leaseMs: given(leaseMs, checkLease, 30_000)
  }
}

function checkLease(leaseMs: unknown): number {
  if (interval('leaseMs', leaseMs) < SHORTEST_LEASE_MS) {
    throw new RangeError(wording('leaseMs', `a number of milliseconds from ${SHORTEST_LEASE_MS}`, leaseMs))
  }
  return Math.round(leaseMs as number)
}

function word(name: string, value: unknown): string {
  return text(name, value, /^[A-Za-z0-9._-]{1,100}$/, '1 to 100 characters of A-Z a-z 0-9 . _ -')
}

function text(name: string, value: unknown, form: RegExp, expected: string): string {
  if (typeof value !== 'string') throw new TypeError(wording(name, expected, value))
  if (!form.test(value)) throw new RangeError(wording(name, expected, value))
  return value
}

function address(connection: unknown): RedisOptions | string {
  if (typeof connection === 'string' || isPlainObject(connection)) return connection as RedisOptions | string
  throw new TypeError(wording('connection', 'options of ioredis or a URL', connection))
}

/** Checks the options of a task. */
export function checkSharedTaskOptions(options: unknown, handler: string): TaskSettings {
  const o = optionsOf<SharedTaskOptions>('options', options === undefined ? {} : options, TASK_OPTIONS)
  given(o.priority, (v) => integerWithin('priority', v, 1 - MIDDLE, MIDDLE - 1), 0)
  const settings = checkTaskOptions(o, handler, { weightCapacity: Number.POSITIVE_INFINITY })
  if (settings.onDuplicate === 'join-live') {
    throw new RangeError(wording('onDuplicate', "one of 'refuse', 'join'", settings.onDuplicate))
  }
  return settings
}
