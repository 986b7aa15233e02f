/** The fraction of the golden ratio: its multiples modulo 1 are more evenly spread than random numbers. */
const GOLDEN = 0.618_033_988_749_894_9

/**
 * The default jitter: numbers from 0 to below 1 in a fixed sequence. Consecutive numbers are further apart than random
 * ones, and no source of randomness is needed.
 */
export function evenlySpread(): () => number {
  let last = 0
  return () => {
    last = (last + GOLDEN) % 1
    return last
  }
}

/** Milliseconds as whole seconds, rounded up. At most the largest safe integer, which prints as digits only. */
export function wholeSeconds(ms: number): number {
  return Math.min(Math.ceil(Math.ceil(ms) / 1_000), Number.MAX_SAFE_INTEGER)
}

/**
 * The `Retry-After` of a refusal, in whole seconds: the time rounded up, plus jitter of at most one fifth of it, or one
 * second if that is more. Clients return at the exact second, so without jitter those refused together return together.
 *
 * @param random - returns a number from 0 to below 1
 */
export function retryAfterSeconds(retryAfterMs: number, random: () => number): number {
  const seconds = wholeSeconds(retryAfterMs)
  const most = Math.max(1, Math.floor(seconds / 5))
  return seconds + Math.min(most, Math.floor(random() * (most + 1)))
}
