/**
 * Waiting for room instead of being refused: a producer that is slowed to the pace of the pool, and requests that wait
 * for a limited time. The number of waiters is bounded, too.
 *
 * `npx tsx examples/wait-for-room.ts` runs it in about a second.
 */
import { fileURLToPath } from 'node:url'
import { WaitFullError, WaitTimeoutError, WorkerPool } from 'coatcheck'
import { realStage, type Stage } from './stage.js'

/** Reads pages faster than they are processed, but never has more than four accepted at a time. */
export async function producer({ clock, sleep, say }: Stage): Promise<void> {
  const pool = new WorkerPool({ name: 'pages', concurrency: 2, queueCapacity: 2, clock }).start()
  for (let page = 1; page <= 8; page++) {
    await pool.queueTaskWhenFree(({ signal }) => sleep(100, signal)) // resolves when the pool has room
    const { running, queued } = pool.stats()
    say(`page ${page} is accepted: ${running} running, ${queued} queued`)
  }
  await pool.drain()
  say('all pages are done')
}

/** Six requests at once for one worker, one place in the queue and three waiters. */
export async function requests({ clock, sleep, say }: Stage): Promise<void> {
  const pool = new WorkerPool({ concurrency: 1, queueCapacity: 1, waiterCapacity: 3, clock }).start()

  const request = async (name: string, waitMs: number, left?: AbortSignal): Promise<void> => {
    try {
      // `waitSignal` ends the wait of a client that disconnects; it has no effect on accepted work.
      await pool.queueTaskWhenFree(({ signal }) => sleep(100, signal), { waitMs, waitSignal: left })
      say(`${name}: 202`)
    } catch (error) {
      if (left?.aborted) return say(`${name}: disconnected, nothing was queued`)
      if (error instanceof WaitFullError) return say(`${name}: 503 at once, the waiter list is full`)
      if (error instanceof WaitTimeoutError) return say(`${name}: 503 after a wait of ${waitMs} ms`)
      throw error
    }
  }

  const client = new AbortController() // a server aborts this when the response closes
  const all = [
    request('ann', 1_000),
    request('bob', 1_000),
    request('cyd, who waits up to 50 ms', 50),
    request('dan, who closes the page', 1_000, client.signal),
    request('eve', 1_000),
    request('fay', 1_000)
  ]
  await sleep(20)
  client.abort()
  await Promise.all(all)
  await pool.drain()
  say(`${pool}`)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const stage = realStage()
  await producer(stage)
  await requests(stage)
}
