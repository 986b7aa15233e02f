/**
 * The time per task against `fastq.promise` in half a minute, for work on the library itself:
 *
 *     node bench/compare.mjs [--context] [--fresh] [--processes=2] [--shape=burst …] [dist]
 *
 * `dist` is a built library (by default that of this tree) below a folder with `node_modules`. `--context` runs all of it
 * in an `AsyncLocalStorage`; `--fresh` makes a queue for each round, after a collection.
 */
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { DEFAULTS, ID_READ, NO_CONTEXT, YARDSTICK } from './queues/contenders.mjs'
import { spreadOf } from './report/numbers.mjs'
import { timeOf } from './time/time.mjs'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    context: { type: 'boolean', default: false },
    fresh: { type: 'boolean', default: false },
    processes: { type: 'string', default: '2' },
    shape: { type: 'string', multiple: true, default: ['burst', 'closed loop', 'waves'] }
  }
})

const wanted = {
  dist: resolve(positionals[0] ?? 'dist'),
  names: [YARDSTICK, NO_CONTEXT, DEFAULTS, ID_READ],
  context: values.context,
  fresh: values.fresh,
  processes: Number(values.processes),
  tasks: 100_000,
  warmups: 2,
  repeats: 7
}

for (const shape of values.shape) {
  const rows = await timeOf({ ...wanted, shapes: [shape] })
  console.table(
    Object.fromEntries(
      rows.map(({ contender, ratio, cpu }) => [
        `${shape}: ${contender}`,
        { 'to fastq.promise': spreadOf(ratio, 2), 'ns a task': spreadOf(cpu, 0) }
      ])
    )
  )
}
