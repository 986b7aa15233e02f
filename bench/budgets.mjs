/** What the library holds itself to. A budget that is missed is shown as missed. */
import { COATCHECK, ORDERS } from './growth/loads.mjs'
import { BY_HAND } from './http/servers.mjs'
import { BOUNDED } from './http/services.mjs'
import { ACTIVE } from './memory/holdings.mjs'
import { DEFAULTS, ID_READ, NO_CONTEXT } from './queues/contenders.mjs'

/** @typedef {import('./results.js').Results} Results */

/**
 * @typedef {object} Budget
 * @property {string} what
 * @property {string} [unit]
 * @property {number} [digits]
 * @property {number | undefined} [most]
 * @property {number} [least]
 * @property {(results: Results) => number | undefined} measured
 */

/**
 * A task's processor time as a multiple of that of `fastq.promise`, for a burst, a closed loop and waves.
 *
 * @type {Readonly<Record<string, readonly [number, number, number]>>}
 */
const TIME = { [NO_CONTEXT]: [0.75, 1, 1], [DEFAULTS]: [0.8, 1.1, 1.1], [ID_READ]: [0.9, 1.4, 1.4] }

/** Bytes of heap for each task. */
const MEMORY = {
  [NO_CONTEXT]: 160,
  [ACTIVE]: 240,
  [`${NO_CONTEXT}, id read`]: 300,
  [`${ACTIVE}, id read`]: 400,
  [`${NO_CONTEXT}, kept after its end, id read`]: 400
}

/** @type {readonly Budget[]} */
export const budgets = [
  ...Object.entries(TIME).flatMap(([contender, limits]) =>
    ['burst', 'closed loop', 'waves'].map((shape, at) => ({
      what: `time, ${shape}: ${contender}, to \`fastq.promise\``,
      digits: 2,
      most: limits[at],
      measured: (/** @type {Results} */ { time }) =>
        time.find((row) => row.contender === contender && row.shape === shape)?.ratio.median
    }))
  ),
  ...ORDERS.map((order) => ({
    what: `growth: ${order}`,
    digits: 1,
    most: 3,
    measured: (/** @type {Results} */ { growth }) =>
      growth.find((row) => row.contender === COATCHECK && row.order === order)?.ratio
  })),
  ...Object.entries(MEMORY).map(([holding, most]) => ({
    what: `memory: ${holding}`,
    unit: 'bytes',
    most,
    measured: (/** @type {Results} */ { memory }) => memory.find((row) => row.holding === holding)?.bytes.median
  })),
  ...['coatcheck, run', 'coatcheck, stop'].map((crowd) => ({
    what: `event loop: ${crowd}, the latest timer`,
    unit: 'ms',
    most: 15,
    measured: (/** @type {Results} */ { loop }) => loop.find((row) => row.crowd === crowd)?.worstMs.median
  })),
  ...Object.entries({ submit: 10, refuse: 5 }).map(([request, most]) => ({
    what: `HTTP: ${request}, over the bare server`,
    unit: 'µs',
    digits: 1,
    most,
    measured: (/** @type {Results} */ { http }) =>
      http.find((row) => row.request === request && row.server === BY_HAND)?.over.median
  })),
  ...['refuse', 'poll'].map((request) => ({
    what: `HTTP: ${request}, requests per second to the bare server's`,
    digits: 2,
    least: 0.85,
    measured: (/** @type {Results} */ { http }) =>
      http.find((row) => row.request === request && row.server === BY_HAND)?.speed.median
  })),
  ...[1_000, null].map((asked) => ({
    what: `memory under overload, ${asked === null ? 'as fast as it can be asked' : `asked ${asked} a second`}: second half to first`,
    digits: 2,
    most: 1.15,
    measured: (/** @type {Results} */ { overload }) =>
      overload.find((row) => row.service === BOUNDED && row.asked === asked)?.growth
  })),
  {
    what: 'memory under overload, hundreds waiting for tickets: second half to first',
    digits: 2,
    most: 1.15,
    measured: ({ crowd }) => crowd.growth
  }
]

/** @type {(budget: Budget, measured: number | undefined) => boolean} */
export const isMet = ({ most = Number.POSITIVE_INFINITY, least = Number.NEGATIVE_INFINITY }, measured = Number.NaN) =>
  measured <= most && measured >= least
