import { ManualClock } from '../../support/manual-clock.js'

/** A clock that the test moves, with counted ids: the same calls have the same results on every server. */
export class CountingClock extends ManualClock {
  #count = 0

  override randomBytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.#count++ % 256)
  }

  /** A real turn of the event loop, which sockets need. */
  override yield(then: () => void): void {
    setImmediate(then)
  }
}
