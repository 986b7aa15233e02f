import { libraries } from './libraries/libraries.mjs'
import { plays } from './plays/plays.mjs'
import { board } from './work/board.mjs'

/**
 * Plays one situation in this process.
 *
 * @param {string} name of the library
 * @param {import('./types.js').Situation} situation
 * @param {import('./types.js').Surroundings} surroundings
 * @returns {Promise<import('./types.js').Observed>}
 */
export const play = (name, situation, surroundings) => {
  const library = libraries.find((one) => one.name === name)
  if (library === undefined) throw new RangeError(`There is no library ${name}.`)
  board.clear()
  return plays[situation].play(library, surroundings)
}
