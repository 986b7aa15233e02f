import type { Clock } from '../ports/clock.js'
import {
  abortSignal,
  callable,
  duration,
  finiteDuration,
  flag,
  integer,
  integerWithin,
  interval,
  isPlainObject,
  jsonText,
  oneOf,
  optionsOf,
  safeInteger,
  text,
  ticket,
  weight,
  wording
} from './checks.js'
import type {
  CancelAllOptions,
  DrainOptions,
  PauseOptions,
  PerKeyOptions,
  RateLimitOptions,
  ResizeOptions,
  RetentionOptions,
  StartOptions,
  StopOptions,
  TaskOptions,
  TasksQuery,
  WaitOptions,
  WorkerPoolOptions
} from './options.js'
import type { RetryOptions } from './retry-options.js'
import type { OpenStore, TaskMirror } from './store.js'
import type { HandlerOptions, TaskContext } from './task-contract.js'
import type { TaskState } from './task-record.js'

/** A registered handler, or a function given to `queueTask`. */
export type TaskFunction = (input: unknown, ctx: TaskContext) => unknown

/** A retry policy with checked values. */
export interface RetryPolicy {
  readonly attempts: number
  readonly backoffMs: RetryOptions['backoffMs']
  readonly when: RetryOptions['when']
}

/** The checked bounds of a key. */
export interface KeySettings {
  readonly concurrency: number
  readonly queueCapacity: number
  readonly rateLimit: RateLimitOptions | undefined
}

/** A checked handler. */
export interface HandlerSettings {
  readonly call: TaskFunction
  readonly rerun: boolean
  readonly timeoutMs: number | undefined
  readonly retry: RetryPolicy | undefined
}

/** The checked options of a pool with all defaults filled in. `Infinity` means no limit. */
export interface PoolSettings {
  readonly concurrency: number
  readonly queueCapacity: number
  readonly name: string | undefined
  readonly handlers: ReadonlyMap<string, HandlerSettings>
  readonly waiterCapacity: number
  readonly weightCapacity: number
  readonly taskTimeoutMs: number
  readonly queueTimeoutMs: number
  readonly retry: RetryPolicy | undefined
  readonly rateLimit: RateLimitOptions | undefined
  readonly perKey: KeySettings | ((key: string) => KeySettings) | null
  readonly retention: { readonly count: number; readonly ms: number }
  readonly graceMs: number
  readonly forceMs: number
  readonly stuckAfterMs: number
  readonly captureContext: boolean
  readonly detectSelfWait: boolean
  readonly onUnobservedError: WorkerPoolOptions['onUnobservedError']
  readonly clock: Clock | undefined
  readonly store: OpenStore | undefined
  readonly mirror: TaskMirror | undefined
  readonly maxCrashes: number
  readonly maxInputBytes: number
  readonly maxResultBytes: number
}

/** The checked options of a task. An option that was not given is `undefined`. */
export interface TaskSettings {
  readonly id: string | undefined
  readonly name: string | undefined
  readonly key: string | undefined
  readonly priority: number
  readonly timeoutMs: number | undefined
  readonly queueTimeoutMs: number | undefined
  readonly signal: AbortSignal | undefined
  readonly retry: RetryPolicy | undefined
  /** As JSON text. */
  readonly metadata: string | undefined
  readonly onDuplicate: OnDuplicate
  readonly retainMs: number | undefined
  readonly delayMs: number
  readonly weight: number
  readonly volatile: boolean
  readonly fingerprint: string | undefined
}

/** What becomes of a task whose id is in use. */
export type OnDuplicate = NonNullable<TaskOptions['onDuplicate']>

const OR_INFINITY = ', or Infinity'
const MIB = 2 ** 20

/** Checks a value that may be left out: `undefined` counts as not given. */
function given<T, D>(value: unknown, check: (value: unknown) => T, otherwise: D): T | D {
  return value === undefined ? otherwise : check(value)
}

/** Checks the options of a pool. Reads each once. */
export function checkPoolOptions(options: unknown): PoolSettings {
  const o = optionsOf<WorkerPoolOptions>('options', options, POOL_OPTIONS)
  const concurrency = integer('concurrency', o.concurrency, 1)
  const queueCapacity = integer('queueCapacity', o.queueCapacity, 0, OR_INFINITY)
  return {
    concurrency,
    queueCapacity,
    name: given(o.name, (v) => text('name', v), undefined),
    handlers: given(o.handlers, checkHandlers, new Map()),
    waiterCapacity: given(
      o.waiterCapacity,
      (v) => integer('waiterCapacity', v, 0, OR_INFINITY),
      Math.max(queueCapacity, 1)
    ),
    weightCapacity: given(o.weightCapacity, checkWeightCapacity, Number.POSITIVE_INFINITY),
    taskTimeoutMs: given(o.taskTimeoutMs, (v) => duration('taskTimeoutMs', v), Number.POSITIVE_INFINITY),
    queueTimeoutMs: given(o.queueTimeoutMs, (v) => duration('queueTimeoutMs', v), Number.POSITIVE_INFINITY),
    retry: given(o.retry, (v) => checkRetry(v), undefined),
    rateLimit: given(o.rateLimit, (v) => checkRateLimit(v), undefined),
    perKey: given(o.perKey, checkPerKey, null),
    retention: checkRetention(given(o.retention, (v) => v, {})),
    graceMs: given(o.graceMs, (v) => duration('graceMs', v), 20_000),
    forceMs: given(o.forceMs, (v) => duration('forceMs', v), 5_000),
    stuckAfterMs: given(o.stuckAfterMs, (v) => duration('stuckAfterMs', v), 30_000),
    captureContext: given(o.captureContext, (v) => flag('captureContext', v), true),
    detectSelfWait: given(o.detectSelfWait, (v) => flag('detectSelfWait', v), false),
    onUnobservedError: given(o.onUnobservedError, (v) => callable('onUnobservedError', v), undefined),
    clock: given(o.clock, checkClock, undefined),
    store: given(o.store, checkStore, undefined),
    mirror: given(o.mirror, checkMirror, undefined),
    maxCrashes: given(o.maxCrashes, (v) => integer('maxCrashes', v, 1, OR_INFINITY), 3),
    maxInputBytes: given(o.maxInputBytes, (v) => integer('maxInputBytes', v, 0, OR_INFINITY), MIB),
    maxResultBytes: given(o.maxResultBytes, (v) => integer('maxResultBytes', v, 0, OR_INFINITY), MIB)
  }
}

const POOL_OPTIONS = {
  concurrency: true,
  queueCapacity: true,
  name: true,
  handlers: true,
  waiterCapacity: true,
  weightCapacity: true,
  taskTimeoutMs: true,
  queueTimeoutMs: true,
  retry: true,
  rateLimit: true,
  perKey: true,
  retention: true,
  graceMs: true,
  forceMs: true,
  stuckAfterMs: true,
  captureContext: true,
  detectSelfWait: true,
  onUnobservedError: true,
  clock: true,
  store: true,
  mirror: true,
  maxCrashes: true,
  maxInputBytes: true,
  maxResultBytes: true
} as const

function checkHandlers(handlers: unknown): Map<string, HandlerSettings> {
  if (!isPlainObject(handlers)) throw new TypeError(wording('handlers', 'a plain object of functions', handlers))
  const checked = new Map<string, HandlerSettings>()
  for (const [name, handler] of Object.entries(handlers)) {
    const path = `handlers.${name}`
    checked.set(
      text('a name in handlers', name),
      isPlainObject(handler)
        ? checkHandler(path, handler)
        : { call: methodOf(path, handlers, handler), rerun: false, timeoutMs: undefined, retry: undefined }
    )
  }
  return checked
}

function checkHandler(path: string, handler: object): HandlerSettings {
  const o = optionsOf<HandlerOptions<unknown>>(path, handler, { run: true, rerun: true, timeoutMs: true, retry: true })
  return {
    call: methodOf(`${path}.run`, handler, o.run),
    rerun: given(o.rerun, (v) => flag(`${path}.rerun`, v), false),
    timeoutMs: given(o.timeoutMs, (v) => duration(`${path}.timeoutMs`, v), undefined),
    retry: given(o.retry, (v) => checkRetry(v, `${path}.retry`), undefined)
  }
}

/** Each handler is called as a method of the object that holds it, so that `this` works. */
function methodOf(path: string, holder: object, run: unknown): TaskFunction {
  const call = callable<TaskFunction>(path, run)
  return (input, ctx) => Reflect.apply(call, holder, [input, ctx])
}

function checkRetry(retry: unknown, path = 'retry'): RetryPolicy {
  const o = optionsOf<RetryOptions>(path, retry, { attempts: true, backoffMs: true, when: true })
  const { backoffMs } = o
  return {
    attempts: integer(`${path}.attempts`, o.attempts, 1),
    backoffMs:
      typeof backoffMs === 'function'
        ? callable(`${path}.backoffMs`, backoffMs)
        : duration(`${path}.backoffMs`, backoffMs),
    when: given(o.when, (v) => callable<RetryOptions['when']>(`${path}.when`, v), undefined)
  }
}

function checkRateLimit(rateLimit: unknown, path = 'rateLimit'): RateLimitOptions {
  const o = optionsOf<RateLimitOptions>(path, rateLimit, { starts: true, intervalMs: true })
  return {
    starts: integer(`${path}.starts`, o.starts, 1),
    intervalMs: interval(`${path}.intervalMs`, o.intervalMs)
  }
}

/** The answers of a function are checked when it has given them: what is wrong is thrown to the caller of the submission. */
function checkPerKey(perKey: unknown): NonNullable<PoolSettings['perKey']> {
  if (typeof perKey !== 'function') return checkKeyBounds(perKey)
  const boundsOf = callable<(key: string) => unknown>('perKey', perKey)
  return (key) => checkKeyBounds(boundsOf(key))
}

function checkKeyBounds(perKey: unknown): KeySettings {
  const o = optionsOf<PerKeyOptions>('perKey', perKey, { concurrency: true, queueCapacity: true, rateLimit: true })
  return {
    concurrency: given(
      o.concurrency,
      (v) => integer('perKey.concurrency', v, 1, OR_INFINITY),
      Number.POSITIVE_INFINITY
    ),
    queueCapacity: given(
      o.queueCapacity,
      (v) => integer('perKey.queueCapacity', v, 0, OR_INFINITY),
      Number.POSITIVE_INFINITY
    ),
    rateLimit: given(o.rateLimit, (v) => checkRateLimit(v, 'perKey.rateLimit'), undefined)
  }
}

/** A task weighs 1 unless it says otherwise: there is room for one. */
function checkWeightCapacity(capacity: unknown): number {
  const expected = 'a number from 1, or Infinity'
  if (typeof capacity !== 'number') throw new TypeError(wording('weightCapacity', expected, capacity))
  if (!(capacity >= 1)) throw new RangeError(wording('weightCapacity', expected, capacity))
  return capacity
}

function checkRetention(retention: unknown): PoolSettings['retention'] {
  const o = optionsOf<RetentionOptions>('retention', retention, { count: true, ms: true })
  return {
    count: given(o.count, (v) => integer('retention.count', v, 0, OR_INFINITY), 1_000),
    ms: given(o.ms, (v) => duration('retention.ms', v), 600_000)
  }
}

function checkClock(clock: unknown): Clock {
  return port<Clock>('clock', 'a Clock', clock, ['now', 'date', 'timer', 'yield', 'random', 'randomBytes'])
}

function checkStore(store: unknown): OpenStore {
  return port<OpenStore>('store', 'an OpenStore', store, ['write', 'get', 'close'])
}

function checkMirror(mirror: unknown): TaskMirror {
  return port<TaskMirror>('mirror', 'a TaskMirror', mirror, ['publish', 'read', 'close'])
}

/** An object with these methods. */
function port<T extends object>(
  name: string,
  expected: string,
  value: unknown,
  methods: readonly (keyof T & string)[]
): T {
  if (typeof value !== 'object' || value === null) throw new TypeError(wording(name, expected, value))
  for (const method of methods) {
    const found: unknown = Reflect.get(value, method)
    if (typeof found !== 'function') throw new TypeError(wording(`${name}.${method}`, 'a function', found))
  }
  return value as T
}

const TASK_OPTIONS = {
  id: true,
  name: true,
  key: true,
  priority: true,
  timeoutMs: true,
  queueTimeoutMs: true,
  signal: true,
  retry: true,
  metadata: true,
  onDuplicate: true,
  retainMs: true,
  delayMs: true,
  weight: true,
  volatile: true,
  fingerprint: true
} as const

const WAIT_OPTIONS = { ...TASK_OPTIONS, waitMs: true, waitSignal: true } as const

/** Checks the options of one task. Reads each once. */
export function checkTaskOptions(
  options: unknown,
  handler: string | undefined,
  { weightCapacity }: Pick<PoolSettings, 'weightCapacity'>
): TaskSettings {
  return taskSettings(optionsOf<TaskOptions>('options', options, TASK_OPTIONS), handler, weightCapacity)
}

/** The checked options of a task whose caller may wait for room. */
export interface WaitSettings {
  readonly task: TaskSettings
  readonly waitMs: number
  readonly waitSignal: AbortSignal | undefined
}

/** Checks the options of one task whose caller may wait for room. */
export function checkWaitOptions(
  options: unknown,
  handler: string | undefined,
  { weightCapacity }: Pick<PoolSettings, 'weightCapacity'>
): WaitSettings {
  const o = optionsOf<WaitOptions>('options', options === undefined ? {} : options, WAIT_OPTIONS)
  return {
    task: taskSettings(o, handler, weightCapacity),
    waitMs: given(o.waitMs, (v) => duration('waitMs', v), Number.POSITIVE_INFINITY),
    waitSignal: given(o.waitSignal, (v) => abortSignal('waitSignal', v), undefined)
  }
}

function taskSettings(o: TaskOptions, handler: string | undefined, weightCapacity: number): TaskSettings {
  const name = given(o.name, (v) => text('name', v), undefined)
  if (name !== undefined && handler !== undefined) {
    throw new TypeError(
      `Expected \`name\` to be left out: the task of a handler has the name of its handler, \`${handler}\``
    )
  }
  return {
    id: given(o.id, (v) => ticket('id', v), undefined),
    name,
    key: given(o.key, (v) => text('key', v), undefined),
    priority: given(o.priority, (v) => safeInteger('priority', v), 0),
    timeoutMs: given(o.timeoutMs, (v) => duration('timeoutMs', v), undefined),
    queueTimeoutMs: given(o.queueTimeoutMs, (v) => duration('queueTimeoutMs', v), undefined),
    signal: given(o.signal, (v) => abortSignal('signal', v), undefined),
    retry: given(o.retry, (v) => checkRetry(v), undefined),
    metadata: given(o.metadata, (v) => jsonText('metadata', v), undefined),
    onDuplicate: given(o.onDuplicate, (v) => oneOf('onDuplicate', v, ['refuse', 'join', 'join-live']), 'refuse'),
    retainMs: given(o.retainMs, (v) => duration('retainMs', v), undefined),
    delayMs: given(o.delayMs, (v) => finiteDuration('delayMs', v), 0),
    weight: given(o.weight, (v) => weight('weight', v, weightCapacity), 1),
    volatile: given(o.volatile, (v) => flag('volatile', v), false),
    fingerprint: given(o.fingerprint, (v) => text('fingerprint', v), undefined)
  }
}

/** Checks the options of `start()`. */
export function checkStartOptions(options: unknown = {}): { readonly signal: AbortSignal | undefined } {
  const o = optionsOf<StartOptions>('options', options, { signal: true })
  return { signal: given(o.signal, (v) => abortSignal('signal', v), undefined) }
}

/** Checks the options of `stop()`. */
export function checkStopOptions(
  options: unknown,
  settings: PoolSettings
): {
  readonly graceMs: number
  readonly forceMs: number
  readonly queued: 'run' | 'cancel'
  readonly reason: unknown
} {
  const o = optionsOf<StopOptions>('options', options === undefined ? {} : options, {
    graceMs: true,
    forceMs: true,
    queued: true,
    reason: true
  })
  return {
    graceMs: given(o.graceMs, (v) => duration('graceMs', v), settings.graceMs),
    forceMs: given(o.forceMs, (v) => duration('forceMs', v), settings.forceMs),
    queued: given(o.queued, (v) => oneOf('queued', v, ['run', 'cancel']), 'run'),
    reason: o.reason
  }
}

/** Checks the limits of a wait. */
export function checkDrainOptions(options: unknown = {}): {
  readonly signal: AbortSignal | undefined
  readonly timeoutMs: number
} {
  const o = optionsOf<DrainOptions>('options', options, { signal: true, timeoutMs: true })
  return {
    signal: given(o.signal, (v) => abortSignal('signal', v), undefined),
    timeoutMs: given(o.timeoutMs, (v) => duration('timeoutMs', v), Number.POSITIVE_INFINITY)
  }
}

/** Checks the options of `pause()`: for how long, in milliseconds. */
export function checkPauseOptions(options: unknown = {}): number {
  const { forMs } = optionsOf<PauseOptions>('options', options, { forMs: true })
  return given(forMs, (v) => duration('forMs', v), Number.POSITIVE_INFINITY)
}

/** Checks the options of `resize()`. */
export function checkResizeOptions(
  options: unknown,
  present: { readonly concurrency: number; readonly queueCapacity: number }
): {
  readonly concurrency: number
  readonly queueCapacity: number
  readonly rateLimit: RateLimitOptions | null | undefined
} {
  const o = optionsOf<ResizeOptions>('options', options, { concurrency: true, queueCapacity: true, rateLimit: true })
  return {
    concurrency: given(o.concurrency, (v) => integer('concurrency', v, 1), present.concurrency),
    queueCapacity: given(o.queueCapacity, (v) => integer('queueCapacity', v, 0, OR_INFINITY), present.queueCapacity),
    rateLimit: given(o.rateLimit, (v) => (v === null ? null : checkRateLimit(v)), undefined)
  }
}

/** The checked options of `cancelAll()`. */
export interface CancelAllSettings {
  readonly key: string | undefined
  readonly name: string | undefined
  readonly state: 'queued' | 'running' | undefined
  readonly reason: unknown
}

/** Checks the options of `cancelAll()`. */
export function checkCancelAllOptions(options: unknown = {}): CancelAllSettings {
  const known = { key: true, name: true, state: true, reason: true } as const
  const o = optionsOf<CancelAllOptions>('options', options, known)
  return {
    key: given(o.key, (v) => text('key', v), undefined),
    name: given(o.name, (v) => text('name', v), undefined),
    state: given(o.state, (v) => oneOf('state', v, ['queued', 'running']), undefined),
    reason: o.reason
  }
}

/** Checks the filter of `tasks()`. */
export function checkTasksQuery(query: unknown = {}): {
  readonly state: TaskState | undefined
  readonly key: string | undefined
  readonly limit: number
} {
  const o = optionsOf<TasksQuery>('query', query, { state: true, key: true, limit: true })
  return {
    state: given(
      o.state,
      (v) => oneOf('state', v, ['queued', 'running', 'succeeded', 'failed', 'canceled']),
      undefined
    ),
    key: given(o.key, (v) => text('key', v), undefined),
    limit: given(o.limit, (v) => integerWithin('limit', v, 1, 1_000), 100)
  }
}
