/**
 * How to size `retention`: the bytes that a ticket takes, measured, and what that means for some rates and times.
 *
 *     node bench/retention.mjs [dist]
 */
import { resolve } from 'node:path'
import { KEPT, KEPT_RECORD, KEPT_RESULT } from './memory/holdings.mjs'
import { memory } from './memory/memory.mjs'
import { table } from './report/table.mjs'

const names = [KEPT, KEPT_RESULT, KEPT_RECORD]
const rows = await memory({ dist: resolve(process.argv[2] ?? 'dist'), tasks: 20_000, processes: 3, names })
const bytes = rows.map((row) => row.bytes.median)

console.log(
  table(
    ['a settled task', 'bytes'],
    rows.map((row, n) => [row.holding, (bytes[n] ?? 0).toFixed(0)])
  )
)

/** @type {(count: number, each: number) => string} */
const megabytes = (count, each) => `${Number(((count * each) / 1e6).toPrecision(2)).toLocaleString('en')} MB`

const SIZES = [
  { perSecond: 1, minutes: 10 },
  { perSecond: 10, minutes: 10 },
  { perSecond: 100, minutes: 1 },
  { perSecond: 100, minutes: 10 },
  { perSecond: 1_000, minutes: 1 }
]
const header = [
  'tickets per second',
  'minutes',
  '`count`',
  'without a result',
  'result of 1,000 bytes',
  'and status read'
]
console.log(
  table(
    header,
    SIZES.map(({ perSecond, minutes }) => {
      const count = perSecond * 60 * minutes
      const sizes = bytes.map((each) => megabytes(count, each))
      return [perSecond.toLocaleString('en'), String(minutes), count.toLocaleString('en'), ...sizes]
    })
  )
)
