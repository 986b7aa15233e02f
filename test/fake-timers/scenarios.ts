/**
 * What waits for time, under fake timers. Runs in any runner: each scenario gets the fake timers and rejects when it fails.
 */
import assert from 'node:assert/strict'
import { type TaskContext, WaitGroup, WorkerPool, type WorkerPoolOptions } from 'coatcheck'
import { submit } from 'coatcheck/client'
import { type HttpReply, ticketRoutes } from 'coatcheck/http'

/** The fake timers of a runner. */
export interface FakeTimers {
  install(): void
  uninstall(): void
  /** Lets time pass, and what becomes due act. */
  advance(ms: number): Promise<void>
}

const started = (options: Partial<WorkerPoolOptions<Record<never, never>>> = {}): WorkerPool =>
  new WorkerPool({ concurrency: 1, queueCapacity: 10, onUnobservedError: () => {}, ...options }).start()

const untilAborted = ({ signal }: TaskContext): Promise<never> =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))

const never = (): Promise<never> => new Promise(() => {})

const codeOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'resolved',
    (error: { readonly code?: unknown }) => error.code
  )

const asRequest = (method: string, target: string, headers: Record<string, string> = {}, body = '') => ({
  method,
  target,
  headers,
  body: (async function* () {
    yield Buffer.from(body)
  })(),
  signal: new AbortController().signal
})

const accepting = (pool: WorkerPool, run: () => unknown) =>
  ticketRoutes(pool, { accept: [{ path: '/tasks', submit: () => pool.queueTask(run) }] })

/** Its body is no stream: the platform's never end where `nextTick` is faked. */
const responseTo = ({ status, headers, body }: HttpReply): Response =>
  ({ status, headers: new Headers(headers), text: async () => String(body ?? '') }) as Response

/** Whether a promise has settled by now. */
const watched = <T>(promise: Promise<T>): { readonly promise: Promise<T>; settled: boolean } => {
  const watch = { promise, settled: false }
  const settle = (): void => {
    watch.settled = true
  }
  promise.then(settle, settle)
  return watch
}

type Scenario = (timers: FakeTimers) => Promise<void>

/** With the fake timers installed before and removed after. */
const whole: Readonly<Record<string, Scenario>> = {
  'a time limit': async ({ advance }) => {
    const pool = started()
    const result = watched(codeOf(pool.queueTask(untilAborted, { timeoutMs: 1_000 }).result()))
    await advance(900)
    assert.equal(result.settled, false)
    await advance(200)
    assert.equal(await result.promise, 'ERR_TASK_TIMEOUT')
    await pool.stop({ graceMs: 0 })
  },

  'retries with a backoff': async ({ advance }) => {
    const pool = started()
    let calls = 0
    const run = (): string => {
      if (++calls < 3) throw new Error('not yet')
      return 'done'
    }
    const task = pool.queueTask(run, { retry: { attempts: 3, backoffMs: 10_000 } })
    for (let step = 0; step < 30; step++) await advance(1_000)
    assert.equal(await task.result(), 'done')
    await pool.stop({ graceMs: 0 })
  },

  'the limit of the queue': async ({ advance }) => {
    const pool = started()
    pool.queueTask(never)
    const late = pool.queueTask(never, { queueTimeoutMs: 5_000 })
    await advance(6_000)
    assert.equal(late.record().state, 'canceled')
    await pool.stop({ graceMs: 0, forceMs: 0 })
  },

  'the wait for room': async ({ advance }) => {
    const pool = started({ queueCapacity: 0 })
    pool.queueTask(never)
    const result = codeOf(pool.queueTaskWhenFree(never, { waitMs: 2_000 }))
    await advance(2_000)
    assert.equal(await result, 'ERR_WAIT_TIMEOUT')
    await pool.stop({ graceMs: 0, forceMs: 0 })
  },

  'the limit of a drain': async ({ advance }) => {
    const pool = started()
    pool.queueTask(never)
    const result = codeOf(pool.drain({ timeoutMs: 3_000 }))
    await advance(3_000)
    assert.equal(await result, 'ERR_DRAIN_TIMEOUT')
    await pool.stop({ graceMs: 0, forceMs: 0 })
  },

  'the limit of a WaitGroup': async ({ advance }) => {
    const group = new WaitGroup()
    group.add()
    const result = codeOf(group.wait({ timeoutMs: 3_000 }))
    await advance(3_000)
    assert.equal(await result, 'ERR_DRAIN_TIMEOUT')
  },

  retention: async ({ advance }) => {
    const pool = started({ retention: { ms: 60_000 } })
    const { id } = pool.queueTask(() => 1)
    await advance(1)
    assert.equal(pool.task(id)?.state, 'succeeded')
    await advance(61_000)
    assert.equal(pool.task(id), undefined)
    await pool.stop({ graceMs: 0 })
  },

  'a stop with grace and force': async ({ advance }) => {
    const pool = started()
    const deaf = pool.queueTask(never)
    const queued = pool.queueTask(never)
    const report = watched(pool.stop({ graceMs: 1_000, forceMs: 500 }))
    await advance(1_100)
    assert.equal(report.settled, false)
    await advance(500)
    assert.deepEqual((await report.promise).interrupted, { count: 1, ids: [deaf.id] })
    assert.deepEqual((await report.promise).unstarted, { count: 1, ids: [queued.id] })
  },

  'a stop without any grace, of which no time has to pass': async () => {
    const pool = started()
    pool.queueTask(never)
    await Promise.resolve()
    assert.equal((await pool.stop({ graceMs: 0, forceMs: 0 })).interrupted.count, 1)
  },

  'the window of a rate': async ({ advance }) => {
    const pool = started({ concurrency: 10, rateLimit: { starts: 2, intervalMs: 1_000 } })
    let calls = 0
    for (let n = 0; n < 5; n++) pool.queueTask(() => ++calls)
    await advance(900)
    assert.equal(calls, 2)
    await advance(600) // where only the timers are faked, the calls may be some real milliseconds apart
    assert.equal(calls, 4)
    await advance(1_500)
    assert.equal(calls, 5)
    await pool.stop({ graceMs: 0 })
  },

  'a long poll': async ({ advance }) => {
    const pool = started()
    const routes = ticketRoutes(pool)
    const task = pool.queueTask(never)
    await advance(1)
    const first = await routes.handle(asRequest('GET', `/tasks/${task.id}`))
    const headers = { prefer: 'wait=10', 'if-none-match': String(first?.headers['ETag']) }
    const reply = watched(routes.handle(asRequest('GET', `/tasks/${task.id}`, headers)))
    await advance(9_000)
    assert.equal(reply.settled, false)
    await advance(1_500)
    assert.equal((await reply.promise)?.status, 304)
    await pool.stop({ graceMs: 0, forceMs: 0 })
  },

  'the pauses and long polls of a client': async ({ advance }) => {
    const pool = started({ queueCapacity: 0 })
    let end = (): void => {}
    pool.queueTask(() => new Promise<void>((resolve) => (end = resolve)))
    const routes = accepting(pool, () => 'done')
    const statuses: number[] = []
    const fetch = async (url: string, init: RequestInit): Promise<Response> => {
      const headers = Object.fromEntries(new Headers(init.headers))
      const { method = 'GET', body } = init
      const reply = await routes.handle(asRequest(method, new URL(url).pathname, headers, String(body ?? '')))
      assert(reply !== undefined)
      statuses.push(reply.status)
      return responseTo(reply)
    }
    const result = watched(submit('http://localhost/tasks', {}, { fetch }))
    await advance(10)
    assert.deepEqual(statuses, [503])
    end()
    for (let step = 0; step < 70; step++) await advance(1_000)
    assert.equal(await result.promise, 'done')
    assert.equal(statuses[1], 202)
    await pool.stop({ graceMs: 0 })
  }
}

/** Exchanges the timers while the pool has work. */
const exchanged: Readonly<Record<string, Scenario>> = {
  'fake timers that come after the pool and its first limits': async ({ install, advance, uninstall }) => {
    const pool = started({ concurrency: 2 })
    const first = codeOf(pool.queueTask(untilAborted, { timeoutMs: 5_000 }).result())
    await pool.queueTask(() => 1).result()
    install()
    const second = codeOf(pool.queueTask(untilAborted, { timeoutMs: 10_000 }).result())
    await advance(5_100)
    assert.equal(await first, 'ERR_TASK_TIMEOUT')
    await advance(5_100)
    assert.equal(await second, 'ERR_TASK_TIMEOUT')
    await pool.stop({ graceMs: 0 })
    uninstall()
  },

  'fake timers that are removed before the pool stops': async ({ install, advance, uninstall }) => {
    install()
    const pool = started({ concurrency: 2 })
    pool.queueTask(never)
    await advance(50_000)
    const limited = codeOf(pool.queueTask(untilAborted, { timeoutMs: 50 }).result())
    uninstall()
    assert.equal(await limited, 'ERR_TASK_TIMEOUT')
    const report = await pool.stop({ graceMs: 20, forceMs: 20 })
    assert.equal(report.interrupted.count, 1)
    assert(report.durationMs < 10_000, `it took ${report.durationMs} ms`)
  },

  'fake timers that are removed during a stop': async ({ install, uninstall }) => {
    install()
    const pool = started()
    pool.queueTask(never)
    const stopped = pool.stop({ graceMs: 30, forceMs: 30 })
    uninstall()
    assert.equal((await stopped).interrupted.count, 1)
  },

  'fake timers that are removed in the turn in which a task fails': async ({ install, uninstall }) => {
    install()
    const errors: unknown[] = []
    const reported = new Promise<void>((resolve) => {
      const pool = started({
        onUnobservedError: (error) => {
          errors.push(error)
          resolve()
        }
      })
      pool.queueTask(() => Promise.reject(new Error('it failed')))
    })
    await Promise.resolve()
    uninstall()
    await reported
    assert.equal(errors.length, 1)
  },

  'stamps after an exchange go on from the time before': async ({ install, advance, uninstall }) => {
    const pool = started()
    await pool.queueTask(() => 1).result()
    install()
    const slow = pool.queueTask(never)
    await advance(2_000)
    assert.equal(pool.cancel(slow.id), 'requested')
    uninstall()
    assert(pool.stats().runMs.max < 10_000)
    const report = await pool.stop({ graceMs: 0, forceMs: 0 })
    assert(report.durationMs >= 0 && report.durationMs < 2_000, `it took ${report.durationMs} ms`)
  }
}

export const scenarios: readonly (readonly [string, Scenario])[] = [
  ...Object.entries(whole).map(([title, scenario]): readonly [string, Scenario] => [
    title,
    async (timers) => {
      timers.install()
      try {
        await scenario(timers)
      } finally {
        timers.uninstall()
      }
    }
  ]),
  ...Object.entries(exchanged)
]
