import type { Clock, Timer } from '../ports/clock.js'
import { Heap, type HeapItem } from '../scheduler/heap.js'
import { Slice } from './slice.js'

/** A timer that fires at most this late, in milliseconds, is late by the rounding of the platform only. */
const LATE_MS = 2

/** A callback at a point in time. Created once, then set and cleared any number of times. */
export class Deadline implements HeapItem {
  index = -1
  /** Time at which it fires, in milliseconds of the clock. */
  at = 0
  /** Orders deadlines of the same time: the first set fires first. */
  order = 0
  keepAlive = false
  readonly fire: () => void

  constructor(fire: () => void) {
    this.fire = fire
  }

  get isSet(): boolean {
    return this.index >= 0
  }
}

/**
 * All deadlines of a pool on one timer. Setting one later than all others is O(1); otherwise setting and clearing are
 * O(log n). No deadline fires early: the clock is read when the timer fires. When that is late,
 * because the event loop was blocked, the loop gets one turn first: what arrived in the meantime counts as in time.
 */
export class Deadlines {
  readonly #clock: Clock
  readonly #timer: Timer
  readonly #heap = new Heap<Deadline>((a, b) => a.at < b.at || (a.at === b.at && a.order < b.order))
  #orders = 0
  /** Number of deadlines that keep the process alive. */
  #vital = 0
  /** Time for which the timer is set, Infinity if it is not. It may fire before the first deadline is due. */
  #armedFor = Number.POSITIVE_INFINITY
  /** Whether deadlines are about to fire: the timer is set when they have. */
  #firing = false

  constructor(clock: Clock) {
    this.#clock = clock
    this.#timer = clock.timer(() => this.#due())
    this.#timer.keepAlive(false)
  }

  /** Number of deadlines that are set. */
  get size(): number {
    return this.#heap.size
  }

  /** Sets a deadline to `delayMs` milliseconds from now and replaces its former time. Infinity clears it. */
  set(deadline: Deadline, delayMs: number, keepAlive: boolean): void {
    this.setAt(deadline, this.#clock.now() + delayMs, keepAlive)
  }

  /**
   * Like {@link set}, with a time of the clock instead of a delay.
   *
   * @param keepAlive - whether the deadline keeps the process alive
   */
  setAt(deadline: Deadline, at: number, keepAlive: boolean): void {
    this.clear(deadline)
    if (at === Number.POSITIVE_INFINITY) return
    deadline.at = at
    deadline.order = ++this.#orders
    deadline.keepAlive = keepAlive
    if (keepAlive && ++this.#vital === 1) this.#timer.keepAlive(true)
    this.#heap.add(deadline)
    this.#arm()
  }

  /** Clears a deadline. Has no effect if it is not set. */
  clear(deadline: Deadline): void {
    if (deadline.index < 0) return
    if (deadline.keepAlive && --this.#vital === 0) this.#timer.keepAlive(false)
    this.#heap.remove(deadline)
  }

  /** Clears all deadlines and the timer. */
  end(): void {
    for (let { first } = this.#heap; first !== undefined; first = this.#heap.first) this.clear(first)
    this.#timer.clear()
    this.#armedFor = Number.POSITIVE_INFINITY
  }

  #due(): void {
    const { first } = this.#heap
    this.#armedFor = Number.POSITIVE_INFINITY
    this.#firing = true
    if (first !== undefined && this.#clock.now() - first.at > LATE_MS) this.#clock.yield(() => this.#fire())
    else this.#fire()
  }

  #fire(): void {
    const now = this.#clock.now()
    const slice = new Slice(this.#clock)
    for (let { first } = this.#heap; first !== undefined && first.at <= now; first = this.#heap.first) {
      this.clear(first)
      first.fire()
      if (slice.isOver()) break
    }
    this.#firing = false
    this.#arm()
  }

  #arm(): void {
    const { first } = this.#heap
    if (this.#firing || first === undefined || first.at >= this.#armedFor) return
    this.#armedFor = first.at
    this.#timer.set(Math.max(first.at - this.#clock.now(), 0))
  }
}
