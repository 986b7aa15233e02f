import type { Clock } from '../ports/clock.js'

/** Time that the pool's own work may hold the event loop without a pause, in milliseconds. */
export const SLICE_MS = 10
/** Steps between two clock readings. Each step is short. */
const STEPS = 64

/** A time slice for a loop of short steps: the loop calls `isOver` after each step and pauses when it returns true. */
export class Slice {
  readonly #clock: Clock
  readonly #endsAt: number
  #steps = 0

  constructor(clock: Clock) {
    this.#clock = clock
    this.#endsAt = clock.now() + SLICE_MS
  }

  isOver(): boolean {
    return ++this.#steps % STEPS === 0 && this.#clock.now() >= this.#endsAt
  }
}
