import type { Task } from 'coatcheck'
import { type HttpReply, ticketRoutes } from 'coatcheck/http'
import { describe, expect, it } from 'vitest'
import { gate } from '../../support/gate.js'
import { jsonOf, requestTo } from '../support/request-of.js'
import { routesWith } from '../support/routes.js'
import { service } from '../support/service.js'

describe('a cancel', () => {
  it('cancels a queued task, requests the end of a running one, and is 409 for a settled one', async () => {
    const { routes, pool } = routesWith()
    const cancel = (task: Task): Promise<HttpReply | undefined> => routes.handle(requestTo(`DELETE /tasks/${task.id}`))
    const running = pool.queueTask(() => gate().promise)
    const done = await pool.queueTask(() => 1).settled()
    const failed = await pool.queueTask(() => Promise.reject(new Error('secret'))).settled()
    pool.pause()
    const queued = pool.queueTask(() => 1)
    for (let time = 0; time < 2; time++) {
      const reply = await cancel(queued)
      expect(reply?.status).toBe(200)
      expect(jsonOf(reply)).toMatchObject({ id: queued.id, status: 'canceled', reason: 'user', done: true })
    }
    for (let time = 0; time < 2; time++) {
      const reply = await cancel(running)
      expect(reply).toMatchObject({ status: 202, headers: { 'Retry-After': '1', ETag: expect.any(String) } })
      expect(jsonOf(reply)).toMatchObject({ status: 'running', cancelRequested: true })
    }
    for (const [id, state] of [
      [done.id, 'succeeded'],
      [failed.id, 'failed']
    ] as const) {
      const reply = await cancel({ id } as Task)
      expect(reply?.status).toBe(409)
      expect(jsonOf(reply)).toMatchObject({ code: 'ALREADY_FINISHED', state })
    }
  })
})

describe('a cancel of a ticket that was just forgotten', () => {
  it('is the usual 404', async () => {
    const { pool, routes } = routesWith()
    const task = pool.queueTask(() => gate().promise)
    const { closed } = pool
    const forgetful = ticketRoutes({
      state: 'running',
      closed,
      task: () => task,
      tasks: () => [task],
      cancel: () => 'unknown'
    })
    const reply = await forgetful.handle(requestTo(`DELETE /tasks/${task.id}`))
    expect(reply).toEqual(await routes.handle(requestTo('GET /tasks/none')))
  })

  it('does not cancel a newer task that got its id while authorize ran', async () => {
    const judged = gate<boolean>()
    const { pool, clock, send } = service({ authorize: () => judged.promise, pool: { retention: { count: 0 } } })
    const end = gate()
    pool.queueTask(() => end.promise, { id: 'order-7' })
    const sent = await send('DELETE /tasks/order-7')
    end.open()
    await clock.turn()
    const other = pool.queueTask(() => gate().promise, { id: 'order-7' })
    judged.open(true)
    await clock.turn()
    expect(sent.reply?.status).toBe(404)
    expect(other.record().cancelRequestedAt).toBeUndefined()
  })
})
