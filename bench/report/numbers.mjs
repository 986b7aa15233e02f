/** How figures are written. */

/** @typedef {import('../results.js').Spread} Spread */

/** @type {(value: number, digits?: number) => string} */
export const fixed = (value, digits = 0) =>
  value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits })

/** The middle; with several, the smallest and the largest too.  @type {(spread: Spread, digits?: number) => string} */
export const spreadOf = ({ median, low, high }, digits = 0) =>
  low === high ? fixed(median, digits) : `${fixed(median, digits)} (${fixed(low, digits)}–${fixed(high, digits)})`
