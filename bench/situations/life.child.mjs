/** One process of the situation with a restart: it queues tasks, or only goes on with what another one has left. */
import { libraries } from './libraries/libraries.mjs'
import { effects, times } from './observe.mjs'
import { board } from './work/board.mjs'

/**
 * @typedef {object} Question
 * @property {string} library
 * @property {string | undefined} redis
 * @property {string} log the file that the tasks write to
 * @property {string} file a file for the queue
 * @property {number} tasks how many to queue
 * @property {number} [killAfter] ends of tasks after which the process kills itself
 */

const ROOM = 100

/** @type {Question} */
const { library: name, redis, log, file, tasks, killAfter } = JSON.parse(process.argv[2] ?? '')

const library = libraries.find((one) => one.name === name)
if (library === undefined) throw new RangeError(`There is no library ${name}.`)

const queue = await library.open({ concurrency: 2, room: ROOM, file }, { redis })
if (killAfter === undefined) board.open(1)
else board.killAfter(killAfter)
await Promise.all(times(tasks, (label) => queue.forget('log', { file: log, label })))
board.open(1)
await queue.idle?.()
await effects(library)
if (killAfter === undefined) process.exit()
