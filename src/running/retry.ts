import { wording } from '../contract/checks.js'
import { callHook, type Report } from '../contract/hooks.js'
import type { RetryPolicy } from '../contract/settings.js'

/** A number as backoff doubles with each attempt up to this. */
const MAX_BACKOFF_MS = 30_000
/** So many doublings are beyond any number that matters, and before the largest there is. */
const MAX_DOUBLINGS = 1_000

/** Whether the policy gives this attempt's error another attempt. What is no answer is told, and gives none. */
export function isWorthRetrying(policy: RetryPolicy, error: unknown, attempt: number, report: Report): boolean {
  const { when } = policy
  if (attempt >= policy.attempts) return false
  if (when === undefined) return true
  const answer = callHook(() => when(error, attempt), report)
  if (answer.threw) return false
  if (typeof answer.value !== 'boolean') report(new TypeError(wording('retry.when()', 'true or false', answer.value)))
  return answer.value === true
}

/** How long to wait before the next attempt, in milliseconds. What is no such number is told, and counts as 0. */
export function backoff(
  policy: RetryPolicy,
  error: unknown,
  attempt: number,
  random: () => number,
  report: Report
): number {
  const { backoffMs } = policy
  if (typeof backoffMs === 'number') {
    return random() * Math.min(backoffMs * 2 ** Math.min(attempt - 1, MAX_DOUBLINGS), MAX_BACKOFF_MS)
  }
  const answer = callHook(() => backoffMs(error, attempt), report)
  if (answer.threw) return 0
  if (typeof answer.value === 'number' && answer.value >= 0) return answer.value
  report(new TypeError(wording('retry.backoffMs()', 'a number of milliseconds from 0', answer.value)))
  return 0
}
