import { wording } from './checks.js'
import type { RetryPolicy } from './settings.js'

/** A number as backoff doubles with each attempt up to this. */
const MAX_BACKOFF_MS = 30_000

/** What a retry policy needs of its pool. */
export interface RetryPorts {
  random(): number
  /** Tells an error of the user's own functions. */
  report(error: unknown): void
}

/** Whether the policy gives this attempt's error another attempt. A `when` that throws is told, and gives none. */
export function isWorthRetrying(policy: RetryPolicy, error: unknown, attempt: number, ports: RetryPorts): boolean {
  if (attempt >= policy.attempts) return false
  if (policy.when === undefined) return true
  try {
    return policy.when(error, attempt) === true
  } catch (thrown) {
    ports.report(thrown)
    return false
  }
}

/** How long to wait before the next attempt, in milliseconds. */
export function backoff(policy: RetryPolicy, error: unknown, attempt: number, ports: RetryPorts): number {
  const { backoffMs } = policy
  if (typeof backoffMs === 'number') return ports.random() * Math.min(backoffMs * 2 ** (attempt - 1), MAX_BACKOFF_MS)
  try {
    const delayMs: unknown = backoffMs(error, attempt)
    if (typeof delayMs === 'number' && delayMs >= 0) return delayMs
    throw new TypeError(wording('retry.backoffMs()', 'a number of milliseconds from 0', delayMs))
  } catch (thrown) {
    ports.report(thrown)
    return 0
  }
}
