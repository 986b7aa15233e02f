import { type Task, WorkerPool, type WorkerPoolOptions } from 'coatcheck'
import { type TicketRoutesOptions, ticketRoutes } from 'coatcheck/http'
import { onTestFinished } from 'vitest'
import { gate } from '../../support/gate.js'
import { jsonOf, requestTo } from './request-of.js'

/** A started pool, stopped at the end of the test. */
export const poolWith = (options: Partial<WorkerPoolOptions<Record<never, never>>> = {}): WorkerPool => {
  const pool = new WorkerPool({ concurrency: 2, queueCapacity: 2, onUnobservedError: () => {}, ...options })
  onTestFinished(() => pool.stop({ graceMs: 0, forceMs: 0 }).then(() => {}))
  return pool.start()
}

/** A pool with one accepting route whose tasks call the given function, without sockets. */
export const routesWith = (
  run: () => unknown = () => gate().promise,
  options: TicketRoutesOptions = {},
  submit?: (pool: WorkerPool) => Task
) => {
  const pool = poolWith()
  const errors: unknown[] = []
  const routes = ticketRoutes(pool, {
    accept: [{ path: '/tasks', submit: () => submit?.(pool) ?? pool.queueTask(run) }],
    random: () => 0,
    onError: (error) => void errors.push(error),
    ...options
  })
  return { pool, routes, errors }
}

/** The status of a task that failed with this error. */
export const failedStatus = async (error: unknown, options: TicketRoutesOptions = {}) => {
  const { pool, routes, errors } = routesWith(() => Promise.reject(error), options)
  const task = await pool.queueTask(() => Promise.reject(error)).settled()
  return { status: jsonOf(await routes.handle(requestTo(`GET /tasks/${task.id}`))), errors, task }
}
