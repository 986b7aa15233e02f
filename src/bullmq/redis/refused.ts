import type { RedisOptions } from 'ioredis'
import type { Clock } from '../../ports/clock.js'

/** Redis is there, but accepts no writes now: it is full, a replica, or cannot save. Before version 7 a script's error quotes it. */
const REFUSED = /(?:^|-)(?:OOM|READONLY|MISCONF|NOREPLICAS) /

const READ_ONLY = /(?:^|-)READONLY /

/** How long a command that was refused waits at least before it is sent again. */
const AGAIN_MS = 1_000

/** What ioredis does with a command that was refused: besides connecting anew, it rejects it or sends it again. */
const [KEEP, REJECT, RESEND] = [false, 1, 2] as const

type Policy = Pick<RedisOptions, 'reconnectOnError' | 'retryStrategy'>

/**
 * A refused command is sent again until Redis accepts it, each time over a new connection: the address may lead to another
 * server by then.
 *
 * @param retry - the delay after a lost connection
 */
export function untilAccepted(clock: Pick<Clock, 'now'>, retry: RedisOptions['retryStrategy']): Policy {
  let refusedMs = Number.NEGATIVE_INFINITY
  return {
    reconnectOnError: ({ message }) => {
      if (!REFUSED.test(message)) return KEEP
      refusedMs = clock.now()
      return RESEND
    },
    retryStrategy: (attempts) => {
      const delayMs = retry?.(attempts)
      const wasRefused = clock.now() - refusedMs < AGAIN_MS
      return wasRefused && typeof delayMs === 'number' ? Math.max(delayMs, AGAIN_MS) : delayMs
    }
  }
}

/** A refused command fails. A server that has become a replica is left: the address may lead to the new primary. */
export const reconnectOnError: RedisOptions['reconnectOnError'] = ({ message }) =>
  READ_ONLY.test(message) ? REJECT : KEEP
