import { expect } from 'vitest'
import type { PoolEventName, PoolEvents, PoolStats, WorkerPool } from '../../src/index.js'

/** Every event there is. */
export const EVENTS = [
  'queued',
  'started',
  'retrying',
  'progress',
  'succeeded',
  'failed',
  'canceled',
  'settled',
  'stuck',
  'refused',
  'idle',
  'stopping',
  'stopped'
] as const satisfies readonly PoolEventName[]

// biome-ignore lint/suspicious/noExplicitAny: a pool of whatever handlers
type AnyPool = Pick<WorkerPool<any>, 'stats'>

/** Fails unless the books balance now. */
export function expectBalance(pool: AnyPool): PoolStats {
  const stats = pool.stats()
  const { totals, running, queued, delayed, waiting } = stats
  expect(totals.submitted, 'submitted = accepted + refused + waiting').toBe(totals.accepted + totals.refused + waiting)
  expect(totals.accepted, 'accepted = queued + delayed + running + settled').toBe(
    queued + delayed + running + totals.succeeded + totals.failed + totals.canceled
  )
  for (const count of [running, queued, delayed, waiting, stats.stuck, stats.retained, ...Object.values(totals)]) {
    expect(count).toBeGreaterThanOrEqual(0)
  }
  return stats
}

/** The same without an assertion for each number, for books that are looked at in every event. */
function isBalanced({ totals, running, queued, delayed, waiting, stuck, retained }: PoolStats): boolean {
  const { submitted, refused, accepted, succeeded, failed, canceled } = totals
  return (
    submitted === accepted + refused + waiting &&
    accepted === queued + delayed + running + succeeded + failed + canceled &&
    Math.min(running, queued, delayed, waiting, stuck, retained, ...Object.values(totals)) >= 0
  )
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

  // biome-ignore lint/suspicious/noExplicitAny: a pool of whatever handlers
  constructor(pool: WorkerPool<any>) {
    for (const event of EVENTS) {
      pool.on(event, (...args: unknown[]) => {
        this.told.push({ event, args: args as unknown as PoolEvents[PoolEventName] })
        try {
          const stats = pool.stats()
          if (!isBalanced(stats)) expectBalance(pool)
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
