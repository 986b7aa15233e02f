/** The fraction of the golden ratio: its multiples fill the line from 0 to 1 more evenly than chance does. */
const GOLDEN = 0.618_033_988_749_894_9

/**
 * Numbers from 0 to below 1 that spread refused clients over time: a fixed sequence, in which a few refusals in a row are
 * further apart than chance would have them, and which needs no source of randomness.
 */
export function evenlySpread(): () => number {
  let last = 0
  return () => {
    last = (last + GOLDEN) % 1
    return last
  }
}

/** A time in whole seconds, rounded up however little is left, as `Retry-After` has it: digits only, so the longest are cut. */
export function wholeSeconds(ms: number): number {
  return Math.min(Math.ceil(Math.ceil(ms) / 1_000), Number.MAX_SAFE_INTEGER)
}

/**
 * The `Retry-After` of a refusal, in whole seconds: the time rounded up, and up to a fifth of it (at least one second)
 * on top. Clients keep to the second they are told, and those refused together must not come back as one wave.
 *
 * @param random - gives a number from 0 to below 1
 */
export function retryAfterSeconds(retryAfterMs: number, random: () => number): number {
  const seconds = wholeSeconds(retryAfterMs)
  const most = Math.max(1, Math.floor(seconds / 5))
  return seconds + Math.min(most, Math.floor(random() * (most + 1)))
}
