/**
 * Debounce by key: of many changes of one document only the last is indexed, once it has been quiet for a while.
 *
 * `npx tsx examples/recipes/debounce.ts`
 */
import { fileURLToPath } from 'node:url'
import { WorkerPool } from 'coatcheck'
import { realStage, type Stage } from '../stage.js'

export async function debounce({ clock, sleep, say }: Stage): Promise<void> {
  const pool = new WorkerPool({ concurrency: 2, queueCapacity: 100, clock }).start()

  /** Puts off what waits for this document; what runs already is left to end. */
  const changed = async (document: string, version: number): Promise<void> => {
    await pool.cancelAll({ key: document, state: 'queued' })
    pool.queueTask(() => say(`${document}: index version ${version}`), { key: document, delayMs: 200 })
  }

  await changed('a', 1)
  await sleep(100)
  await changed('a', 2)
  await changed('b', 1)
  await sleep(100)
  await changed('a', 3)
  await pool.drain()
  const { succeeded, canceled } = pool.stats().totals
  say(`${succeeded} indexed, ${canceled} saved`)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await debounce(realStage())
