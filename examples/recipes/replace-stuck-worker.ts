/**
 * A function that ignores its signal keeps its worker. When the pool reports it as stuck, one worker more is allowed, up
 * to a bound; when such a function ends after all, one less.
 *
 * `npx tsx examples/recipes/replace-stuck-worker.ts`
 */
import { fileURLToPath } from 'node:url'
import { type Task, WorkerPool } from 'coatcheck'
import { realStage, type Stage } from '../stage.js'

const WORKERS = 1
const MOST_STUCK = 3

export async function replaceStuckWorker({ clock, sleep, say }: Stage): Promise<void> {
  const pool = new WorkerPool({
    ...{ concurrency: WORKERS, queueCapacity: 10, taskTimeoutMs: 100, stuckAfterMs: 100, clock }
  }).start()

  const stuck = new Set<Task>()
  const adjust = (): void => pool.resize({ concurrency: WORKERS + Math.min(stuck.size, MOST_STUCK) })
  pool.on('stuck', (task) => {
    stuck.add(task)
    adjust()
    say(`${task.name} is stuck: ${pool.stats().concurrency} workers`)
  })
  pool.on('settled', (task) => {
    say(`${task.name} has ${task.state}`)
    if (!stuck.delete(task)) return
    adjust()
    say(`${pool.stats().concurrency} worker again`)
  })

  pool.queueTask(() => sleep(500), { name: 'deaf' })
  pool.queueTask(() => {}, { name: 'next' })
  await pool.drain()
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await replaceStuckWorker(realStage())
