import type {
  CancelAllOptions,
  DrainOptions,
  PauseOptions,
  ResizeOptions,
  StartOptions,
  StopOptions,
  TasksQuery
} from './call-options.js'
import { abortSignal, duration, given, integer, integerWithin, OR_INFINITY, oneOf, optionsOf, text } from './checks.js'
import type { RateLimitOptions } from './options.js'
import { checkRateLimit } from './policies.js'
import type { PoolSettings } from './settings.js'
import type { TaskState } from './task-record.js'

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
