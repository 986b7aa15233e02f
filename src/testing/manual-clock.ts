import type { Clock, Timer } from '../ports/clock.js'
import { systemClock } from '../ports/system-clock.js'

/** Options of {@link manualClock}. */
export interface ManualClockOptions {
  /**
   * The monotonic time at the beginning, in milliseconds.
   *
   * @defaultValue 1,000
   */
  readonly now?: number | undefined
  /**
   * The wall clock time at the beginning, in milliseconds since 1970.
   *
   * @defaultValue 2030-01-01
   */
  readonly date?: number | undefined
  /**
   * Source of the numbers that jitter is made of: ≥ 0 and < 1.
   *
   * @defaultValue always 0.5
   */
  readonly random?: (() => number) | undefined
}

interface ManualTimer extends Timer {
  readonly fire: () => void
  /** Of timers that are due at the same time, the one created first fires first. */
  readonly order: number
  at: number
  alive: boolean
}

/**
 * A clock that a test controls, for the option `clock` of a pool, of its routes and of the client. Time stands still until
 * {@link ManualClock.advance}; the event loop turns, for what waits for it, only in `advance` and
 * {@link ManualClock.settle}.
 */
export class ManualClock implements Clock {
  #now: number
  /** What the wall clock shows when the monotonic one shows zero. */
  #wall: number
  readonly #random: () => number
  /** Timers that are set. */
  readonly #timers = new Set<ManualTimer>()
  #made = 0
  #yields: (() => void)[] = []

  /** @internal */
  constructor({ now = 1_000, date = Date.UTC(2030, 0, 1), random = () => 0.5 }: ManualClockOptions = {}) {
    this.#now = now
    this.#wall = date - now
    this.#random = random
  }

  now(): number {
    return this.#now
  }

  date(): number {
    return this.#wall + this.#now
  }

  random(): number {
    return this.#random()
  }

  randomBytes(count: number): Uint8Array {
    return systemClock.randomBytes(count)
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

  /** Number of timers that are set; `alive` counts only those that keep the process alive. */
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

  /** Lets happen what needs no passing of time: settles promises, calls what waits for a turn of the event loop. */
  async settle(): Promise<void> {
    do {
      await turn()
      const yields = this.#yields
      this.#yields = []
      for (const then of yields) then()
      await turn()
    } while (this.#yields.length > 0)
  }

  /**
   * Advances the time. Every timer that becomes due fires at its time, and what it causes settles before the next one;
   * also timers that are set meanwhile.
   *
   * @param ms - a number ≥ 0
   * @throws RangeError for any other value: time does not go back
   */
  async advance(ms: number): Promise<void> {
    const target = this.#after(ms)
    await this.settle()
    while (this.#fireNext(target)) await this.settle()
    await this.settle()
  }

  /**
   * Advances the time synchronously, like the fake timers of test runners: due timers fire before it returns, and no
   * promise settles between them.
   *
   * @param ms - a number ≥ 0
   * @throws RangeError for any other value
   */
  tick(ms: number): void {
    const target = this.#after(ms)
    while (this.#fireNext(target));
  }

  #after(ms: number): number {
    if (!(ms >= 0 && ms < Number.POSITIVE_INFINITY)) throw new RangeError(`ms must be a finite number ≥ 0, not ${ms}`)
    return this.#now + ms
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

/**
 * Makes a {@link ManualClock}.
 *
 * @example
 * ```ts
 * import { WorkerPool } from 'coatcheck'
 * import { manualClock } from 'coatcheck/testing'
 *
 * const clock = manualClock()
 * const pool = new WorkerPool({ concurrency: 1, queueCapacity: 10, taskTimeoutMs: 60_000, clock }).start()
 * const task = pool.queueTask(
 *   ({ signal }) => new Promise((_, fail) => signal.addEventListener('abort', () => fail(signal.reason)))
 * )
 * await clock.advance(60_000)
 * console.log(task.state) // 'failed': the time limit has passed
 * ```
 */
export function manualClock(options: ManualClockOptions = {}): ManualClock {
  return new ManualClock(options)
}

/** Waits until promises have settled. */
const turn = (): Promise<void> => new Promise((resolve) => systemClock.yield(resolve))

function isBefore(a: ManualTimer, b: ManualTimer): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order)
}
