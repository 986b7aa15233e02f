import { ManualClock } from '../../support/manual-clock.js'

/** Time stands still until it is moved, and ids count: the same calls give the same answers on every side. */
export class CountingClock extends ManualClock {
  #count = 0

  override randomBytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.#count++ % 256)
  }

  /** The event loop turns by itself: real sockets need it to. */
  override yield(then: () => void): void {
    setImmediate(then)
  }
}
