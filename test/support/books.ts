import { expect } from 'vitest'
import type { PoolEventName, PoolEvents, PoolStats, WorkerPool } from '../../src/index.js'
import { EVENTS } from './event-names.js'

export { EVENTS }

// biome-ignore lint/suspicious/noExplicitAny: a pool with any handlers
type AnyPool = WorkerPool<any>

/** The first rule of the counters that is broken, if any. Cheap, because it is checked at every event. */
function brokenRule(stats: PoolStats): string | undefined {
  const { totals, running, queued, delayed, waiting, stuck, retained, retention } = stats
  const { submitted, refused, accepted, succeeded, failed, canceled } = totals
  if (submitted !== accepted + refused + waiting) return 'submitted = accepted + refused + waiting'
  if (accepted !== queued + delayed + running + succeeded + failed + canceled) {
    return 'accepted = queued + delayed + running + succeeded + failed + canceled'
  }
  if (retention.retained > retained) return 'tickets ≤ retained'
  // A durable pool also retains what settled before it was made, and shows an end when that is written.
  if (!stats.durable && retained > succeeded + failed + canceled) return 'retained ≤ settled'
  if (stats.untold > stats.queued + succeeded + failed + canceled) return 'untold ≤ left + settled'
  const least = Math.min(
    running,
    queued,
    delayed,
    waiting,
    stuck,
    ...Object.values(totals),
    ...Object.values(retention)
  )
  return least >= 0 ? undefined : 'no count is negative'
}

/** Fails unless the counters add up now. */
export function expectBalance(pool: Pick<AnyPool, 'stats'>): PoolStats {
  const stats = pool.stats()
  expect(brokenRule(stats), `a rule that ${JSON.stringify(stats)} breaks`).toBeUndefined()
  return stats
}

/** An emitted event. */
export interface Told {
  readonly event: PoolEventName
  readonly args: PoolEvents[PoolEventName]
}

/**
 * Listens to all events. At each, the counters must add up and no total may have decreased. {@link Witness.check} throws
 * the failures.
 */
export class Witness {
  readonly told: Told[] = []
  readonly #errors: unknown[] = []
  #last: PoolStats['totals'] | undefined

  constructor(pool: AnyPool) {
    for (const event of EVENTS) {
      pool.on(event, (...args: unknown[]) => {
        this.told.push({ event, args: args as unknown as PoolEvents[PoolEventName] })
        try {
          const stats = pool.stats()
          if (brokenRule(stats) !== undefined) expectBalance(pool)
          this.#neverFall(stats.totals)
        } catch (error) {
          this.#errors.push(error)
        }
      })
    }
  }

  #neverFall(totals: PoolStats['totals']): void {
    const last = this.#last
    this.#last = totals
    if (last === undefined) return
    for (const name of Object.keys(totals) as (keyof typeof totals)[]) {
      if (totals[name] < last[name])
        expect(totals[name], `totals.${name} never decreases`).toBeGreaterThanOrEqual(last[name])
    }
  }

  /** The names of the events, in order; only those of one task if it is given. */
  names(task?: unknown): PoolEventName[] {
    return this.told.filter(({ args }) => task === undefined || args[0] === task).map(({ event }) => event)
  }

  check(): void {
    if (this.#errors.length > 0) throw this.#errors[0]
  }
}
