/**
 * What a task costs as the queue grows: a thousand, a hundred thousand and a million queued, first in first out, with
 * ten priorities, with a thousand keys, and canceled from the middle of the queue.
 *
 * Processor time of a process of its own per figure (collecting garbage included), the median of its runs. Ends with
 * code 1 when a task among a million, from its queueing to its end, or its cancel, costs more than three times what it
 * costs among a thousand.
 */
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { type TaskOptions, WorkerPool } from 'coatcheck'

const SIZES = [1_000, 100_000, 1_000_000] as const
const LIMIT = 3

const SHAPES: Readonly<Record<string, (n: number) => TaskOptions | undefined>> = {
  'first in, first out': () => undefined,
  'ten priorities': (n) => ({ priority: n % 10 }),
  'a thousand keys': (n) => ({ key: `customer-${n % 1_000}` }),
  'cancel from the middle': () => undefined
}

/** Nanoseconds per task. */
interface Cost {
  /** To queue it. */
  readonly queue: number
  /** To run it, or to cancel it. */
  readonly leave: number
}

const noop = (): void => {}

async function once(shape: string, size: number): Promise<Cost> {
  const options = SHAPES[shape] as (n: number) => TaskOptions | undefined
  const pool = new WorkerPool({ concurrency: 10, queueCapacity: size, captureContext: false })
  const tasks = shape === 'cancel from the middle' ? new Array<{ cancel(): boolean }>(size) : undefined
  const given = Array.from({ length: size }, (_, n) => options(n))
  const queue = await perOperation(size, () => {
    for (let n = 0; n < size; n++) {
      const task = pool.queueTask(noop, given[n])
      if (tasks !== undefined) tasks[n] = task
    }
  })
  const leave = await perOperation(size, async () => {
    if (tasks === undefined) {
      pool.start()
      await pool.drain()
      return
    }
    const middle = size >> 1
    for (let n = middle; n < size; n++) tasks[n]?.cancel()
    for (let n = middle - 1; n >= 0; n--) tasks[n]?.cancel()
  })
  await pool.stop()
  return { queue, leave }
}

async function perOperation(operations: number, run: () => void | Promise<void>): Promise<number> {
  const before = process.cpuUsage()
  await run()
  const { user, system } = process.cpuUsage(before)
  return ((user + system) * 1_000) / operations
}

const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1] as number

async function measure(shape: string, size: number): Promise<Cost> {
  const runs = Math.max(5, Math.ceil(300_000 / size))
  const costs: Cost[] = []
  for (let run = 0; run < runs; run++) costs.push(await once(shape, size))
  const counted = costs.slice(runs >> 2)
  return { queue: median(counted.map(({ queue }) => queue)), leave: median(counted.map(({ leave }) => leave)) }
}

function inOwnProcess(shape: string, size: number): Cost {
  const self = fileURLToPath(import.meta.url)
  const text = execFileSync(process.execPath, [...process.execArgv, self, shape, String(size)], { encoding: 'utf8' })
  return JSON.parse(text) as Cost
}

const ns = (value: number): string => `${Math.round(value)} ns`.padStart(9)

function compare(): boolean {
  let flat = true
  console.log(`${''.padEnd(38)}${SIZES.map((size) => size.toLocaleString('en').padStart(10)).join('')}     ratio`)
  for (const shape of Object.keys(SHAPES)) {
    const costs = SIZES.map((size) => inOwnProcess(shape, size))
    const leave = shape.startsWith('cancel') ? 'cancel' : 'run'
    const rows = [
      ['queue', costs.map(({ queue }) => queue)],
      [leave, costs.map(({ leave }) => leave)],
      ['both', costs.map(({ queue, leave }) => queue + leave)]
    ] as const
    const judged = leave === 'cancel' ? 'cancel' : 'both'
    for (const [name, row] of rows) {
      const ratio = (row.at(-1) as number) / (row[0] as number)
      const grows = name === judged && ratio > LIMIT
      if (grows) flat = false
      const figures = row.map((value) => ` ${ns(value)}`).join('')
      const verdict = name === judged ? (grows ? '  grows' : '  flat') : ''
      console.log(`${`${shape}: ${name}`.padEnd(38)}${figures}  ${ratio.toFixed(2).padStart(6)}${verdict}`)
    }
  }
  return flat
}

const [, , shape, size] = process.argv
if (shape !== undefined && size !== undefined) console.log(JSON.stringify(await measure(shape, Number(size))))
else if (!compare()) process.exitCode = 1
