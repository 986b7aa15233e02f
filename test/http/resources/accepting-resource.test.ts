import { PoolStoppedError } from 'coatcheck'
import { type TicketRoutes, type TicketRoutesOptions, ticketRoutes } from 'coatcheck/http'
import { describe, expect, it } from 'vitest'
import { gate } from '../../support/gate.js'
import { microtasks } from '../../support/manual-clock.js'
import { jsonOf, requestTo } from '../support/request-of.js'
import { poolWith, routesWith } from '../support/routes.js'

describe("the application's own bodies", () => {
  const routesWith = (
    route: Partial<NonNullable<TicketRoutesOptions['accept']>[number]>,
    errors: unknown[] = []
  ): TicketRoutes => {
    const pool = poolWith({ concurrency: 1, queueCapacity: 0 })
    return ticketRoutes(pool, {
      accept: [{ path: '/do', submit: () => pool.queueTask(() => gate().promise), ...route }],
      random: () => 0,
      onError: (error) => void errors.push(error)
    })
  }

  it('replace those of the 202 and of refusals, with their own types and times', async () => {
    const routes = routesWith({
      accepted: (task, status) => ({
        body: `took ${task.id} ${status.status}`,
        contentType: 'text/x-own',
        retryAfterSeconds: 9
      }),
      refused: ({ code }) => ({ body: { no: code }, retryAfterSeconds: 7 })
    })
    const accepted = await routes.handle(requestTo('POST /do', { json: {} }))
    expect(accepted?.status).toBe(202)
    expect(accepted?.body).toMatch(/^took .* running$/)
    expect(accepted?.headers).toMatchObject({
      'Content-Type': 'text/x-own',
      'Retry-After': '9',
      Location: expect.any(String)
    })
    expect(accepted?.headers).not.toHaveProperty('ETag')
    const refused = await routes.handle(requestTo('POST /do', { json: {} }))
    expect(refused?.status).toBe(503)
    expect(refused?.body).toBe('{"no":"QUEUE_FULL"}')
    expect(refused?.headers).toMatchObject({ 'Content-Type': 'application/json', 'Retry-After': '7' })
  })

  it('are replaced by the defaults when the hooks throw: an accepted task is answered with its ticket', async () => {
    const bug = new Error('bug')
    const fail = (): never => {
      throw bug
    }
    const errors: unknown[] = []
    const routes = routesWith({ accepted: fail, refused: fail }, errors)
    const accepted = await routes.handle(requestTo('POST /do', { json: {} }))
    expect(accepted?.status).toBe(202)
    expect(accepted?.headers).toHaveProperty('ETag')
    const refused = await routes.handle(requestTo('POST /do', { json: {} }))
    expect(jsonOf(refused)).toMatchObject({ code: 'QUEUE_FULL' })
    expect(errors).toEqual([bug, bug])
  })
})

describe('K11 a client that leaves', () => {
  it('while its body is read has queued nothing', async () => {
    const { routes, pool } = routesWith()
    const left = new AbortController()
    const body = async function* (): AsyncGenerator<Uint8Array> {
      yield Buffer.from('{}')
      left.abort()
    }
    const request = requestTo('POST /tasks', { json: {}, body: body(), signal: left.signal })
    expect(await routes.handle(request)).toMatchObject({ status: 400, close: true })
    expect(pool.stats().totals.submitted).toBe(0)
  })

  it('while it waits for room leaves the waiter list, and the next waiter gets the freed place', async () => {
    const pool = poolWith({ concurrency: 1, queueCapacity: 0, waiterCapacity: 2 })
    const errors: unknown[] = []
    const routes = ticketRoutes(pool, {
      accept: [
        {
          path: '/tasks',
          submit: (_input, { signal }) => pool.queueTaskWhenFree(() => gate().promise, { waitSignal: signal })
        }
      ],
      onError: (error) => void errors.push(error)
    })
    const { promise, open: end } = gate()
    const running = pool.queueTask(() => promise)
    const left = new AbortController()
    const gone = routes.handle(requestTo('POST /tasks', { json: {}, signal: left.signal }))
    const stays = routes.handle(requestTo('POST /tasks', { json: {} }))
    await microtasks()
    left.abort()
    expect(await gone).toMatchObject({ status: 400, close: true })
    end()
    await running.settled()
    expect((await stays)?.status).toBe(202)
    expect(pool.stats().totals).toMatchObject({ accepted: 2, refused: 1 })
    expect(errors).toEqual([])
  })

  it('while it waits for room is withdrawn, without a call of onError', async () => {
    const errors: unknown[] = []
    const routes = ticketRoutes(poolWith(), {
      accept: [
        {
          path: '/tasks',
          submit: (_input, { signal }) =>
            new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
        }
      ],
      onError: (error) => void errors.push(error)
    })
    const left = new AbortController()
    const reply = routes.handle(requestTo('POST /tasks', { json: {}, signal: left.signal }))
    setImmediate(() => left.abort())
    expect(await reply).toMatchObject({ close: true })
    expect(errors).toEqual([])
  })

  it('and an error that came before: the error is reported', async () => {
    const errors: unknown[] = []
    const left = new AbortController()
    const routes = ticketRoutes(poolWith(), {
      accept: [
        {
          path: '/tasks',
          submit: () => {
            left.abort()
            throw new Error('bug')
          }
        }
      ],
      onError: (error) => void errors.push(error)
    })
    expect((await routes.handle(requestTo('POST /tasks', { json: {}, signal: left.signal })))?.status).toBe(500)
    expect(errors).toHaveLength(1)
  })
})

describe('a pool that no longer accepts tasks', () => {
  it('refuses without reading the body, with Retry-After', async () => {
    const { routes, pool } = routesWith(() => gate().promise)
    await routes.handle(requestTo('POST /tasks', { json: {} }))
    const stopped = pool.stop({ graceMs: 0, forceMs: 0 })
    const unread = (): never => {
      throw new Error('the body was read')
    }
    for (const state of ['stopping', 'stopped']) {
      if (state === 'stopped') await stopped
      expect(pool.state).toBe(state)
      const reply = await routes.handle(requestTo('POST /tasks', { body: unread }))
      expect(reply).toMatchObject({ status: 503, close: true, headers: { 'Retry-After': '5' } })
      expect(jsonOf(reply)).toMatchObject({ code: 'POOL_STOPPED', retryAfterMs: 5_000 })
    }
    const { close, headers } = routes.refused(new PoolStoppedError('stopped'))
    expect([close, headers['Retry-After']]).toEqual([true, '5'])
  })
})
