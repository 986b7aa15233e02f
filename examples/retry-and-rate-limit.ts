/**
 * An unreliable API that allows three calls in 300 ms. Temporary errors are retried with a growing delay, other errors fail
 * at once, calls that hang reach their time limit, and all attempts together stay within the rate limit.
 *
 * `npx tsx examples/retry-and-rate-limit.ts` runs it in about a second.
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

/** Each path has these failures first, then succeeds. */
function unreliableApi(sleep: Stage['sleep']): (path: string, signal: AbortSignal) => Promise<string> {
  const failures = new Map<string, (number | 'hangs')[]>([
    ['/orders', [503, 503]],
    ['/stock', ['hangs']],
    ['/typo', [404]]
  ])
  return async (path, signal) => {
    const failure = failures.get(path)?.shift()
    await sleep(failure === 'hangs' ? 60_000 : 10, signal)
    if (typeof failure === 'number') throw new HttpError(failure)
    return `the page at ${path}`
  }
}

/** Whether an error may be temporary: the server failed or was slow. A wrong request stays wrong. */
export const mayPass = (error: unknown): boolean =>
  error instanceof TaskTimeoutError || (error instanceof HttpError && (error.status === 429 || error.status >= 500))

export async function retryAndRateLimit({ clock, sleep, say }: Stage): Promise<void> {
  const call = unreliableApi(sleep)
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
