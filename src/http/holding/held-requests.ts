import { integer, optionsOf } from '../../contract/checks.js'

/** How many requests may be held at the same time. Each an integer from 0; 0 holds none. */
export interface HoldLimits {
  /**
   * Requests for one ticket.
   *
   * @defaultValue 20
   */
  readonly perTicket?: number | undefined

  /**
   * Requests of one owner. Applies only with an `owner` hook. All requests for which it returns `undefined` count as one
   * owner.
   *
   * @defaultValue 50
   */
  readonly perOwner?: number | undefined

  /**
   * All requests.
   *
   * @defaultValue 500
   */
  readonly total?: number | undefined
}

/** The limits with defaults applied. */
export type AllHoldLimits = { readonly [K in keyof HoldLimits]-?: number }

const HOLD_LIMITS = { perTicket: true, perOwner: true, total: true } as const

/** Checks limits and applies the defaults. */
export function checkHoldLimits(name: string, limits: unknown = {}): AllHoldLimits {
  const { perTicket, perOwner, total } = optionsOf<HoldLimits>(name, limits, HOLD_LIMITS)
  return {
    perTicket: perTicket === undefined ? 20 : integer(`${name}.perTicket`, perTicket, 0),
    perOwner: perOwner === undefined ? 50 : integer(`${name}.perOwner`, perOwner, 0),
    total: total === undefined ? 500 : integer(`${name}.total`, total, 0)
  }
}

/** Counts the held requests of one kind and applies their limits. */
export class HeldRequests {
  readonly #limits: AllHoldLimits
  readonly #tickets = new Counts<string>()
  readonly #owners = new Counts<string | undefined>()
  #total = 0

  constructor(limits: AllHoldLimits) {
    this.#limits = limits
  }

  /**
   * Counts one more request.
   *
   * @returns a function that ends it, to be called once; `undefined` when a limit is reached
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

/** A count per key. A key whose count is zero is removed. */
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
