import type { Clock } from './ports/clock.js'

const BYTES = 16
const CHARACTERS = 22
/** Ids are cut from one text of a batch. A small batch, because each id keeps the whole text of its batch alive. */
const BATCH = 16

/** Makes tickets: 128 random bits as 22 characters of base64url. */
export class TicketIds {
  readonly #clock: Clock
  #batch = ''
  #next = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  next(): string {
    if (this.#next === this.#batch.length) {
      const bytes = Buffer.from(this.#clock.randomBytes(BYTES * BATCH))
      let batch = ''
      for (let from = 0; from < bytes.length; from += BYTES) batch += bytes.toString('base64url', from, from + BYTES)
      this.#batch = batch
      this.#next = 0
    }
    const from = this.#next
    this.#next += CHARACTERS
    return this.#batch.slice(from, this.#next)
  }
}
