/** Plays situations, each in a process of its own, and says what was observed. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { libraries } from './libraries/libraries.mjs'
import { plays } from './plays/plays.mjs'
import { startRedis } from './redis.mjs'

/** @typedef {import('./types.js').Library} Library */
/** @typedef {import('./types.js').Situation} Situation */
/** @typedef {import('./types.js').Finding} Finding */
/** @typedef {import('./types.js').Observed} Observed */

const CHILD = fileURLToPath(new URL('situation.child.mjs', import.meta.url))
const LIMIT_MS = 120_000

export const situations = /** @type {Situation[]} */ (Object.keys(plays))

/** @type {(library: Library, situation: Situation, redis: string | undefined) => Promise<Observed>} */
const observe = (library, situation, redis) =>
  new Promise((resolve, reject) => {
    const question = JSON.stringify({ library: library.name, situation, redis })
    execFile(process.execPath, [CHILD, question], { timeout: LIMIT_MS }, (error, stdout) => {
      if (error === null) return resolve(JSON.parse(stdout))
      if (error.killed === true) return resolve({ text: 'did not come to an end in two minutes' })
      if (plays[situation].mayEndProcess === true) return resolve({ text: 'the process ended' })
      reject(error)
    })
  })

/** Plays a situation as often as it asks for: what was seen, and how often if that differed. @type {typeof observe} */
const observeAll = async (library, situation, redis) => {
  const { runs = 1 } = plays[situation]
  const first = await observe(library, situation, redis)
  const often = new Map([[first.text, 1]])
  for (let run = 1; run < runs; run++) {
    const { text } = await observe(library, situation, redis)
    often.set(text, (often.get(text) ?? 0) + 1)
  }
  if (often.size === 1) return first
  const texts = [...often].sort(([, a], [, b]) => b - a).map(([text, count]) => `in ${count} of ${runs} runs ${text}`)
  return { text: texts.join(', ') }
}

/** @type {(library: Library, situation: Situation) => boolean} */
export const takesPart = ({ uses, lacks }, situation) => situation in uses || situation in lacks

/** Compares a cost with that of the first that has one. @type {(observed: Observed, first: number | undefined) => string} */
const withCost = ({ text, cost }, first) => {
  if (cost === undefined || first === undefined) return text
  return cost === first
    ? `${text}; time 1`
    : `${text}; time ${Number((cost / first).toPrecision(2)).toLocaleString('en')}`
}

/**
 * @param {{ situations: readonly Situation[], names?: readonly string[] | undefined, found: (row: Finding) => void }} wanted
 * @returns {Promise<{ rows: Finding[], skipped: string[] }>} what was observed; libraries that could not be played here
 */
export const find = async ({ situations: chosen, names, found }) => {
  const redis = await startRedis()
  const wanted = libraries.filter(({ name }) => names === undefined || names.includes(name))
  const here = wanted.filter((library) => redis !== undefined || library.redis !== true)
  /** @type {Finding[]} */
  const rows = []
  try {
    for (const situation of chosen) {
      /** @type {number | undefined} */
      let first
      for (const library of here.filter((one) => takesPart(one, situation))) {
        const by = library.uses[situation]
        const observed = by === undefined ? undefined : await observeAll(library, situation, redis?.socket)
        first ??= observed?.cost
        const row = {
          situation,
          library: library.name,
          text: observed === undefined ? null : withCost(observed, first),
          by: by ?? library.lacks[situation] ?? ''
        }
        rows.push(row)
        found(row)
      }
    }
  } finally {
    await redis?.end()
  }
  return { rows, skipped: wanted.filter((library) => !here.includes(library)).map(({ name }) => name) }
}
