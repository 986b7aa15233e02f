import type { Clock } from '../ports/clock.js'
import { SLICE_MS } from './slice.js'

/** The most steps between two looks at the clock. */
const MAX_STEPS = 8
/** A step that takes less is quick: as many as that fit into a slice. */
const QUICK_MS = SLICE_MS / MAX_STEPS / 4

/**
 * One turn of the event loop, as far as the pool works in it: the clock is read once for all stamps of a turn, and the
 * work is cut into slices of about 10 ms with a turn for timers and sockets in between.
 *
 * A turn begins when it is first looked at and ends when the loop comes round; times are in milliseconds since the pool
 * was made.
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
  /** When the steps were last looked at. */
  #checkedAt = 0
  /** Steps until the next look at the clock, and how many there are between two; 0 before a turn's first. */
  #stepsLeft = 0
  #steps = 0

  constructor(clock: Clock, onEnd: () => void) {
    this.#clock = clock
    this.#epoch = clock.now()
    this.#onEnd = onEnd
    this.#end = () => {
      this.#begun = false
      this.#stepsLeft = 0
      this.#steps = 0
      this.#onEnd()
    }
  }

  /** The time, as old as the turn at most. */
  get now(): number {
    if (!this.#begun) this.begin()
    return this.#now
  }

  /** The time in whole milliseconds: a small integer, which costs no memory of its own. */
  get stamp(): number {
    if (!this.#begun) this.begin()
    return this.#stamp
  }

  /** The time, read now. */
  fresh(): number {
    return this.#clock.now() - this.#epoch
  }

  /** Makes sure that `onEnd` is called at the end of this turn. */
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
   * Whether this turn's slice is used up; asked before each step of work. Looks at the clock after eight quick steps,
   * after each slow one.
   */
  isOver(): boolean {
    return --this.#stepsLeft <= 0 && this.#checkAfterSteps()
  }

  #checkAfterSteps(): boolean {
    if (this.#begun) this.#read()
    else this.begin()
    // Without a step before, the quotient is no number or infinite: not quick.
    const isQuick = (this.#now - this.#checkedAt) / this.#steps < QUICK_MS
    this.#checkedAt = this.#now
    this.#steps = isQuick ? MAX_STEPS : 1
    this.#stepsLeft = this.#steps
    return this.#now - this.#beganAt >= SLICE_MS
  }

  /** Reads the clock, so that what ends now is dated right. */
  refresh(): void {
    this.begin()
    this.#read()
  }

  #read(): void {
    this.#now = this.fresh()
    this.#stamp = Math.floor(this.#now)
  }
}
