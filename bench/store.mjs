/**
 * The store of SQLite alone, without a pool: `npm run build && node bench/store.mjs`.
 *
 * Tasks per second, where a task is three changes of a row (queued, running, ended), in batches of 1 and of 64; CPU; the delay
 * of the event loop meanwhile; and the time to open a file with many tasks.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setImmediate as turn } from 'node:timers/promises'

/** @typedef {import('../src/contract/store.js').StoredTask} StoredTask */

/** @type {typeof import('coatcheck/stores/sqlite')} */
const { sqliteStore } = await import(new URL('../dist/stores/sqlite/index.js', import.meta.url).href)

const folder = mkdtempSync(join(process.env['BENCH_FOLDER'] ?? tmpdir(), 'coatcheck-bench-store-'))
const ONE_TIME = { startedAt: 1_700_000_000_500, settledAt: 1_700_000_001_000 }

/** @type {(seq: number) => StoredTask} */
const queued = (seq) => ({
  ...{ seq, id: `ticket-${seq}-0123456789`, chosen: false, name: 'send', key: 'client', priority: 0 },
  ...{ queuedAt: 1_700_000_000_000, input: '{"to":"someone","subject":"hello"}', options: null, metadata: null },
  ...{ fingerprint: null, state: 'queued', ord: seq, attempt: 0, failures: 0, revision: 0, crashes: 0 },
  ...{ startedAt: null, dueAt: null, cancelAt: null, settledAt: null, outcome: null }
})

/** @type {(seq: number) => StoredTask} */
const running = (seq) => ({ ...queued(seq), state: 'running', attempt: 1, startedAt: ONE_TIME.startedAt, revision: 1 })

/** @type {(seq: number) => StoredTask} */
const ended = (seq) => ({ ...running(seq), ...ONE_TIME, state: 'succeeded', revision: 2, outcome: '{"result":42}' })

/** @type {(first: number, size: number) => readonly number[]} */
const numbers = (first, size) => Array.from({ length: size }, (_, index) => first + index)

/** @type {(thread: boolean, size: number, ms: number) => Promise<void>} */
const throughput = async (thread, size, ms) => {
  const path = join(folder, `${thread}-${size}.db`)
  const store = await sqliteStore({ path, thread })
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  const cpu = process.cpuUsage()
  const begin = performance.now()
  let tasks = 0
  let commits = 0
  while (performance.now() - begin < ms) {
    const batch = numbers(tasks + 1, size)
    await store.write({ insert: batch.map(queued), update: [], remove: [] })
    await store.write({ insert: [], update: batch.map(running), remove: [] })
    await store.write({ insert: [], update: batch.map(ended), remove: [] })
    tasks += size
    commits += 3
    await turn()
  }
  const seconds = (performance.now() - begin) / 1_000
  const { user, system } = process.cpuUsage(cpu)
  delay.disable()
  await store.close()
  console.log(
    [
      `${thread ? 'thread' : 'loop  '}  batches of ${String(size).padStart(2)}`,
      `${Math.round(tasks / seconds)} tasks/s`,
      `${(seconds * 1_000) / commits > 1 ? ((seconds * 1_000) / commits).toFixed(1) : ((seconds * 1_000) / commits).toFixed(2)} ms per commit`,
      `${Math.round((user + system) / tasks)} µs CPU per task`,
      `loop delay p99 ${(delay.percentile(99) / 1e6).toFixed(1)} ms`
    ].join(', ')
  )
}

/** @type {(unfinished: number, finished: number) => Promise<void>} */
const opening = async (unfinished, finished) => {
  const path = join(folder, `open-${unfinished}-${finished}.db`)
  const store = await sqliteStore({ path, sync: 'normal', keep: { count: Number.POSITIVE_INFINITY } })
  for (let seq = 1; seq <= finished; seq += 5_000)
    await store.write({ insert: numbers(seq, 5_000).map(ended), update: [], remove: [] })
  for (let seq = finished + 1; seq <= finished + unfinished; seq += 5_000)
    await store.write({ insert: numbers(seq, 5_000).map(queued), update: [], remove: [] })
  await store.close()
  for (const thread of [true, false]) {
    const begin = performance.now()
    const again = await sqliteStore({ path, thread, keep: { count: Number.POSITIVE_INFINITY } })
    const ms = Math.round(performance.now() - begin)
    console.log(
      `${thread ? 'thread' : 'loop  '}  open ${again.unfinished.length} unfinished, ${again.finished.length} of ${finished} finished: ${ms} ms`
    )
    await again.close()
  }
}

try {
  const ms = Number(process.argv[2] ?? 3_000)
  for (const size of [1, 64]) for (const thread of [true, false]) await throughput(thread, size, ms)
  await opening(100_000, 0)
  await opening(10_000, 500_000)
} finally {
  rmSync(folder, { recursive: true, force: true })
}
