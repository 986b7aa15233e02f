import { KeyQueueFullError, PoolDeadlockError, type Task, WaitFullError, WaitTimeoutError } from 'coatcheck'
import { type HttpReply, ticketRoutes } from 'coatcheck/http'
import { describe, expect, it, vi } from 'vitest'
import { gate } from '../../support/gate.js'
import { jsonOf, requestTo } from '../support/request-of.js'
import { poolWith, routesWith } from '../support/routes.js'

describe('Retry-After', () => {
  it('is pollAfterMs of the body, rounded up', async () => {
    const { routes } = routesWith(undefined, { pollAfterMs: 1_500 })
    const reply = await routes.handle(requestTo('POST /tasks', { json: {} }))
    expect(jsonOf(reply)['pollAfterMs']).toBe(1_500)
    expect(reply?.headers['Retry-After']).toBe('2')
  })

  const facts = { concurrency: 1, queueCapacity: 1, running: 1, queued: 1 }

  it.each([
    [1_000, 0, '1'],
    [1_000, 0.999, '2'],
    [1_001, 0, '2'],
    [20_000, 0.999, '24'],
    [20_000, 0.2, '21'],
    [60_000, 0.999_999, '72'],
    [60_000, 1, '72'] // a random source that returns 1 does no harm
  ])('spreads refusals: %d ms with %d is %s s', async (retryAfterMs, random, seconds) => {
    const { routes } = routesWith(undefined, { random: () => random })
    const reply = routes.refused(new KeyQueueFullError('a', { ...facts, retryAfterMs }))
    expect(reply.status).toBe(429)
    expect(reply.headers['Retry-After']).toBe(seconds)
    expect(jsonOf(reply)).toMatchObject({ code: 'KEY_QUEUE_FULL', retryAfterMs })
  })

  it('spreads them evenly by default: half of any ten at the earlier second, give or take one', () => {
    const routes = ticketRoutes(poolWith())
    const seconds = Array.from({ length: 100 }, () =>
      Number(routes.refused(new WaitFullError(3, 1_000)).headers['Retry-After'])
    )
    expect(new Set(seconds)).toEqual(new Set([1, 2]))
    for (let start = 0; start <= 90; start++) {
      const early = seconds.slice(start, start + 10).filter((each) => each === 1).length
      expect(Math.abs(early - 5)).toBeLessThanOrEqual(1)
    }
  })

  it.each([
    [new WaitFullError(3, 4_000), 503, 'WAIT_FULL'],
    [new WaitTimeoutError(100, 4_000), 503, 'WAIT_TIMEOUT']
  ])('is sent to a refused waiter: %s', (error, status, code) => {
    const reply = routesWith().routes.refused(error)
    expect(reply.status).toBe(status)
    expect(reply.headers['Retry-After']).toBe('4')
    expect(jsonOf(reply)).toMatchObject({ code, retryAfterMs: 4_000 })
  })

  it('is a second when the time in an error is not a number', () => {
    const error = new WaitFullError(3, Number.NaN)
    expect(routesWith().routes.refused(error).headers['Retry-After']).toBe('1')
  })
})

describe('an application that fails', () => {
  const expectInternal = (reply: HttpReply | undefined): void => {
    expect(reply?.status).toBe(500)
    expect(jsonOf(reply)).toEqual({
      type: 'about:blank',
      title: 'Internal Server Error',
      status: 500,
      detail: expect.any(String),
      code: 'INTERNAL'
    })
  }

  it('K16 in submit is a 500 without detail, and is reported', async () => {
    const hostile = new Proxy(
      {},
      {
        get: () => {
          throw new Error('trap')
        },
        getPrototypeOf: () => {
          throw new Error('trap')
        }
      }
    )
    for (const thrown of [new Error('secret'), 'secret', undefined, null, hostile, new PoolDeadlockError('secret')]) {
      const { routes, errors, pool } = routesWith(undefined, {}, () => {
        throw thrown
      })
      expectInternal(await routes.handle(requestTo('POST /tasks', { json: {} })))
      expect(errors).toHaveLength(1)
      expect(errors[0]).toBe(thrown)
      expect(pool.stats().totals.submitted).toBe(0)
    }
  })

  it('by returning no task is a 500, and the route is reported', async () => {
    for (const returned of [{}, undefined, null] as unknown[]) {
      const { routes, errors } = routesWith(undefined, { accept: [{ path: '/tasks', submit: () => returned as Task }] })
      expectInternal(await routes.handle(requestTo('POST /tasks', { json: {} })))
      expect(errors).toEqual([new TypeError('Expected `submit` of /tasks to return a task')])
    }
  })

  it('in onError has no effect', async () => {
    const { routes } = routesWith(
      undefined,
      {
        onError: () => {
          throw new Error('log')
        }
      },
      () => {
        throw new Error('secret')
      }
    )
    expectInternal(await routes.handle(requestTo('POST /tasks', { json: {} })))
  })

  it('is printed to the console without onError', () => {
    const print = vi.spyOn(console, 'error').mockImplementation(() => {})
    try {
      const bug = new Error('secret')
      expectInternal(ticketRoutes(poolWith()).refused(bug))
      expect(print).toHaveBeenCalledExactlyOnceWith('coatcheck/http:', bug)
    } finally {
      print.mockRestore()
    }
  })

  it('by a pool that fails is a 500', async () => {
    const errors: unknown[] = []
    const broken = {
      state: 'running' as const,
      closed: gate().promise,
      tasks: () => [],
      task: () => {
        throw new Error('secret')
      },
      cancel: () => 'unknown' as const
    }
    const routes = ticketRoutes(broken, { onError: (error) => void errors.push(error) })
    expectInternal(await routes.handle(requestTo('GET /tasks/a')))
    expect(errors).toMatchObject([{ message: 'secret' }])
  })

  it('in the closing hook counts as no', async () => {
    const { routes, errors } = routesWith(undefined, {
      closing: () => {
        throw new Error('bug')
      }
    })
    const reply = await routes.handle(requestTo('GET /livez'))
    expect(reply).toMatchObject({ status: 200, close: false })
    expect(errors).toMatchObject([{ message: 'bug' }])
  })
})
