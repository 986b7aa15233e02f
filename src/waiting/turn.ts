import type { Clock } from '../ports/clock.js'
import { SLICE_MS } from './slice.js'

/** Maximum number of steps between two clock readings. */
const MAX_STEPS = 8
/** A step that takes less is quick; `MAX_STEPS` quick steps take at most a quarter of a slice. */
const QUICK_MS = SLICE_MS / MAX_STEPS / 4

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
  #beganAt = 0
  #now = 0
  #stamp = 0
  /** Time of the last check of the slice. */
  #checkedAt = 0
  /** Steps left until the next check, and steps between the last two; 0 before the first step of a turn. */
  #stepsLeft = 0
  #steps = 0

  /** @param ageMs - how long before now the stamps are zero */
  constructor(clock: Clock, onEnd: () => void, ageMs = 0) {
    this.#clock = clock
    this.#epoch = clock.now() - ageMs
    this.#onEnd = onEnd
    this.#end = () => {
      this.#begun = false
      this.#stepsLeft = 0
      this.#steps = 0
      this.#onEnd()
    }
  }

  /** The time, at most as old as the turn. */
  get now(): number {
    if (!this.#begun) this.begin()
    return this.#now
  }

  /** The time in whole milliseconds: a small integer, which needs no memory besides its field. */
  get stamp(): number {
    if (!this.#begun) this.begin()
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
    this.#read()
    this.#beganAt = this.#now
    this.#checkedAt = this.#now
    this.#stepsLeft = 1
    this.#clock.yield(this.#end)
  }

  /**
   * Whether the slice of this turn is used up. Called before each step of work; reads the clock after eight quick steps
   * or after each slow one.
   */
  isOver(): boolean {
    return --this.#stepsLeft <= 0 && this.#checkAfterSteps()
  }

  #checkAfterSteps(): boolean {
    if (this.#begun) this.#read()
    else this.begin()
    // Before the first step, the quotient is NaN or infinite: not quick.
    const isQuick = (this.#now - this.#checkedAt) / this.#steps < QUICK_MS
    this.#checkedAt = this.#now
    this.#steps = isQuick ? MAX_STEPS : 1
    this.#stepsLeft = this.#steps
    return this.#now - this.#beganAt >= SLICE_MS
  }

  /** Reads the clock, so that the stamps that follow are current. */
  refresh(): void {
    this.begin()
    this.#read()
  }

  #read(): void {
    this.#now = this.fresh()
    this.#stamp = Math.floor(this.#now)
  }
}
