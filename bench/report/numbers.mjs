/** @typedef {import('../measure/statistics.mjs').Spread} Spread */

/** The middle, then the smallest and the largest. @type {(spread: Spread, digits: number) => string} */
export const rounded = ({ median, low, high }, digits) =>
  `${fixed(median, digits)} (${fixed(low, digits)}–${fixed(high, digits)})`

/** @type {(value: number, digits?: number) => string} */
export const fixed = (value, digits = 0) =>
  value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits })
