/** @typedef {{ median: number, low: number, high: number }} Spread The middle value, the smallest and the largest. */

/** @type {(values: readonly number[]) => number} */
export const median = (values) => {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2
}

/** The value that so many of a hundred do not pass. @type {(values: readonly number[], percent: number) => number} */
const percentile = (values, percent) =>
  values.toSorted((a, b) => a - b)[Math.ceil((values.length * percent) / 100) - 1] ?? Number.NaN

/** @type {(values: readonly number[]) => { median: number, p99: number }} */
export const delays = (values) => ({ median: median(values), p99: percentile(values, 99) })

/** @type {(values: readonly number[]) => Spread} */
export const spread = (values) => ({ median: median(values), low: Math.min(...values), high: Math.max(...values) })

/** @type {<T>(values: readonly T[]) => T[]} */
export const shuffled = (values) =>
  values
    .map((value) => ({ value, place: Math.random() }))
    .sort((a, b) => a.place - b.place)
    .map(({ value }) => value)
