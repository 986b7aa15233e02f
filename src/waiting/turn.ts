import type { Clock } from '../ports/clock.js'
import { SLICE_MS } from './slice.js'

/** Quick steps between two clock readings, and steps that are timed one by one where time may be lost. */
const STEPS = 16
/** Between two readings, less than this is quick: a noop takes a thousandth of a millisecond. */
const QUICK_MS = 0.05

/**
 * The pool's work within one turn of the event loop. One clock reading serves all stamps of a turn, and the work is cut
 * into slices of about 10 ms with a turn of the loop for timers and sockets in between.
 *
 * A turn begins when its time is first read and ends with the loop's next `yield` callback. Times are in milliseconds
 * since the pool was created.
 */
export class Turn {
  readonly #clock: Clock
  readonly #epoch: number
  readonly #onEnd: () => void
  readonly #end: () => void
  #begun = false
  /** Whether the time has to be read before it is used. */
  #stale = true
  #endsAt = 0
  #now = 0
  #stamp = 0
  /** Whether the slice was used up at the last reading. */
  #over = false
  /** Steps left until the next reading. */
  #stepsLeft = 0
  /** Steps left that are timed one by one. */
  #careful = 0

  /** @param ageMs - how long before now the stamps are zero */
  constructor(clock: Clock, onEnd: () => void, ageMs = 0) {
    this.#clock = clock
    this.#epoch = clock.now() - ageMs
    this.#onEnd = onEnd
    this.#end = () => {
      this.#begun = false
      this.#stale = true
      this.#onEnd()
    }
  }

  /** The time, at most as old as the turn. */
  get now(): number {
    if (this.#stale) this.refresh()
    return this.#now
  }

  /** The time in whole milliseconds: a small integer, which needs no memory besides its field. */
  get stamp(): number {
    if (this.#stale) this.refresh()
    return this.#stamp
  }

  /** The time by a new clock reading. */
  fresh(): number {
    return this.#clock.now() - this.#epoch
  }

  /** Begins the turn if it has not begun, so that `onEnd` is called at its end. */
  begin(): void {
    if (this.#begun) return
    this.#begun = true
    this.#stale = false
    this.#now = this.fresh()
    this.#stamp = Math.floor(this.#now)
    this.#endsAt = this.#now + SLICE_MS
    this.#over = false
    this.#careful = STEPS
    this.#stepsLeft = 1
    this.#clock.yield(this.#end)
  }

  /** Whether the slice of this turn is used up. Called before each step of work, and counts it. */
  isOver(): boolean {
    this.step()
    return this.#over
  }

  /**
   * Counts a step: a call of a function, or its end. The clock is read at each of the first steps of a turn, at those that
   * follow a slow one, and else after {@link STEPS} quick ones: no time is attributed to a wrong step but that of a single
   * slow one among so many quick ones.
   */
  step(): void {
    if (this.#stale || --this.#stepsLeft === 0) this.refresh()
  }

  /** Functions of the user were called: whoever needs the time next reads the clock. */
  expire(): void {
    this.#stale = true
  }

  /** Reads the clock, so that the stamps that follow are current. */
  refresh(): void {
    if (!this.#begun) return this.begin()
    this.#stale = false
    const now = this.fresh()
    if (now - this.#now >= QUICK_MS) this.#careful = STEPS
    else if (this.#careful > 0) this.#careful--
    this.#stepsLeft = this.#careful > 0 ? 1 : STEPS
    this.#over = now >= this.#endsAt
    this.#now = now
    this.#stamp = Math.floor(now)
  }
}
