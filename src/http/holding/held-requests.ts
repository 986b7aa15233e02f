import type { AllHoldLimits } from './hold-limits.js'

/** Counts the requests of one kind that are held open, and holds no more than the limits allow. */
export class Holds {
  readonly #limits: AllHoldLimits
  readonly #tickets = new Counts<string>()
  readonly #owners = new Counts<string | undefined>()
  #total = 0

  constructor(limits: AllHoldLimits) {
    this.#limits = limits
  }

  /**
   * Counts one more.
   *
   * @returns ends it, to be called once; `undefined` when it is one too many
   */
  take(ticket: string, owner: string | undefined): (() => void) | undefined {
    const { perTicket, perOwner, total } = this.#limits
    const isFull = this.#total >= total || this.#tickets.of(ticket) >= perTicket || this.#owners.of(owner) >= perOwner
    if (isFull) return undefined
    this.#count(ticket, owner, 1)
    return () => this.#count(ticket, owner, -1)
  }

  #count(ticket: string, owner: string | undefined, change: 1 | -1): void {
    this.#total += change
    this.#tickets.add(ticket, change)
    this.#owners.add(owner, change)
  }
}

/** How many there are of each; what is at zero is forgotten. */
class Counts<K> {
  readonly #counts = new Map<K, number>()

  of(key: K): number {
    return this.#counts.get(key) ?? 0
  }

  add(key: K, change: number): void {
    const count = this.of(key) + change
    if (count === 0) this.#counts.delete(key)
    else this.#counts.set(key, count)
  }
}
