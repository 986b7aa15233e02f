/** @typedef {{ median: number, low: number, high: number }} Spread The middle value, the smallest and the largest. */

/** @type {(values: readonly number[]) => number} */
export const median = (values) => {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2
}

/** @type {(values: readonly number[]) => Spread} */
export const spread = (values) => ({ median: median(values), low: Math.min(...values), high: Math.max(...values) })

/** @type {<T>(values: readonly T[]) => T[]} */
export const shuffled = (values) =>
  values
    .map((value) => ({ value, place: Math.random() }))
    .sort((a, b) => a.place - b.place)
    .map(({ value }) => value)
