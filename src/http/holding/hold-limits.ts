import { integer, optionsOf } from '../../contract/checks.js'

/** How many requests may be held open at the same time. Each an integer from 0; 0 holds none. */
export interface HoldLimits {
  /**
   * For one ticket.
   *
   * @defaultValue 20
   */
  readonly perTicket?: number | undefined

  /**
   * For one owner. Counts with an `owner` hook only; those for whom it gives `undefined` are one owner together.
   *
   * @defaultValue 50
   */
  readonly perOwner?: number | undefined

  /**
   * For all.
   *
   * @defaultValue 500
   */
  readonly total?: number | undefined
}

/** The same with every default in place. */
export type AllHoldLimits = { readonly [K in keyof HoldLimits]-?: number }

const HOLD_LIMITS = { perTicket: true, perOwner: true, total: true } as const

/** Checks the limits and fills in what was not given. */
export function checkHoldLimits(name: string, limits: unknown = {}): AllHoldLimits {
  const { perTicket, perOwner, total } = optionsOf<HoldLimits>(name, limits, HOLD_LIMITS)
  return {
    perTicket: perTicket === undefined ? 20 : integer(`${name}.perTicket`, perTicket, 0),
    perOwner: perOwner === undefined ? 50 : integer(`${name}.perOwner`, perOwner, 0),
    total: total === undefined ? 500 : integer(`${name}.total`, total, 0)
  }
}
