import type { Entry } from './lane.js'
import type { Lanes } from './lanes.js'
import type { RateWindow } from './rate-window.js'
import { RetryAfter } from './retry-after.js'
import type { Shares } from './shares.js'
import type { Waiter, WaiterList } from './waiter-list.js'
import type { Weights } from './weights.js'

/** Delays that an estimate reads at most. */
const DELAYS_READ = 100

/** What the scheduler's prospects depend on. */
export interface Situation<E extends Entry<E>, W extends Waiter<W>> {
  readonly concurrency: number
  readonly queueCapacity: number
  readonly running: number
  readonly queued: number
  readonly held: number
  /** Whether tasks may start. */
  readonly open: boolean
  readonly paused: boolean
  readonly pausedUntil: number
  readonly rate: RateWindow | null
  readonly weights: Weights<E> | null
  /** Whether a key has or had a rate. */
  readonly keysTimed: boolean
  readonly delayed: ReadonlyMap<E, number>
  readonly waiters: WaiterList<W>
}

/** When more tasks can start, and when a place will be free: decides nothing. */
export class Prospects<E extends Entry<E>, W extends Waiter<W>> {
  readonly runTimes = new RetryAfter()
  readonly #situation: Situation<E, W>
  readonly #lanes: Lanes<E>
  readonly #shares: Shares<E> | null

  constructor(situation: Situation<E, W>, lanes: Lanes<E>, shares: Shares<E> | null) {
    this.#situation = situation
    this.#lanes = lanes
    this.#shares = shares
  }

  /** Whether a free worker may get a task later although no running task ends: after a delay, a pause, a rate limit. */
  mayStartMore(now: number): boolean {
    const { running, concurrency, delayed, open, rate } = this.#situation
    if (running >= concurrency) return false
    if (delayed.size > 0 || !open || (rate !== null && !rate.allows(now))) return true
    return this.#keyOpensAt(now) < Number.POSITIVE_INFINITY
  }

  /** Time at which a rate allows the next start; Infinity if something else prevents it or no call is dated. */
  rateOpensAt(now: number): number {
    const { running, concurrency, queued, waiters, open, rate } = this.#situation
    const waits = queued > 0 || waiters.size > 0
    if (!waits || !open || running >= concurrency) return Number.POSITIVE_INFINITY
    return rate === null || rate.allows(now) ? this.#keyOpensAt(now) : rate.opensAt()
  }

  /** The same for the rates of the keys, of the queued tasks and of the first waiter. */
  #keyOpensAt(now: number): number {
    if (!this.#situation.keysTimed || this.#lanes.hasReady(now)) return Number.POSITIVE_INFINITY
    const { head } = this.#situation.waiters
    const rate = head === null || head.delayed ? undefined : this.#rateOf(head.key)
    const forHead = rate === undefined || rate.allows(now) ? Number.POSITIVE_INFINITY : rate.opensAt()
    return Math.min(this.#lanes.rateOpensAt, forHead)
  }

  #rateOf(key: string | undefined): RateWindow | undefined {
    return (key === undefined ? undefined : this.#shares?.get(key)?.rate) ?? undefined
  }

  /** Estimated time until a place is free, in milliseconds; for a task of a key, also until its rate allows its start. */
  retryAfterMs(now: number, key?: string): number {
    const share = key === undefined ? undefined : this.#shares?.get(key)
    const byKey = share?.rate?.opensAfter(share.held + 1, now) ?? now
    const { held, concurrency } = this.#situation
    return this.runTimes.estimate(held, concurrency, Math.max(this.#heldBackUntil(now), byKey) - now)
  }

  /** When a pause ends that holds back the next place; now, if there is none, or nobody knows. */
  #pauseEnds(now: number): number {
    const { paused, pausedUntil, running, held, queueCapacity, weights } = this.#situation
    if (!paused || pausedUntil === Number.POSITIVE_INFINITY) return now
    // The end of a running task makes room for its weight, none in the queue.
    const holds = running === 0 || weights === null || held >= queueCapacity
    return holds ? Math.max(pausedUntil, now) : now
  }

  /** The time before which no place is free because of the rate, or because everything that holds one waits for a time. */
  #heldBackUntil(now: number): number {
    const { running, held, queued, rate } = this.#situation
    const pauseEnds = this.#pauseEnds(now)
    const byRate = rate === null ? pauseEnds : Math.max(rate.opensAfter(queued + 1, now), pauseEnds)
    if (running > 0 || held === 0 || (queued > 0 && !this.#allOverRate(now))) return byRate
    return Math.max(byRate, Math.min(this.#firstDue(), this.#lanes.rateOpensAt))
  }

  /** Whether no queued task may start, because of the rates of their keys. */
  #allOverRate(now: number): boolean {
    if (!this.#situation.keysTimed) return false
    this.#lanes.unparkDue(now)
    return !this.#lanes.hasReady(now)
  }

  /** The earliest end of a delay, of those that began first. */
  #firstDue(): number {
    let first = Number.POSITIVE_INFINITY
    let left = DELAYS_READ
    for (const at of this.#situation.delayed.values()) {
      if (left-- === 0) break
      first = Math.min(first, at)
    }
    return first
  }
}
