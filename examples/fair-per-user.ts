/**
 * One noisy user, and others who do not notice. Users are keys: they take turns, and each has a share that the pool
 * holds them to.
 *
 *  - ned posts six pictures at once: one runs, three wait, two are refused with 429, since he is the one to slow down;
 *  - ada, ben and some guests post after him and yet do not stand behind his pictures, but take turns with them;
 *  - at last the pool itself is full: that is no guest's fault, so it is a 503.
 *
 * `npx tsx examples/fair-per-user.ts` shows it in a second.
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

  /** What a request would be answered. */
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
