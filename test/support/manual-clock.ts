import { randomBytes } from 'node:crypto'
import type { Clock, Timer } from '../../src/ports/clock.js'

/** Waits until every promise has settled that needs no passing of time. */
export const microtasks = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

interface ManualTimer extends Timer {
  readonly fire: () => void
  /** Of timers that are due at the same time, the one created first fires first. */
  readonly order: number
  at: number
  alive: boolean
}

/**
 * A clock that a test controls: time stands still until {@link ManualClock.advance}, and the event loop turns only
 * with {@link ManualClock.turn}.
 */
export class ManualClock implements Clock {
  #now: number
  /** What the wall clock shows when the monotonic one shows zero. */
  #wall: number
  /** Timers that are set. */
  readonly #timers = new Set<ManualTimer>()
  #made = 0
  #yields: (() => void)[] = []

  constructor(now = 1_000, wall = Date.UTC(2030, 0, 1)) {
    this.#now = now
    this.#wall = wall - now
  }

  now(): number {
    return this.#now
  }

  date(): number {
    return this.#wall + this.#now
  }

  random(): number {
    return 0.5
  }

  randomBytes(count: number): Uint8Array {
    return randomBytes(count)
  }

  timer(fire: () => void): Timer {
    const timer: ManualTimer = {
      fire,
      order: ++this.#made,
      at: Number.POSITIVE_INFINITY,
      alive: true,
      set: (delayMs) => {
        timer.at = this.#now + delayMs
        this.#timers.add(timer)
      },
      keepAlive: (keep) => {
        timer.alive = keep
      },
      clear: () => {
        this.#timers.delete(timer)
      }
    }
    return timer
  }

  yield(then: () => void): void {
    this.#yields.push(then)
  }

  /** Timers that are set; `alive` counts only those that keep the process alive. */
  timers(which: 'all' | 'alive' = 'all'): number {
    return [...this.#timers].filter(({ alive }) => which === 'all' || alive).length
  }

  /** Steps the wall clock, like a manual adjustment; the monotonic clock does not change. */
  stepWall(ms: number): void {
    this.#wall += ms
  }

  /** Time passes while the event loop is blocked: no timer fires, nothing yields. */
  block(ms: number): void {
    this.#now += ms
  }

  /** Turns the event loop until nothing is left that needs no passing of time. */
  async turn(): Promise<void> {
    do {
      await microtasks()
      const yields = this.#yields
      this.#yields = []
      for (const then of yields) then()
      await microtasks()
    } while (this.#yields.length > 0)
  }

  /** Advances the time; every timer that becomes due fires at its time. */
  async advance(ms: number): Promise<void> {
    const target = this.#now + ms
    await this.turn()
    while (this.#fireNext(target)) await this.turn()
    await this.turn()
  }

  /** Advances the time synchronously, like the fake timers of test runners: due timers fire before it returns. */
  tick(ms: number): void {
    const target = this.#now + ms
    while (this.#fireNext(target));
  }

  /** Fires the first timer that is due up to `target`, at its time; without one, sets the time to `target`. */
  #fireNext(target: number): boolean {
    let due: ManualTimer | undefined
    for (const timer of this.#timers) if (timer.at <= target && (due === undefined || isBefore(timer, due))) due = timer
    this.#now = Math.max(this.#now, due?.at ?? target)
    if (due === undefined) return false
    this.#timers.delete(due)
    due.fire()
    return true
  }
}

function isBefore(a: ManualTimer, b: ManualTimer): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order)
}
