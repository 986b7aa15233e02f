import type { Clock, Timer } from '../../ports/clock.js'
import { expected } from '../redis/expected.js'

/** At most ten writes a second. */
const INTERVAL_MS = 100

/** Writes the newest progress of a call: at once, and then at most ten times a second. */
export class ProgressWriter {
  readonly #clock: Pick<Clock, 'timer'>
  readonly #write: () => Promise<unknown>
  /** Made when there is progress: most calls report none. */
  #timer: Timer | undefined
  #isWaiting = false
  #isDue = false
  #writing: Promise<unknown> = Promise.resolve()

  /** @param write - writes the present progress */
  constructor(clock: Pick<Clock, 'timer'>, write: () => Promise<unknown>) {
    this.#clock = clock
    this.#write = write
  }

  /** There is something new to write. */
  changed(): void {
    this.#isDue = true
    if (!this.#isWaiting) this.#begin()
  }

  #begin(): void {
    this.#isDue = false
    this.#isWaiting = true
    this.#timer ??= this.#makeTimer()
    this.#timer.set(INTERVAL_MS)
    this.#writing = this.#write().catch(expected) // the next one, or none
  }

  /** The call has ended: writes what is still due. */
  async end(): Promise<void> {
    if (this.#isDue) this.#begin()
    this.#timer?.clear()
    await this.#writing
  }

  #makeTimer(): Timer {
    const timer = this.#clock.timer(() => {
      this.#isWaiting = false
      if (this.#isDue) this.#begin()
    })
    timer.keepAlive(false)
    return timer
  }
}
