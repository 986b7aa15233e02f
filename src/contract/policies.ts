import { callable, duration, given, integer, interval, optionsOf } from './checks.js'
import type { RateLimitOptions } from './options.js'
import type { RetryOptions } from './retry-options.js'

/** A retry policy with checked values. */
export interface RetryPolicy {
  readonly attempts: number
  readonly backoffMs: RetryOptions['backoffMs']
  readonly when: RetryOptions['when']
}

export function checkRetry(retry: unknown, path = 'retry'): RetryPolicy {
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

export function checkRateLimit(rateLimit: unknown, path = 'rateLimit'): RateLimitOptions {
  const o = optionsOf<RateLimitOptions>(path, rateLimit, { starts: true, intervalMs: true })
  return {
    starts: integer(`${path}.starts`, o.starts, 1),
    intervalMs: interval(`${path}.intervalMs`, o.intervalMs)
  }
}
