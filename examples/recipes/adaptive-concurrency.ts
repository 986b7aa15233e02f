/**
 * Adaptive concurrency: more workers while the event loop has time, half of them when it has none. For tasks that
 * compute between their awaits; what waits for others is bound by those.
 *
 * `npx tsx examples/recipes/adaptive-concurrency.ts`
 */
import { performance } from 'node:perf_hooks'
import { fileURLToPath } from 'node:url'
import { WorkerPool } from 'coatcheck'
import { realStage, type Stage } from '../stage.js'

/** By how much to change: additive increase, multiplicative decrease. */
export function nextConcurrency(present: number, utilization: number, most: number): number {
  if (utilization > 0.9) return Math.max(Math.floor(present / 2), 1)
  return utilization < 0.7 ? Math.min(present + 1, most) : present
}

/** Reads the utilisation of the event loop, from 0 to 1, since the last reading. */
export function loopUtilization(): () => number {
  let last = performance.eventLoopUtilization()
  return () => {
    const now = performance.eventLoopUtilization()
    const { utilization } = performance.eventLoopUtilization(now, last)
    last = now
    return utilization
  }
}

export async function adaptiveConcurrency({ clock, sleep, say }: Stage, read = loopUtilization()): Promise<void> {
  const pool = new WorkerPool({ concurrency: 4, queueCapacity: 1_000, clock }).start()
  for (let n = 0; n < 60; n++) pool.queueTask(() => sleep(100))
  const drained = pool.drain()
  for (let reading = 0; reading < 5; reading++) {
    await sleep(100)
    const utilization = read()
    const concurrency = nextConcurrency(pool.stats().concurrency, utilization, 16)
    pool.resize({ concurrency })
    say(`the loop is busy for ${Math.round(utilization * 100)} % of the time: ${concurrency} workers`)
  }
  await drained
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await adaptiveConcurrency(realStage())
