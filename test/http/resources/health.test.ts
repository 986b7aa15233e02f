import { WorkerPool } from 'coatcheck'
import { ticketRoutes } from 'coatcheck/http'
import { describe, expect, it, onTestFinished } from 'vitest'
import { jsonOf, requestTo } from '../support/request-of.js'
import { routesWith } from '../support/routes.js'

describe('readiness', () => {
  it('and liveness have a JSON body', async () => {
    const { routes } = routesWith()
    for (const path of ['/livez', '/readyz']) {
      const reply = await routes.handle(requestTo(`GET ${path}`))
      expect(reply).toMatchObject({ status: 200, body: '{"status":"ok"}' })
    }
  })

  it('begins with the start of the pool and ends with the closing of the server, while work is still accepted', async () => {
    const pool = new WorkerPool({ concurrency: 1, queueCapacity: 1 })
    onTestFinished(() => pool.stop({ graceMs: 0, forceMs: 0 }).then(() => {}))
    let isClosing = false
    const routes = ticketRoutes(pool, {
      accept: [{ path: '/tasks', submit: () => pool.queueTask(() => 1) }],
      closing: () => isClosing,
      onError: () => {}
    })
    const ready = async () => {
      const reply = await routes.handle(requestTo('GET /readyz'))
      return [reply?.status, jsonOf(reply)['status'], reply?.close]
    }
    expect(await ready()).toEqual([503, 'starting', false])
    expect((await routes.handle(requestTo('POST /tasks', { json: {} })))?.status).toBe(202)
    pool.start()
    expect(await ready()).toEqual([200, 'ok', false])
    isClosing = true
    expect(await ready()).toEqual([503, 'stopping', true])
    expect(await routes.handle(requestTo('POST /tasks', { json: {} }))).toMatchObject({ status: 202, close: true })
    expect(await routes.handle(requestTo('GET /tasks/none'))).toMatchObject({ status: 404, close: true })
    isClosing = false
    await pool.stop({ graceMs: 0 })
    expect(await ready()).toEqual([503, 'stopping', true])
    expect(routes.refused(new Error('x')).close).toBe(true)
  })
})
