import { expect } from 'vitest'
import type { PoolEventName, PoolEvents, PoolStats, WorkerPool } from '../../src/index.js'
import { EVENTS } from './event-names.js'

export { EVENTS }

// biome-ignore lint/suspicious/noExplicitAny: a pool of whatever handlers
type AnyPool = WorkerPool<any>

/** The rule of the books that these do not keep, if any. Cheap, for books that are looked at in every event. */
function brokenRule({ totals, running, queued, delayed, waiting, stuck, retained }: PoolStats): string | undefined {
  const { submitted, refused, accepted, succeeded, failed, canceled } = totals
  if (submitted !== accepted + refused + waiting) return 'submitted = accepted + refused + waiting'
  if (accepted !== queued + delayed + running + succeeded + failed + canceled) {
    return 'accepted = queued + delayed + running + succeeded + failed + canceled'
  }
  const least = Math.min(running, queued, delayed, waiting, stuck, retained, ...Object.values(totals))
  return least >= 0 ? undefined : 'no count is negative'
}

/** Fails unless the books balance now. */
export function expectBalance(pool: Pick<AnyPool, 'stats'>): PoolStats {
  const stats = pool.stats()
  expect(brokenRule(stats), `a rule that ${JSON.stringify(stats)} breaks`).toBeUndefined()
  return stats
}

/** One event as it happened. */
export interface Told {
  readonly event: PoolEventName
  readonly args: PoolEvents[PoolEventName]
}

/** Listens to everything; at each event the books must balance, and no total may have fallen. What fails there is thrown by {@link Witness.check}. */
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
        expect(totals[name], `totals.${name} never falls`).toBeGreaterThanOrEqual(last[name])
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
