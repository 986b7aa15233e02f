/**
 * One noisy user, and others who are served all the same. The key of a task is its user: keys take turns, and each has a
 * share of the pool.
 *
 *  - ned posts six pictures at once: one runs, three are queued, two are refused with 429 because his share is full;
 *  - ada, ben and some guests post later, but their pictures take turns with his;
 *  - at last the pool itself is full, which no single user has caused: 503.
 *
 * `npx tsx examples/fair-per-user.ts` runs it in about a second.
 */
import { fileURLToPath } from 'node:url'
import { KeyQueueFullError, QueueFullError, WorkerPool } from 'coatcheck'
import { realStage, type Stage } from './stage.js'

/** A picture takes this long. */
const PICTURE_MS = 100

export async function fairPerUser({ clock, sleep, say }: Stage): Promise<void> {
  const pool = new WorkerPool({
    concurrency: 2,
    queueCapacity: 10,
    perKey: { concurrency: 1, queueCapacity: 3 }, // of each user's pictures
    clock
  }).start()
  pool.on('started', ({ name }) => say(`          ${name} starts`))

  /** Prints the status that a server would answer with. */
  const post = (user: string, picture: string): void => {
    try {
      pool.queueTask(({ signal }) => sleep(PICTURE_MS, signal), { key: user, name: picture })
      say(`${picture}: 202`)
    } catch (error) {
      if (error instanceof KeyQueueFullError) say(`${picture}: 429, retry after ${error.retryAfterMs / 1_000} s`)
      else if (error instanceof QueueFullError) say(`${picture}: 503, retry after ${error.retryAfterMs / 1_000} s`)
      else throw error
    }
  }

  for (let n = 1; n <= 6; n++) post('ned', `ned-${n}`)
  for (let n = 1; n <= 2; n++) post('ada', `ada-${n}`)
  post('ben', 'ben-1')
  for (let n = 1; n <= 7; n++) post(`guest ${n}`, `guest-${n}`)

  await pool.drain()
  say(`${pool}`)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await fairPerUser(realStage())
