/** One process, with `--expose-gc`: one holding. Answers the bytes of heap that each task adds. */
import { answer } from '../measure/own-process.mjs'
import { heap } from './heap.mjs'
import { holdings } from './holdings.mjs'

const FEW = 1_000

/** @typedef {{ dist: string, holding: string, tasks: number }} Question */

await answer(async (/** @type {Question} */ { dist, holding, tasks }) => {
  const prepared = await holdings[holding]?.(tasks, dist)
  if (prepared === undefined) throw new RangeError(`No holding ${holding}`)
  const first = await prepared(FEW)
  const before = await heap()
  const rest = await prepared(tasks - FEW)
  const after = await heap()
  return first === undefined || rest === undefined ? Number.NaN : (after - before) / (tasks - FEW)
})
