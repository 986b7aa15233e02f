import { works } from '../work/works.mjs'

/** @typedef {import('../types.js').Library} Library */
/** @typedef {import('../types.js').Input} Input */
/** @typedef {import('coatcheck').TaskContext} TaskContext */

/** @type {Record<keyof typeof works, { run: (input: Input, ctx: TaskContext) => Promise<unknown>, rerun: true }>} */
const handlers = {
  hold: { run: (input, { signal }) => works.hold(input, signal), rerun: true },
  ignore: { run: (input) => works.ignore(input), rerun: true },
  note: { run: (input) => works.note(input), rerun: true },
  fail: { run: () => works.fail(), rerun: true },
  request: { run: (input) => works.request(input), rerun: true },
  log: { run: (input) => works.log(input), rerun: true }
}

const storeIn = async (/** @type {string} */ path) => {
  const { sqliteStore } = await import('coatcheck/stores/sqlite')
  return sqliteStore({ path, waitMs: 10_000 })
}

/** @type {Library['open']} */
const open = async ({ concurrency, room = 1_000_000, timeoutMs, file }) => {
  const { WorkerPool } = await import('coatcheck')
  const pool = new WorkerPool({
    ...{ concurrency, queueCapacity: room, waiterCapacity: 1_000, handlers, taskTimeoutMs: timeoutMs },
    ...(file === undefined ? {} : { store: await storeIn(file) })
  }).start()
  return {
    add: async (work, input, options) => pool.queueTask(work, input, options).result(),
    forget: async (work, input, options) => pool.queueTask(work, input, options).recorded,
    addWhenFree: async (work, input) => {
      const task = await pool.queueTaskWhenFree(work, input)
      return { result: task.result() }
    },
    addCancelable: async (work, input) => {
      const task = pool.queueTask(work, input)
      return { result: task.result(), cancel: () => task.cancel() }
    },
    onEnd: (listener) => pool.on('settled', listener),
    stop: () => pool.stop(),
    stopNow: () => pool.stop({ queued: 'cancel' }),
    idle: () => pool.drain(),
    end: () => pool.stop({ graceMs: 0, forceMs: 0 })
  }
}

/** @type {Library} */
export const coatcheck = {
  name: 'coatcheck',
  latencyMs: 0,
  uses: {
    full: '`queueCapacity`',
    waiting: '`queueTaskWhenFree`',
    timeLimit: '`taskTimeoutMs`',
    cancel: '`task.cancel()`',
    stop: '`stop()`',
    stopNow: "`stop({ queued: 'cancel' })`",
    restart: 'no store',
    failure: '`queueTask`',
    listener: "`on('settled')`",
    sameId: '`id`',
    priorities: '`priority`',
    sharedSignal: '`signal`',
    context: '`queueTask`'
  },
  lacks: {},
  open: ({ file: _, ...wanted }, surroundings) => open(wanted, surroundings)
}

/** @type {Library} */
export const coatcheckStored = {
  name: 'coatcheck with a store',
  latencyMs: 0,
  uses: { restart: '`sqliteStore`, handlers with `rerun: true`' },
  lacks: {},
  open
}
