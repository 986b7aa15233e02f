import type { Task } from 'coatcheck'
import type { TicketRoutes } from 'coatcheck/http'
import { describe, expect, it } from 'vitest'
import { jsonOf, requestTo } from '../support/request-of.js'
import { routesWith } from '../support/routes.js'

describe('a status', () => {
  const statusOf = async (routes: TicketRoutes, { id }: Task): Promise<Record<string, unknown>> =>
    jsonOf(await routes.handle(requestTo(`GET /tasks/${id}`)))

  it('has every known value of a ticket, and null for the rest', async () => {
    const { pool, routes } = routesWith()
    pool.pause()
    const task = pool.queueTask(({ progress }) => void progress(0.5, 'half'), { name: 'print' })
    const empty = { progress: null, reason: null, startedAt: null, settledAt: null, result: null, error: null }
    const { queuedAt } = task.record()
    expect(await statusOf(routes, task)).toMatchObject({
      ...empty,
      name: 'print',
      status: 'queued',
      done: false,
      position: 1,
      cancelRequested: false,
      attempt: 0,
      queuedAt
    })
    pool.resume()
    await task.settled()
    const { startedAt, settledAt } = task.record()
    expect([startedAt, settledAt]).toEqual([expect.any(String), expect.any(String)])
    expect(await statusOf(routes, task)).toMatchObject({
      status: 'succeeded',
      done: true,
      position: null,
      progress: { ratio: 0.5, message: 'half' },
      attempt: 1,
      startedAt,
      settledAt,
      pollAfterMs: null
    })
    const nameless = pool.queueTask(({ progress }) => void progress(1))
    await nameless.settled()
    expect(await statusOf(routes, nameless)).toMatchObject({ name: null, progress: { ratio: 1, message: null } })
  })
})

describe('a result', () => {
  it('without a JSON form has resultOmitted', async () => {
    const { routes, pool } = routesWith()
    const task = await pool.queueTask(() => 1n).settled()
    const status = jsonOf(await routes.handle(requestTo(`GET /tasks/${task.id}`)))
    expect(status).toMatchObject({ status: 'succeeded', result: null, resultOmitted: 'its JSON form cannot be made' })
  })

  it('whose JSON form cannot be made says so, without the text of the error, which the record has', async () => {
    const { routes, pool } = routesWith()
    const secret = {
      toJSON: () => {
        throw new Error('postgres://app:hunter2@db')
      }
    }
    const task = await pool.queueTask(() => secret).settled()
    const reply = await routes.handle(requestTo(`GET /tasks/${task.id}`))
    expect(jsonOf(reply)).toMatchObject({ result: null, resultOmitted: 'its JSON form cannot be made' })
    expect(reply?.body).not.toContain('hunter2')
    expect(task.record().resultOmitted).toBe('its JSON form cannot be made: postgres://app:hunter2@db')
  })
})
