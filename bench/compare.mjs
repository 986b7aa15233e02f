/**
 * The time per task against `fastq.promise` in half a minute, for work on the library itself:
 *
 *     node bench/compare.mjs [--context] [--processes=3] [--shape=burst] [dist]
 *
 * `dist` is a built library (by default that of this tree), inside a folder with `node_modules`. `--context` runs all of
 * it in an `AsyncLocalStorage`.
 */
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { ask } from './own-process.mjs'
import { spread } from './statistics.mjs'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    context: { type: 'boolean', default: false },
    processes: { type: 'string', default: '2' },
    shape: { type: 'string', multiple: true, default: ['burst', 'closed loop', 'waves'] }
  }
})

const dist = resolve(positionals[0] ?? 'dist')
/** @type {Readonly<Record<string, number>>} */
const REPEATS = { burst: 5 }
const VARIANTS = ['coatcheck, captureContext: false', 'coatcheck', 'coatcheck, id read']

/** @type {(value: { median: number, low: number, high: number }, digits: number) => string} */
const told = ({ median, low, high }, digits) =>
  `${median.toFixed(digits)} (${low.toFixed(digits)}–${high.toFixed(digits)})`

for (const shape of values.shape) {
  for (const name of VARIANTS) {
    const names = ['fastq.promise', name]
    const question = {
      dist,
      shape,
      names,
      tasks: 100_000,
      warmups: 2,
      repeats: REPEATS[shape] ?? 9,
      context: values.context
    }
    const answers = []
    for (let n = 0; n < Number(values.processes); n++) answers.push(await ask('time.child.mjs', question))
    const ratio = spread(answers.map(([fastq, ours]) => ours.cpu / fastq.cpu))
    const [fastq, ours] = [0, 1].map((at) => spread(answers.map((costs) => costs[at].cpu)))
    console.log(
      `${shape.padEnd(12)} ${name.padEnd(34)} ratio ${told(ratio, 2).padEnd(18)} ${told(ours, 0).padEnd(18)} ns, fastq ${told(fastq, 0)} ns`
    )
  }
}
