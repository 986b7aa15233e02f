/**
 * An API that is not well and allows three calls in 300 ms: what may pass is tried again, with a growing pause, what will
 * not pass fails at once, what hangs is cut off, and all attempts together keep to the limit.
 *
 * `npx tsx examples/retry-and-rate-limit.ts` shows it in about a second.
 */
import { fileURLToPath } from 'node:url'
import { TaskTimeoutError, WorkerPool } from 'coatcheck'
import { realStage, type Stage } from './stage.js'

export class HttpError extends Error {
  readonly status: number

  constructor(status: number) {
    super(`status ${status}`)
    this.status = status
  }
}

/** Each path answers with these troubles first, then well. */
function sickApi(sleep: Stage['sleep']): (path: string, signal: AbortSignal) => Promise<string> {
  const troubles = new Map<string, (number | 'hangs')[]>([
    ['/orders', [503, 503]],
    ['/stock', ['hangs']],
    ['/typo', [404]]
  ])
  return async (path, signal) => {
    const trouble = troubles.get(path)?.shift()
    await sleep(trouble === 'hangs' ? 60_000 : 10, signal)
    if (typeof trouble === 'number') throw new HttpError(trouble)
    return `the page at ${path}`
  }
}

/** Another attempt is worth it when the server was unwell or slow, not when the request was wrong. */
export const mayPass = (error: unknown): boolean =>
  error instanceof TaskTimeoutError || (error instanceof HttpError && (error.status === 429 || error.status >= 500))

export async function retryAndRateLimit({ clock, sleep, say }: Stage): Promise<void> {
  const call = sickApi(sleep)
  const pool = new WorkerPool({
    concurrency: 4,
    queueCapacity: 20,
    taskTimeoutMs: 80, //                                  of one attempt
    retry: { attempts: 3, backoffMs: 100, when: mayPass }, // a random part of 100, then of 200 ms
    rateLimit: { starts: 3, intervalMs: 300 }, //          of all attempts
    clock
  }).start()

  pool.on('started', (task) => say(`${task.name} attempt ${task.record().attempt}`))
  pool.on('retrying', (task, { error, delayMs }) => {
    const what = error instanceof TaskTimeoutError ? 'too slow' : (error as Error).message
    say(`${task.name} again in ${delayMs.toFixed(0)} ms: ${what}`)
  })
  pool.on('settled', (task) => say(`${task.name} ${task.state}`))

  for (const path of ['/orders', '/stock', '/typo', '/users']) {
    pool.queueTask(({ signal }) => call(path, signal), { name: path })
  }
  await pool.drain()
  const { started, retried } = pool.stats().totals
  say(`${started} calls, ${retried} of them again`)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await retryAndRateLimit(realStage())
