import { getEventListeners } from 'node:events'
import { onTestFinished } from 'vitest'
import { type Handlers, type Task, type TaskContext, WorkerPool, type WorkerPoolOptions } from '../../src/index.js'
import { expectBalance, Witness } from './books.js'
import { ManualClock } from './manual-clock.js'

/** A pool with a manual clock, and a witness of its events from the first one to the end of the test. */
export interface WatchedPool {
  readonly clock: ManualClock
  readonly pool: WorkerPool
  readonly witness: Witness
}

/** A pool that was not started. Its counters are checked at every event and at the end of the test. */
export function watchedPool(options: Partial<WorkerPoolOptions<Handlers>> = {}): WatchedPool {
  const { clock, pool } = quietPool(options)
  const witness = new Witness(pool)
  onTestFinished(() => witness.check())
  return { clock, pool, witness }
}

/** A started {@link watchedPool}. */
export function startedPool(options: Partial<WorkerPoolOptions<Handlers>> = {}): WatchedPool {
  const watched = watchedPool(options)
  watched.pool.start()
  return watched
}

/** A pool without listeners, so that its failures are unobserved. Its counters are checked at the end. */
export function quietPool(options: Partial<WorkerPoolOptions<Handlers>> = {}): Omit<WatchedPool, 'witness'> {
  const clock = new ManualClock()
  const pool = new WorkerPool({ concurrency: 1, queueCapacity: 10, clock, ...options }) as WorkerPool
  onTestFinished(() => void expectBalance(pool))
  return { clock, pool }
}

/** A task function that ends when its signal aborts, by throwing the reason. */
export const untilAborted = ({ signal }: TaskContext): Promise<never> =>
  new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason))
    if (signal.aborted) reject(signal.reason)
  })

/** A task function that never ends and ignores its signal. */
export const never = (): Promise<never> => new Promise(() => {})

/** Number of abort listeners of a signal. */
export const listenersOn = (signal: AbortSignal): number => getEventListeners(signal, 'abort').length

/** The reason that a promise rejects with. */
export const rejection = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    (value) => {
      throw new Error(`it resolved with ${String(value)}`)
    },
    (reason: unknown) => reason
  )

/** Whether a promise rejects with exactly this value, which may be unreadable. */
export const rejectsWith = (promise: Promise<unknown>, reason: unknown): Promise<boolean> =>
  promise.then(
    () => false,
    (given: unknown) => Object.is(given, reason)
  )

/** The value that a call throws. */
export function thrown(call: () => unknown): unknown {
  try {
    call()
  } catch (error) {
    return error
  }
  throw new Error('it threw nothing')
}

export const statesOf = (tasks: readonly Task[]): string[] => tasks.map(({ state }) => state)
