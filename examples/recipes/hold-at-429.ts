/**
 * When the service behind all tasks says 429 with `Retry-After`, nobody starts before then: the pool pauses for that time,
 * and the task that got the answer comes back without an attempt used up.
 *
 * `npx tsx examples/recipes/hold-at-429.ts`
 */
import { fileURLToPath } from 'node:url'
import { snooze, WorkerPool } from 'coatcheck'
import { realStage, type Stage } from '../stage.js'

export async function holdAt429({ clock, sleep, say }: Stage): Promise<void> {
  const pool = new WorkerPool({ concurrency: 1, queueCapacity: 100, clock }).start()

  let calls = 0
  /** A service that has enough after two calls, for 300 ms. */
  const send = async (): Promise<{ status: number; retryAfterMs: number }> => {
    await sleep(10)
    return ++calls === 3 ? { status: 429, retryAfterMs: 300 } : { status: 200, retryAfterMs: 0 }
  }

  for (const letter of ['a', 'b', 'c', 'd']) {
    pool.queueTask(async () => {
      const { status, retryAfterMs } = await send()
      say(`${letter}: ${status}`)
      if (status !== 429) return
      pool.pause({ forMs: retryAfterMs }) // whoever says later when, prevails
      throw snooze(retryAfterMs)
    })
  }
  await pool.drain()
  const { started, snoozed, failed } = pool.stats().totals
  say(`${started} calls, ${snoozed} snoozed, ${failed} failed`)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await holdAt429(realStage())
