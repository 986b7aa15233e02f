import type { Clock } from '../ports/clock.js'

/** How long the pool's own work may hold the event loop before it gets a turn. */
export const SLICE_MS = 10
/** Steps of next to no time between two looks at the clock. */
const STEPS = 64

/** Cuts a long row of small steps: asked after each, it says when the event loop should have a turn. */
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
