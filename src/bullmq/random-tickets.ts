import type { Clock } from '../ports/clock.js'

const TICKET_BYTES = 21

/** Drawn at once: each draw costs as much as all else that a new ticket takes, several times over. */
const TICKETS = 64

/** Tickets that cannot be guessed: 168 random bits each. */
export class RandomTickets {
  readonly #clock: Pick<Clock, 'randomBytes'>
  #bytes = Buffer.alloc(0)
  #used = 0

  constructor(clock: Pick<Clock, 'randomBytes'>) {
    this.#clock = clock
  }

  next(): string {
    if (this.#used === this.#bytes.length) {
      this.#bytes = Buffer.from(this.#clock.randomBytes(TICKETS * TICKET_BYTES))
      this.#used = 0
    }
    const from = this.#used
    this.#used += TICKET_BYTES
    return this.#bytes.toString('base64url', from, this.#used)
  }
}
