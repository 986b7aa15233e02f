import type { Clock } from '../ports/clock.js'
import {
  callable,
  duration,
  flag,
  given,
  integer,
  isPlainObject,
  OR_INFINITY,
  optionsOf,
  text,
  wording
} from './checks.js'
import { killAfterMsOf } from './kill-after.js'
import type { PerKeyOptions, RateLimitOptions, RetentionOptions, WorkerPoolOptions } from './options.js'
import { checkRateLimit, checkRetry, type RetryPolicy } from './policies.js'
import type { OpenStore, TaskMirror } from './store.js'
import type { HandlerOptions, TaskContext } from './task-contract.js'

/** A registered handler, or a function given to `queueTask`. */
export type TaskFunction = (input: unknown, ctx: TaskContext) => unknown

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
  readonly killAfterMs: number | undefined
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

const MIB = 2 ** 20

/** Checks the options of a pool. Reads each once. */
export function checkPoolOptions(options: unknown): PoolSettings {
  const o = optionsOf<WorkerPoolOptions>('options', options, POOL_OPTIONS)
  const concurrency = integer('concurrency', o.concurrency, 1)
  const queueCapacity = integer('queueCapacity', o.queueCapacity, 0, OR_INFINITY)
  const handlers = given(o.handlers, checkHandlers, new Map<string, HandlerSettings>())
  return {
    concurrency,
    queueCapacity,
    name: given(o.name, (v) => text('name', v), undefined),
    handlers,
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
    forceMs: checkForce(
      given(o.forceMs, (v) => duration('forceMs', v), 5_000),
      handlers
    ),
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

const WITHOUT_OPTIONS = { rerun: false, timeoutMs: undefined, retry: undefined, killAfterMs: undefined }

function checkHandlers(handlers: unknown): Map<string, HandlerSettings> {
  if (!isPlainObject(handlers)) throw new TypeError(wording('handlers', 'a plain object of functions', handlers))
  const checked = new Map<string, HandlerSettings>()
  for (const [name, handler] of Object.entries(handlers)) {
    const path = `handlers.${name}`
    checked.set(
      text('a name in handlers', name),
      isPlainObject(handler)
        ? checkHandler(path, handler)
        : { ...WITHOUT_OPTIONS, call: methodOf(path, handlers, handler) }
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
    retry: given(o.retry, (v) => checkRetry(v, `${path}.retry`), undefined),
    killAfterMs: killAfterMsOf(handler)
  }
}

/** A stop has to wait for functions that are ended by force. */
function checkForce(forceMs: number, handlers: ReadonlyMap<string, HandlerSettings>): number {
  for (const [name, { killAfterMs }] of handlers) {
    if (killAfterMs === undefined || killAfterMs < forceMs) continue
    throw new RangeError(
      wording('forceMs', `above the \`killAfterMs\` of the handler \`${name}\`, ${killAfterMs}`, forceMs)
    )
  }
  return forceMs
}

/** Each handler is called as a method of the object that holds it, so that `this` works. */
function methodOf(path: string, holder: object, run: unknown): TaskFunction {
  const call = callable<TaskFunction>(path, run)
  return (input, ctx) => Reflect.apply(call, holder, [input, ctx])
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
