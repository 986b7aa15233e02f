/** What runs in a thread of piscina. */
import { workerData } from 'piscina'
import { board } from '../work/board.mjs'
import { works } from '../work/works.mjs'

/** @typedef {{ work: import('../types.js').Work, input: import('../types.js').Input }} Job */

board.join(workerData)

// biome-ignore lint/style/noDefaultExport: this is where piscina looks for the function
export default (/** @type {Job} */ { work, input }) => works[work](input, undefined)
