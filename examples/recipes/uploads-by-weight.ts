/**
 * Uploads that are held in memory: their bytes are bounded besides their number, from acceptance to the end.
 *
 * `npx tsx examples/recipes/uploads-by-weight.ts`
 */
import { fileURLToPath } from 'node:url'
import { QueueFullError, WorkerPool } from 'coatcheck'
import { realStage, type Stage } from '../stage.js'

const MB = 1_000_000

export async function uploadsByWeight({ clock, sleep, say }: Stage): Promise<void> {
  const pool = new WorkerPool({ concurrency: 4, queueCapacity: 100, weightCapacity: 100 * MB, clock }).start()

  const upload = (name: string, bytes: number): void => {
    try {
      pool.queueTask(() => sleep(bytes / MB), { name, weight: Math.max(bytes, 1) })
      say(`${name}: 202, ${pool.stats().heldWeight / MB} of 100 MB held`)
    } catch (error) {
      if (error instanceof RangeError) return say(`${name}: 413, larger than all the memory for uploads`)
      if (!(error instanceof QueueFullError)) throw error
      say(`${name}: 503, ${(error.heldWeight ?? 0) / MB} MB held`)
    }
  }

  upload('film', 80 * MB)
  upload('photo', 20 * MB)
  upload('note', 1)
  upload('archive', 200 * MB)
  await sleep(30)
  upload('note', 1)
  await pool.drain()
  say(`${pool.stats().heldWeight} bytes held at the end`)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await uploadsByWeight(realStage())
