import type { Clock, Timer } from '../ports/clock.js'
import { Heap, type HeapItem } from '../scheduler/heap.js'
import { Slice } from './slice.js'

/** A moment at which something is to be done. Made once, set and cleared as often as wanted. */
export class Deadline implements HeapItem {
  index = -1
  /** When it fires, in milliseconds of the clock. */
  at = 0
  /** Among those of one moment, the first set fires first. */
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
 * All limits of a pool on one timer. Setting one later than all others is O(1), else setting and clearing are
 * O(log n). None fires early, and each by a clock that was read then.
 */
export class Deadlines {
  readonly #clock: Clock
  readonly #timer: Timer
  readonly #heap = new Heap<Deadline>((a, b) => a.at < b.at || (a.at === b.at && a.order < b.order))
  #orders = 0
  /** How many of them the process has to live for. */
  #vital = 0
  /** When the timer fires, Infinity while it is not set. It may fire before there is anything to do. */
  #armedFor = Number.POSITIVE_INFINITY
  #firing = false

  constructor(clock: Clock) {
    this.#clock = clock
    this.#timer = clock.timer(() => this.#fire())
    this.#timer.keepAlive(false)
  }

  /** How many are set. */
  get size(): number {
    return this.#heap.size
  }

  /** Sets a deadline so many milliseconds from now, instead of what it was set to. Infinity only clears it. */
  set(deadline: Deadline, delayMs: number, keepAlive: boolean): void {
    this.setAt(deadline, this.#clock.now() + delayMs, keepAlive)
  }

  /**
   * The same by the time of the clock.
   *
   * @param keepAlive - whether the process should live until then
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

  /** Forgets a deadline; nothing happens when it is not set. */
  clear(deadline: Deadline): void {
    if (deadline.index < 0) return
    if (deadline.keepAlive && --this.#vital === 0) this.#timer.keepAlive(false)
    this.#heap.remove(deadline)
  }

  /** Lets go of the timer, when nothing is set any more. */
  end(): void {
    this.#timer.clear()
    this.#armedFor = Number.POSITIVE_INFINITY
  }

  #fire(): void {
    this.#armedFor = Number.POSITIVE_INFINITY
    this.#firing = true
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
