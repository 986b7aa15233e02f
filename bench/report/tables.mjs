/** The results as the pages show them. */
import { budgets, isMet } from '../budgets.mjs'
import { DEFAULTS, ID_READ, NO_CONTEXT, YARDSTICK } from '../queues/contenders.mjs'
import { fixed, spreadOf } from './numbers.mjs'
import { table } from './table.mjs'

/** @typedef {import('../results.js').Results} Results */
/** @typedef {import('../results.js').TimeRow} TimeRow */

/** @template T @param {readonly T[]} values */
const unique = (values) => [...new Set(values)]

/** @type {(row: TimeRow | undefined) => string} */
export const ratio = (row) => (row === undefined ? '' : spreadOf(row.ratio, row.ratio.median < 10 ? 2 : 0))

/** @type {(row: TimeRow | undefined) => string} */
const nanoseconds = (row) => (row === undefined ? '' : spreadOf(row.cpu))

/** @type {(rows: readonly TimeRow[], cell: (row: TimeRow | undefined) => string) => string} */
const timeTable = (rows, cell) => {
  const shapes = unique(rows.map(({ shape }) => shape))
  const lines = unique(rows.map(({ contender }) => contender)).map((contender) => [
    contender,
    ...shapes.map((shape) => cell(rows.find((row) => row.contender === contender && row.shape === shape)))
  ])
  return table(['', ...shapes], lines)
}

/** @type {(results: Results) => string} */
const lines = ({ lines }) =>
  unique(lines.flatMap(({ rows }) => rows.map(({ shape }) => shape)))
    .map((shape) => {
      const names = [NO_CONTEXT, DEFAULTS, ID_READ]
      const rows = lines.map(({ node, context, rows }) => {
        const of = (/** @type {string} */ name) => rows.find((row) => row.shape === shape && row.contender === name)
        return [
          `Node ${node.slice(1)}${context ? ', `AsyncLocalStorage` active' : ''}`,
          nanoseconds(of(YARDSTICK)),
          ...names.map((name) => `${ratio(of(name))} · ${fixed(of(name)?.cpu.median ?? Number.NaN)}`)
        ]
      })
      return `**${shape}**\n\n${table(['', `${YARDSTICK}, ns`, ...names.map((name) => `${name}, ratio · ns`)], rows)}`
    })
    .join('\n\n')

/** @type {(results: Results) => string} */
const prices = ({ prices }) =>
  table(
    ['switched on alone', 'adds ns', 'to ns'],
    prices.map(({ feature, context, added, base }) => [
      `${feature}${context ? ', an `AsyncLocalStorage` active' : ''}`,
      spreadOf(added),
      fixed(base.median)
    ])
  )

/** @type {(results: Results) => string} */
const growth = ({ growth, huge }) => {
  const sizes = unique(growth.flatMap(({ costs }) => costs.map(({ tasks }) => tasks)))
  const rows = growth.map(({ contender, order, ratio, costs }) => [
    `${contender}: ${order}`,
    ...sizes.map((size) => {
      const cost = costs.find(({ tasks }) => tasks === size)
      return cost === undefined ? 'not measured' : `${fixed(cost.queue)} + ${fixed(cost.leave)}`
    }),
    fixed(ratio, 1)
  ])
  return [
    table(['ns to queue + to run or cancel', ...sizes.map((size) => `${fixed(size)} tasks`), 'grows'], rows),
    `${fixed(huge.tasks)} tasks queued, then run: ${fixed(huge.queue)} + ${fixed(huge.leave)} ns each.`
  ].join('\n\n')
}

/** @type {(results: Results) => string} */
const memory = ({ memory }) =>
  table(
    ['', 'bytes of heap per task'],
    memory.map(({ holding, bytes }) => [holding, spreadOf(bytes)])
  )

/** @type {(results: Results) => string} */
const loop = ({ loop }) =>
  table(
    ['', 'the latest timer, ms late', 'the usual one', 'all took, ms'],
    loop.map(({ crowd, worstMs, usualMs, tookMs }) => [
      crowd,
      spreadOf(worstMs),
      fixed(usualMs.median),
      spreadOf(tookMs)
    ])
  )

/** @type {(results: Results) => string} */
const http = ({ http, httpTaken }) =>
  [
    table(
      ['', 'CPU per request, µs', 'over the bare server', 'requests per second', 'to the bare server'],
      http.map(({ request, server, cpu, over, rate, speed }) => [
        `${request}: ${server}`,
        spreadOf(cpu, 1),
        spreadOf(over, 1),
        spreadOf(rate),
        spreadOf(speed, 2)
      ])
    ),
    `${takenOn(httpTaken)}.`
  ].join('\n\n')

/** @type {(delays: import('../results.js').Delays) => readonly string[]} */
const delaysOf = ({ median, p99 }) => [fixed(median, 1), fixed(p99, 1)]

/** @type {(results: Results) => string} */
const held = ({ held }) =>
  table(
    ['', 'to hold, µs', 'to answer, µs', 'over the bare server', 'bytes of heap', 'late, ms', '99 of 100'],
    held.map(({ request, server, hold, wake, over, bytes, lateMs }) => [
      `${request}: ${server}`,
      ...[hold, wake, over, bytes].map((cost) => spreadOf(cost)),
      ...delaysOf(lateMs)
    ])
  )

/** @type {(results: Results) => string} */
const limits = ({ holdLimits }) =>
  table(
    ['', 'held', 'turned away', 'CPU per one turned away, µs', 'answered after, ms', '99 of 100'],
    holdLimits.map(({ request, scope, held, turnedAway, cpu, answerMs }) => [
      `${request}: ${scope}`,
      ...[held, turnedAway, cpu].map((figure) => fixed(figure)),
      ...delaysOf(answerMs)
    ])
  )

/** @type {(results: Results) => string} */
const crowd = ({ crowd }) =>
  table(
    ['', 'accepted', 'refused', 'done', 'waits ended', 'open at a time', 'peak, MB', 'second half to first'],
    [
      [
        `${fixed(crowd.waiting)} clients that wait${crowd.cutOff ? ' (cut off)' : ''}`,
        ...[crowd.accepted, crowd.refused, crowd.done, crowd.waits, crowd.mostOpen].map((count) => fixed(count)),
        fixed(crowd.peakMegabytes),
        fixed(crowd.growth, 2)
      ]
    ]
  )

/** @type {(results: Results) => string} */
const overload = ({ overload }) =>
  table(
    ['', 'requests', 'accepted', 'refused', 'done', 'longest wait, s', 'peak, MB', 'second half to first'],
    overload.map((row) => [
      `${row.service}${row.cutOff ? ' (cut off)' : ''}`,
      row.asked === null ? 'as fast as it goes' : `${fixed(row.asked)} a second`,
      ...[row.accepted, row.refused, row.done].map((count) => fixed(count)),
      fixed(row.waitMs / 1e3, 1),
      fixed(row.peakMegabytes),
      fixed(row.growth, 2)
    ])
  )

/** @type {(results: Results) => string} */
const kept = (results) =>
  table(
    ['budget', 'limit', 'measured', ''],
    budgets.map((budget) => {
      const { what, unit = '', digits = 0, most, least } = budget
      const measured = budget.measured(results)
      const limit = most === undefined ? `≥ ${least}` : `≤ ${most}`
      const told = measured === undefined ? 'not measured' : `${fixed(measured, digits)} ${unit}`
      return [what, `${limit} ${unit}`.trim(), told.trim(), isMet(budget, measured) ? 'kept' : '**missed**']
    })
  )

/** @type {(taken: import('../results.js').Taken) => string} */
const takenOn = ({ date, machine, node }) =>
  `${date}, Node ${node.slice(1)} on ${machine.system}, ${machine.cores} cores (${machine.cpu}), ${machine.memoryGigabytes} GB`

/** @type {(results: Results) => string} */
export const setting = ({ versions, ...taken }) =>
  `${takenOn(taken)}; ${Object.entries(versions)
    .map(([name, version]) => `${name} ${version}`)
    .join(', ')}.`

/** @type {Readonly<Record<string, (results: Results) => string>>} */
export const tables = {
  setting,
  time: ({ time }) => timeTable(time, ratio),
  nanoseconds: ({ time }) => timeTable(time, nanoseconds),
  lines,
  prices,
  growth,
  memory,
  loop,
  http,
  held,
  limits,
  crowd,
  overload,
  budgets: kept
}
