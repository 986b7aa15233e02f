/** How plays wait, and what they make of what they see. */
import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises'

/** @type {<T>(count: number, make: (n: number) => T) => T[]} */
export const times = (count, make) => Array.from({ length: count }, (_, n) => make(n))

/** Waits until something holds. @type {(holds: () => boolean) => Promise<void>} */
export const until = async (holds) => {
  while (!holds()) await delay(1)
}

/**
 * Waits until what was done before has had its effects: until what is observed no longer changes.
 *
 * @param {{ latencyMs: number }} library
 * @param {() => number} [observed]
 */
export const effects = async ({ latencyMs }, observed = () => 0) => {
  let before
  do {
    before = observed()
    for (let turn = 0; turn < 50; turn++) await nextTurn()
    if (latencyMs > 0) await delay(latencyMs)
  } while (observed() !== before)
}

/** Keeps count of how promises settle. @param {readonly Promise<unknown>[]} promises */
export const outcomes = (promises) => {
  const counts = { fulfilled: 0, rejected: 0, pending: promises.length }
  for (const promise of promises) {
    promise.then(
      () => {
        counts.fulfilled++
        counts.pending--
      },
      () => {
        counts.rejected++
        counts.pending--
      }
    )
  }
  return counts
}

/** Counts what is printed while something is done. @type {(work: () => Promise<void>) => Promise<number>} */
export const printedBy = async (work) => {
  const { error, warn } = console
  let lines = 0
  console.error = console.warn = () => {
    lines++
  }
  try {
    await work()
  } finally {
    Object.assign(console, { error, warn })
  }
  return lines
}

/** @type {(count: number) => string} */
export const number = (count) => count.toLocaleString('en')

/** The parts that are not empty, as one text. @type {(...parts: (string | false)[]) => string} */
export const text = (...parts) => parts.filter(Boolean).join('; ')
