import { setTimeout as sleep } from 'node:timers/promises'
import { type TaskContext, WorkerPool } from 'coatcheck'
import { expect, it, onTestFinished } from 'vitest'

/** The warnings that Node prints during a test. */
function warnings(): Error[] {
  const seen: Error[] = []
  const add = (warning: Error): void => void seen.push(warning)
  process.on('warning', add)
  onTestFinished(() => void process.off('warning', add))
  return seen
}

it.each<['signal' | 'stopping']>([['signal'], ['stopping']])(
  'lets thirty calls listen on ctx.%s without a warning',
  async (name) => {
    const seen = warnings()
    const pool = new WorkerPool({ concurrency: 20, queueCapacity: 100 }).start()
    const run = (ctx: TaskContext) =>
      Promise.all(Array.from({ length: 30 }, () => sleep(1, undefined, { signal: ctx[name] })))
    for (let n = 0; n < 50; n++) pool.queueTask(run)
    await pool.drain()
    await new Promise((resolve) => setImmediate(resolve))
    expect(seen).toEqual([])
    await pool.stop()
  }
)
