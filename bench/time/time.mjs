/** The time per task of each contender, and how it compares with `fastq.promise` in the same process. */
import { ask } from '../measure/own-process.mjs'
import { spread } from '../measure/statistics.mjs'
import { YARDSTICK } from '../queues/contenders.mjs'

const CHILD = new URL('time.child.mjs', import.meta.url)

/**
 * @typedef {object} Wanted
 * @property {string} dist
 * @property {readonly string[]} shapes
 * @property {readonly string[]} names of the contenders that share a process; the yardstick is one of them
 * @property {number} processes
 * @property {number} tasks
 * @property {number} warmups
 * @property {number} repeats
 * @property {boolean} context
 * @property {boolean} fresh
 * @property {string} [node]
 */

/** @typedef {import('../results.js').TimeRow} TimeRow */

/** @type {(wanted: Wanted) => Promise<TimeRow[]>} */
export const timeOf = async ({ shapes, processes, node, ...rest }) => {
  /** @type {TimeRow[]} */
  const rows = []
  for (const shape of shapes) rows.push(...(await timeOfShape({ shape, ...rest }, processes, node)))
  return rows
}

/** @type {(question: import('./time.child.mjs').Question, processes: number, node: string | undefined) => Promise<TimeRow[]>} */
const timeOfShape = async (question, processes, node) => {
  const { shape, names } = question
  /** @type {import('../measure/cost.mjs').Cost[][]} */
  const answers = []
  const flags = question.fresh ? ['--expose-gc'] : []
  for (let n = 0; n < processes; n++) answers.push(await ask(CHILD, question, { node, flags }))
  const yardstick = names.indexOf(YARDSTICK)
  return names.map((contender, at) => ({
    contender,
    shape,
    ratio: spread(answers.map((costs) => cpuOf(costs, at) / cpuOf(costs, yardstick))),
    cpu: spread(answers.map((costs) => cpuOf(costs, at))),
    wall: spread(answers.map((costs) => costs[at]?.wall ?? Number.NaN))
  }))
}

/** @type {(costs: readonly import('../measure/cost.mjs').Cost[], at: number) => number} */
const cpuOf = (costs, at) => costs[at]?.cpu ?? Number.NaN
