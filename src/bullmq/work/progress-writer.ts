import type { Clock, Timer } from '../../ports/clock.js'
import { expected } from '../redis/expected.js'

/** At most ten writes a second. */
const INTERVAL_MS = 100

/** Writes the newest progress of a call: at once, and then at most ten times a second. */
export class ProgressWriter {
  readonly #write: () => Promise<unknown>
  readonly #timer: Timer
  #isWaiting = false
  #isDue = false
  #writing: Promise<unknown> = Promise.resolve()

  /** @param write - writes the present progress */
  constructor(clock: Pick<Clock, 'timer'>, write: () => Promise<unknown>) {
    this.#write = write
    this.#timer = clock.timer(() => {
      this.#isWaiting = false
      if (this.#isDue) this.#begin()
    })
    this.#timer.keepAlive(false)
  }

  /** There is something new to write. */
  changed(): void {
    this.#isDue = true
    if (!this.#isWaiting) this.#begin()
  }

  #begin(): void {
    this.#isDue = false
    this.#isWaiting = true
    this.#timer.set(INTERVAL_MS)
    this.#writing = this.#write().catch(expected) // the next one, or none
  }

  /** The call has ended: writes what is still due. */
  async end(): Promise<void> {
    this.#timer.clear()
    if (this.#isDue) this.#begin()
    this.#timer.clear()
    await this.#writing
  }
}
