/** Bytes of heap for each task that waits, and for each that is kept after its end. */
import { ask } from '../measure/own-process.mjs'
import { spread } from '../measure/statistics.mjs'
import { holdings } from './holdings.mjs'

const CHILD = new URL('memory.child.mjs', import.meta.url)

/** @typedef {{ dist: string, tasks: number, processes: number, names?: string[] }} Wanted */

/** @type {(wanted: Wanted) => Promise<import('../results.js').Memory[]>} */
export const memory = async ({ dist, tasks, processes, names = Object.keys(holdings) }) => {
  const rows = []
  for (const holding of names) {
    const bytes = []
    for (let n = 0; n < processes; n++) {
      bytes.push(await ask(CHILD, { dist, holding, tasks }, { flags: ['--expose-gc'] }))
    }
    rows.push({ holding, bytes: spread(bytes) })
  }
  return rows
}
