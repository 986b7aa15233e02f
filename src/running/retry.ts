import { wording } from '../contract/checks.js'
import { callHook, type Report } from '../contract/hooks.js'
import type { RetryPolicy } from '../contract/policies.js'

/** The most that a doubling backoff reaches. */
const MAX_BACKOFF_MS = 30_000
/** Doublings beyond which no backoff grows, and short of the largest number there is. */
const MAX_DOUBLINGS = 1_000

/** Whether the policy allows another attempt after this error. An invalid answer is reported, and counts as no. */
export function isWorthRetrying(policy: RetryPolicy, error: unknown, attempt: number, report: Report): boolean {
  const { when } = policy
  if (attempt >= policy.attempts) return false
  if (when === undefined) return true
  const answer = callHook(() => when(error, attempt), report)
  if (answer.threw) return false
  if (typeof answer.value !== 'boolean') report(new TypeError(wording('retry.when()', 'true or false', answer.value)))
  return answer.value === true
}

/** How long to wait before the next attempt, in milliseconds. An invalid answer is reported, and counts as 0. */
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
