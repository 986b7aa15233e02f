/** What the options change, and what happens when an application's own part fails: without sockets. */
import {
  DuplicateTaskError,
  KeyQueueFullError,
  PoolDeadlockError,
  PoolStoppedError,
  type Task,
  TaskCanceledError,
  WaitFullError,
  WaitTimeoutError,
  WorkerPool,
  type WorkerPoolOptions
} from 'coatcheck'
import {
  type HttpReply,
  invalidField,
  RequestError,
  replyWith,
  type TicketRoutes,
  type TicketRoutesOptions,
  ticketRoutes
} from 'coatcheck/http'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { gate } from '../support/gate.js'
import { ManualClock, microtasks } from '../support/manual-clock.js'
import { bytesOf, jsonOf, requestTo } from './support/request-of.js'

const open: WorkerPool[] = []

afterEach(async () => {
  await Promise.all(open.splice(0).map((pool) => pool.stop({ forceMs: 0 })))
})

const poolWith = (options: Partial<WorkerPoolOptions<Record<never, never>>> = {}): WorkerPool => {
  const pool = new WorkerPool({ concurrency: 2, queueCapacity: 2, onUnobservedError: () => {}, ...options })
  open.push(pool)
  return pool.start()
}

/** A pool with one accepting route, whose tasks run as given. */
const desk = (
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

const failedStatus = async (error: unknown, options: TicketRoutesOptions = {}) => {
  const { pool, routes, errors } = desk(() => Promise.reject(error), options)
  const task = await pool.queueTask(() => Promise.reject(error)).settled()
  return { status: jsonOf(await routes.handle(requestTo(`GET /tasks/${task.id}`))), errors, task }
}

describe('where things are', () => {
  it('puts every path under the base path, and links under the public URL', async () => {
    const { routes } = desk(undefined, { basePath: '/api/v1', publicUrl: 'https://example.org/' })
    const reply = await routes.handle(requestTo('POST /api/v1/tasks', { json: {} }))
    const { id, links } = jsonOf(reply)
    expect(reply?.headers['Location']).toBe(`https://example.org/api/v1/tasks/${id}`)
    expect(links).toEqual({
      self: `https://example.org/api/v1/tasks/${id}`,
      events: `https://example.org/api/v1/tasks/${id}/events`
    })
    expect((await routes.handle(requestTo(`GET /api/v1/tasks/${id}`)))?.status).toBe(200)
    expect((await routes.handle(requestTo('GET /api/v1/readyz')))?.status).toBe(200)
    for (const path of ['/tasks', `/tasks/${id}`, '/readyz', '/api/v1', '/api/v1x/tasks', 'x', '*', 'ftp://h/tasks']) {
      expect(await routes.handle(requestTo(`GET ${path}`)), path).toBeUndefined()
    }
  })

  it('puts links under the path of a public URL, in which no slash is lost or doubled', async () => {
    for (const publicUrl of ['https://example.org/a/b', 'https://example.org/a/b/']) {
      const { routes } = desk(undefined, { publicUrl })
      const reply = await routes.handle(requestTo('POST /tasks', { json: {} }))
      expect(reply?.headers['Location']).toBe(`https://example.org/a/b/tasks/${jsonOf(reply)['id']}`)
    }
  })

  it('takes the absolute form, with any authority, for the path in it', async () => {
    const { routes } = desk()
    for (const target of ['http://evil.example/livez', 'HTTPS://x/livez?a', 'http://x/livez']) {
      expect((await routes.handle(requestTo(`GET ${target}`)))?.status).toBe(200)
    }
    for (const target of ['http://x', 'http://x?a'])
      expect(await routes.handle(requestTo(`GET ${target}`))).toBeUndefined()
  })

  it('takes the absolute form without a path for the root', async () => {
    const { routes, pool } = desk(undefined, {
      accept: [{ path: '/', submit: () => pool.queueTask(() => gate().promise) }]
    })
    for (const target of ['/', 'http://x', 'https://x?a', 'http://x/?a']) {
      expect((await routes.handle(requestTo(`POST ${target}`, { json: {} })))?.status, target).toBe(202)
    }
  })

  it('takes ids of the caller that stand for themselves in a path', async () => {
    const { routes, pool } = desk()
    pool.queueTask(() => 1, { id: 'job:7._-x' })
    for (const segment of ['job:7._-x', 'job%3A7._-x', '%6aob%3a7._%2Dx']) {
      expect(jsonOf(await routes.handle(requestTo(`GET /tasks/${segment}`)))['id']).toBe('job:7._-x')
    }
  })
})

describe('methods', () => {
  it('K6 HEAD has no body either where it is refused', async () => {
    const { routes } = desk(undefined, { authorize: () => true })
    for (const [target, status] of [
      ['/tasks/none/events', 405],
      ['/tasks?limit=0', 400],
      ['/tasks/none', 404]
    ] as const) {
      const [head, full] = [
        await routes.handle(requestTo(`HEAD ${target}`)),
        await routes.handle(requestTo(`${status === 405 ? 'PUT' : 'GET'} ${target}`))
      ]
      expect(head).toEqual({ status, headers: full?.headers, close: false })
    }
  })

  it('K6 HEAD has the headers of GET and no body, whatever the server does about it', async () => {
    const { routes } = desk()
    const [head, full] = [await routes.handle(requestTo('HEAD /livez')), await routes.handle(requestTo('GET /livez'))]
    expect(head).toEqual({ status: full?.status, headers: full?.headers, close: full?.close })
  })

  it('K6 takes the names of what every object has for what they are', async () => {
    const { routes } = desk()
    for (const method of ['constructor', 'toString', '__proto__', '', 'get']) {
      expect((await routes.handle(requestTo(`${method} /livez`)))?.status, method).toBe(405)
    }
  })
})

describe('when to come back', () => {
  it('tells the time to poll after in the body, and rounded up in the header', async () => {
    const { routes } = desk(undefined, { pollAfterMs: 1_500 })
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
    [60_000, 1, '72'] // a source of chance that is off by one does no harm
  ])('spreads refusals: %d ms with %d is %s s', async (retryAfterMs, random, seconds) => {
    const { routes } = desk(undefined, { random: () => random })
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
  ])('tells a refused waiter: %s', (error, status, code) => {
    const reply = desk().routes.refused(error)
    expect(reply.status).toBe(status)
    expect(reply.headers['Retry-After']).toBe('4')
    expect(jsonOf(reply)).toMatchObject({ code, retryAfterMs: 4_000 })
  })

  it('tells a second when the time in an error is none', () => {
    const error = new WaitFullError(3, Number.NaN)
    expect(desk().routes.refused(error).headers['Retry-After']).toBe('1')
  })
})

describe('what a client is told of a failure', () => {
  it('is the code and no message, by default', async () => {
    const { status, errors } = await failedStatus(new Error('secret'))
    expect(status['error']).toEqual({ code: 'TASK_FAILED', message: 'the task failed' })
    expect(errors).toEqual([])
    const { status: other } = await failedStatus(Object.assign(new Error('secret'), { code: 'ERR_APP', expose: 1 }))
    expect(other['error']).toEqual({ code: 'ERR_APP', message: 'the task failed' })
    for (const thrown of ['secret', undefined, null, 7, { message: 'secret' }]) {
      const { status: odd } = await failedStatus(thrown)
      expect(odd['error']).toEqual({ code: 'TASK_FAILED', message: 'the task failed' })
    }
  })

  it('is the message too of an error that says so itself', async () => {
    const { status } = await failedStatus(Object.assign(new Error('no paper'), { code: 'ERR_APP', expose: true }))
    expect(status['error']).toEqual({ code: 'ERR_APP', message: 'no paper' })
  })

  it('is a code of the application as it is, also in an error of this library', async () => {
    const { status } = await failedStatus(Object.assign(new WaitFullError(3, 1_000), { code: 'DISK_FULL' }))
    expect(status['error']).toMatchObject({ code: 'DISK_FULL' })
  })

  it('tells the code, but not the message, of an error of this library that names another task or key', async () => {
    const facts = { concurrency: 1, queueCapacity: 1, running: 1, queued: 1, retryAfterMs: 1_000 }
    const errors = [
      new TaskCanceledError('another-ticket', 'user'),
      new DuplicateTaskError('another-ticket'),
      new KeyQueueFullError('another-owner', facts)
    ]
    for (const error of errors) {
      const { status } = await failedStatus(error)
      expect(status['error']).toEqual({ code: error.code.slice('ERR_'.length), message: 'the task failed' })
    }
  })

  it('is code and message of this library, without its prefix', async () => {
    const clock = new ManualClock()
    const pool = poolWith({ clock, taskTimeoutMs: 50 })
    const routes = ticketRoutes(pool)
    const task = pool.queueTask(
      ({ signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    )
    await clock.advance(60)
    await task.settled()
    const status = jsonOf(await routes.handle(requestTo(`GET /tasks/${task.id}`)))
    expect(status['error']).toEqual({ code: 'TASK_TIMEOUT', message: expect.stringContaining('50 ms') })
  })

  it('is nothing of what was given to a cancel', async () => {
    const { routes, pool } = desk()
    const task = pool.queueTask(() => gate().promise, { id: 'a' })
    await microtasks() // now it is called
    pool.pause()
    const queued = pool.queueTask(() => 1, { id: 'b' })
    queued.cancel(new Error('secret'))
    task.cancel(new Error('secret'))
    for (const id of ['a', 'b']) {
      const reply = await routes.handle(requestTo(`GET /tasks/${id}`))
      expect(reply?.body).not.toContain('secret')
      expect(jsonOf(reply)).toMatchObject({ status: id === 'a' ? 'running' : 'canceled', error: null })
    }
  })

  it('is what describeError says, part by part', async () => {
    const error = Object.assign(new Error('secret'), { code: 'E_PAPER' })
    const seen: unknown[] = []
    const { status, task } = await failedStatus(error, {
      describeError: (given, record) => {
        seen.push(given, record.id)
        return { message: 'no paper' }
      }
    })
    expect(status['error']).toEqual({ code: 'E_PAPER', message: 'no paper' })
    expect(seen).toEqual([error, task.id])
    expect((await failedStatus(error, { describeError: () => ({ code: 'X' }) })).status['error']).toEqual({
      code: 'X',
      message: 'the task failed'
    })
    expect((await failedStatus(error, { describeError: () => ({ code: '', message: '' }) })).status['error']).toEqual({
      code: 'E_PAPER',
      message: 'the task failed'
    })
    const odd = { code: 7, message: {} } as unknown as { code: string; message: string }
    for (const describeError of [() => undefined, () => odd]) {
      const { status: usual, errors } = await failedStatus(error, { describeError })
      expect(usual['error']).toEqual({ code: 'E_PAPER', message: 'the task failed' })
      expect(errors).toEqual([])
    }
  })

  it('is the usual when describeError throws, which the log is told', async () => {
    const bug = new Error('bug')
    const { status, errors } = await failedStatus(new Error('secret'), {
      describeError: () => {
        throw bug
      }
    })
    expect(status['error']).toEqual({ code: 'TASK_FAILED', message: 'the task failed' })
    expect(errors).toEqual([bug])
  })
})

describe('what a client is told of a result', () => {
  it('is that it has no JSON form, when it has none', async () => {
    const { routes, pool } = desk()
    const task = await pool.queueTask(() => 1n).settled()
    const status = jsonOf(await routes.handle(requestTo(`GET /tasks/${task.id}`)))
    expect(status).toMatchObject({ status: 'succeeded', result: null, resultOmitted: expect.stringMatching(/./) })
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

  it('K16 in submit is a 500 without a word about it, and the log is told', async () => {
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
      const { routes, errors, pool } = desk(undefined, {}, () => {
        throw thrown
      })
      expectInternal(await routes.handle(requestTo('POST /tasks', { json: {} })))
      expect(errors).toHaveLength(1)
      expect(errors[0]).toBe(thrown)
      expect(pool.stats().totals.submitted).toBe(0)
    }
  })

  it('by returning no task is a 500, and the log is told which route', async () => {
    for (const returned of [{}, undefined, null] as unknown[]) {
      const { routes, errors } = desk(undefined, { accept: [{ path: '/tasks', submit: () => returned as Task }] })
      expectInternal(await routes.handle(requestTo('POST /tasks', { json: {} })))
      expect(errors).toEqual([new TypeError('Expected `submit` of /tasks to return a task')])
    }
  })

  it('in its log hook fails alone', async () => {
    const { routes } = desk(
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

  it('is told on the console when it has no log hook', () => {
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

  it('by a closing hook that throws is as one that says no', async () => {
    const { routes, errors } = desk(undefined, {
      closing: () => {
        throw new Error('bug')
      }
    })
    const reply = await routes.handle(requestTo('GET /livez'))
    expect(reply).toMatchObject({ status: 200, close: false })
    expect(errors).toMatchObject([{ message: 'bug' }])
  })
})

describe('bodies of the application', () => {
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

  it('take the place of the 202 and of refusals, with types and times of their own', async () => {
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

  it('are the usual ones when the hooks throw: an accepted task is answered with its ticket', async () => {
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

describe("routes that are all the application's own", () => {
  it('answer with the same replies', async () => {
    const { routes, pool } = desk()
    const task = pool.queueTask(() => gate().promise)
    const reply = await routes.accepted(task)
    expect(reply.status).toBe(202)
    expect(reply.headers).not.toHaveProperty('Idempotent-Replayed')
    expect(reply.headers).toMatchObject({ Location: `/tasks/${task.id}`, 'Content-Location': `/tasks/${task.id}` })
    expect(jsonOf(reply)['id']).toBe(task.id)
    expect(jsonOf(routes.refused(invalidField('/a', 'must be b')))).toMatchObject({
      errors: [{ pointer: '/a', detail: 'must be b' }]
    })
    expect(routes.refused(new DuplicateTaskError('secret'))).toMatchObject({ status: 409 })
    expect(routes.refused(new DuplicateTaskError('secret')).body).not.toContain('secret')
  })

  it('answer 500 for what is no task and for a problem that cannot be sent, and tell the application', async () => {
    const { routes, errors } = desk()
    expect(await routes.accepted({} as Task)).toMatchObject({ status: 500 })
    const unsendable = new RequestError({ problem: { ...invalidField('/a', 'b').problem, retryAfterMs: 1n as never } })
    expect(jsonOf(routes.refused(unsendable))).toMatchObject({ code: 'INTERNAL' })
    expect(errors).toMatchObject([{ name: 'TypeError' }, { name: 'TypeError' }])
  })

  it('answer 503 when the task could not be made durable', async () => {
    const { routes, pool, errors } = desk()
    const task = pool.queueTask(() => gate().promise)
    const failing = Object.create(task, { recorded: { get: () => Promise.reject(new Error('disk')) } }) as Task
    const reply = await routes.accepted(failing)
    expect(reply.status).toBe(503)
    expect(reply.headers['Retry-After']).toBe('1')
    expect(jsonOf(reply)).toMatchObject({ code: 'STORE_UNAVAILABLE' })
    expect(errors).toMatchObject([{ message: 'disk' }])

    const record = () => task.record()
    const submitting = desk(
      undefined,
      {},
      () => ({ record, recorded: Promise.reject(new Error('disk')) }) as unknown as Task
    )
    expect((await submitting.routes.handle(requestTo('POST /tasks', { json: {} })))?.status).toBe(503)
  })
})

describe('K11 a client that leaves', () => {
  it('while its body is read has queued nothing', async () => {
    const { routes, pool } = desk()
    const left = new AbortController()
    const body = async function* (): AsyncGenerator<Uint8Array> {
      yield Buffer.from('{}')
      left.abort()
    }
    const request = requestTo('POST /tasks', { json: {}, body: body(), signal: left.signal })
    expect(await routes.handle(request)).toMatchObject({ status: 400, close: true })
    expect(pool.stats().totals.submitted).toBe(0)
  })

  it('while it waits for room in the pool gives its place in the line to the next', async () => {
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

  it('while it waits for room is withdrawn, without a line in the log', async () => {
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

  it('gives its place to an error of its own when that came first', async () => {
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

describe('a pool that takes no more work', () => {
  it('refuses before it looks at the request, and says when to come back', async () => {
    const { routes, pool } = desk(() => gate().promise)
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

describe('a reply', () => {
  it('of an error is not stored, and any other only after asking again', () => {
    const caching = (status: number): string | undefined => replyWith(status).headers['Cache-Control']
    expect([200, 202, 304, 399].map(caching)).toEqual(Array(4).fill('private, no-cache'))
    expect([400, 404, 503].map(caching)).toEqual(Array(3).fill('no-store'))
  })

  it('has its type and its length in bytes; without a body neither', () => {
    expect(replyWith(200, { body: 'é' })).toMatchObject({
      body: 'é',
      headers: { 'Content-Type': 'text/plain; charset=utf-8', 'Content-Length': '2' }
    })
    expect(replyWith(200, { body: ['é'] })).toMatchObject({
      body: '["é"]',
      headers: { 'Content-Type': 'application/json', 'Content-Length': '6' }
    })
    expect(Object.keys(replyWith(204)).sort()).toEqual(['close', 'headers', 'status'])
    expect(replyWith(204).headers).not.toHaveProperty('Content-Length')
  })
})

describe('readiness', () => {
  it('is told in JSON, and so is being alive', async () => {
    const { routes } = desk()
    for (const path of ['/livez', '/readyz']) {
      const reply = await routes.handle(requestTo(`GET ${path}`))
      expect(reply).toMatchObject({ status: 200, body: '{"status":"ok"}' })
    }
  })

  it('comes with the start of the pool and goes with the closing of the server, while work is still taken', async () => {
    const pool = new WorkerPool({ concurrency: 1, queueCapacity: 1 })
    open.push(pool)
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
    await pool.stop()
    expect(await ready()).toEqual([503, 'stopping', true])
    expect(routes.refused(new Error('x')).close).toBe(true)
  })
})

describe('bodies', () => {
  it('may come as a function or as what can be iterated, with header fields as lists', async () => {
    const { routes } = desk()
    const headers = { 'content-type': ['application/json'], 'content-length': undefined }
    for (const body of [bytesOf('{}'), () => bytesOf('{}')]) {
      expect((await routes.handle(requestTo('POST /tasks', { headers, body })))?.status).toBe(202)
    }
  })

  it('have the limit that the application sets', async () => {
    const { routes } = desk(undefined, { maxBodyBytes: 9 })
    expect((await routes.handle(requestTo('POST /tasks', { json: { a: 123 } })))?.status).toBe(202)
    const reply = await routes.handle(requestTo('POST /tasks', { json: { a: 1234 } }))
    expect(reply).toMatchObject({ status: 413, close: true })
    expect(jsonOf(reply)['detail']).toBe('The body is larger than the 9 bytes that this resource takes.')
  })

  it('are read no further than to the chunk that passes the limit', async () => {
    const { routes } = desk(undefined, { maxBodyBytes: 9 })
    let chunks = 0
    const body = async function* (): AsyncGenerator<Uint8Array> {
      for (; chunks < 100; chunks++) yield Buffer.from('     ')
    }
    const reply = await routes.handle(requestTo('POST /tasks', { json: {}, body }))
    expect(reply).toMatchObject({ status: 413, close: true })
    expect(chunks).toBe(1) // the second is out, and no third is asked for
  })

  it('that are announced as too long are not read', async () => {
    const { routes } = desk(undefined, { maxBodyBytes: 10 })
    let isRead = false
    const body = (): AsyncIterable<Uint8Array> => {
      isRead = true
      return bytesOf('{}')
    }
    const post = (length: number): Promise<HttpReply | undefined> => {
      const headers = { 'content-type': 'application/json', 'content-length': String(length) }
      return routes.handle(requestTo('POST /tasks', { headers, body }))
    }
    expect(await post(11)).toMatchObject({ status: 413, close: true })
    expect(isRead).toBe(false)
    expect((await post(10))?.status).toBe(202)
    expect(isRead).toBe(true)
  })

  const nested = (levels: number): string => `${'{"a":'.repeat(levels - 1)}{}${'}'.repeat(levels - 1)}`

  it.each([
    ['', 'The body is empty.'],
    ['\ufeff{}', 'The body begins with a byte order mark.'],
    [nested(65), 'The body is nested deeper than 64 levels.'],
    ['{', 'The body is not JSON.'],
    ['[]', 'The body is JSON, but not an object.'],
    ['null', 'The body is JSON, but not an object.'],
    ['"a"', 'The body is JSON, but not an object.'],
    [Buffer.from([0x7b, 0xff, 0x7d]), 'The body is not UTF-8.']
  ])('%j is refused in words that do not repeat it', async (sent, detail) => {
    const { routes, errors } = desk()
    const body = async function* (): AsyncGenerator<Uint8Array> {
      yield Buffer.from(sent)
    }
    const reply = await routes.handle(requestTo('POST /tasks', { json: {}, body }))
    expect(reply).toMatchObject({ status: 400, close: false })
    expect(jsonOf(reply)).toMatchObject({ code: 'INVALID_BODY', detail })
    expect(errors).toEqual([])
  })

  it.each([
    nested(64),
    `{"a":"${'['.repeat(100)}"}`,
    `{"a":"\\"${'['.repeat(100)}"}`,
    `{"a":"\\\\","b":[[]]}`,
    `{"a":[${'[],'.repeat(100)}{}]}`
  ])('of at most 64 levels is taken: %s', async (text) => {
    const { routes } = desk()
    expect((await routes.handle(requestTo('POST /tasks', { json: {}, body: bytesOf(text) })))?.status).toBe(202)
  })

  const typed = async (contentType: string, more = {}): Promise<number | undefined> => {
    const headers = { 'content-type': contentType, ...more }
    return (await desk().routes.handle(requestTo('POST /tasks', { json: {}, headers })))?.status
  }

  it.each([
    'application/json',
    'Application/JSON',
    'application/problem+json',
    'application/json; charset=utf-8',
    'application/json;charset="UTF-8"',
    'application/json ; Charset=utf8',
    'application/json; charset="u\\tf-8"',
    'application/json;',
    'application/json; x=y; charset=utf-8',
    `application/json; x=${'y'.repeat(236)}`
  ])('may be of type %s', async (contentType) => {
    expect(await typed(contentType)).toBe(202)
    expect(await typed(contentType, { 'content-encoding': '' })).toBe(202)
    expect(await typed(contentType, { 'content-encoding': 'gzip' })).toBe(415)
  })

  it.each([
    '',
    'json',
    'text/json',
    'application/jsonx',
    'application/xjson',
    'application/json x',
    ' application/json',
    'application/json; charset=latin1',
    'application/json; charset=""',
    'application/json; charset=utf-8; charset=latin1',
    'application/json; charset',
    'application/json, text/plain',
    `application/json; x=${'y'.repeat(237)}`
  ])('may not be of type %j', async (contentType) => {
    expect(await typed(contentType)).toBe(415)
  })

  it('that break off are refused', async () => {
    const { routes, errors } = desk()
    const body = async function* (): AsyncGenerator<Uint8Array> {
      yield Buffer.from('{')
      throw new Error('reset')
    }
    const reply = await routes.handle(requestTo('POST /tasks', { json: {}, body: body() }))
    expect(reply).toMatchObject({ status: 400, close: true })
    expect(jsonOf(reply)).toMatchObject({ code: 'INVALID_BODY', detail: 'The body ended too soon.' })
    expect(errors).toEqual([])
  })

  it('that come as text, as where an encoding was set, are read no further than the first piece', async () => {
    const { routes, errors } = desk()
    let pieces = 0
    const body = async function* (): AsyncGenerator<never> {
      for (; ; pieces++) yield '{"secret":' as never
    }
    const reply = await routes.handle(requestTo('POST /tasks', { json: {}, body: body() }))
    expect(jsonOf(reply)).toMatchObject({ code: 'INTERNAL' })
    expect(pieces).toBe(0)
    expect(errors).toMatchObject([{ name: 'TypeError', message: expect.stringContaining('to give bytes') }])
  })
})

describe('a cancel', () => {
  it('ends what is queued at once, asks what runs to end, and comes too late for what has ended', async () => {
    const { routes, pool } = desk()
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

describe('a status', () => {
  const statusOf = async (routes: TicketRoutes, { id }: Task): Promise<Record<string, unknown>> =>
    jsonOf(await routes.handle(requestTo(`GET /tasks/${id}`)))

  it('has all that is known of a ticket, and null for the rest', async () => {
    const { pool, routes } = desk()
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

describe('a cancel that finds the ticket gone', () => {
  it('is a 404 as any other', async () => {
    const { pool, routes } = desk()
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
})

describe('invalidField', () => {
  it('is an error with the place in it', () => {
    const error = invalidField('/pages/0', 'must be a number')
    expect(error).toBeInstanceOf(RequestError)
    expect(error).toBeInstanceOf(Error)
    expect(error.name).toBe('RequestError')
    expect(error.problem.errors).toEqual([{ pointer: '/pages/0', detail: 'must be a number' }])
    expect(invalidField('', 'must have a width').problem.errors).toMatchObject([{ pointer: '' }])
  })

  it('takes pointers and texts only', () => {
    const pointer = new TypeError('Expected `pointer` to be a JSON pointer: empty, or a path that begins with "/"')
    expect(() => invalidField('width', 'x')).toThrow(pointer)
    expect(() => invalidField(7 as unknown as string, 'x')).toThrow(pointer)
    expect(() => invalidField('/a', 7 as unknown as string)).toThrow(
      new TypeError('Expected `detail` to be a string, got number')
    )
  })
})

describe('options', () => {
  const submit = (): never => {
    throw new Error('never called')
  }
  const path = '`accept[0].path` to be a path that begins with "/", as it stands in a URL'
  const freePath = '`accept[0].path` to be a path other than /livez, /readyz and those under /tasks/'
  const basePath = '`basePath` to be empty, or a path that begins with "/" and does not end with it'
  const publicUrl = '`publicUrl` to be an http or https URL without credentials, query and fragment'

  const wrong: readonly (readonly [options: unknown, message: string])[] = [
    [7, 'options'],
    [null, 'options'],
    [{ pollafter: 1 }, '`pollafter`'],
    [{ owner: 'me' }, '`owner`'],
    [{ authorize: true }, '`authorize`'],
    [{ longPolls: 7 }, '`longPolls` to be an object'],
    [{ longPolls: null }, '`longPolls` to be an object'],
    [{ longPolls: { perTicket: -1 } }, '`longPolls.perTicket`'],
    [{ longPolls: { perOwner: 1.5 } }, '`longPolls.perOwner`'],
    [{ longPolls: { total: Number.POSITIVE_INFINITY } }, '`longPolls.total`'],
    [{ longPolls: { most: 1 } }, '`most`'],
    [{ streams: 7 }, '`streams` to be an object'],
    [{ streams: { total: '5' } }, '`streams.total`'],
    [{ accept: {} }, '`accept` to be an array of routes'],
    [{ accept: [7] }, '`accept[0]` to be an object'],
    [{ accept: [{ path: '/a', submit, method: 'PUT' }] }, '`method`'],
    [{ accept: [{ path: '/a' }] }, '`accept[0].submit` to be a function'],
    [{ accept: [{ path: 'a', submit }] }, path],
    [{ accept: [{ path: '/a?b', submit }] }, path],
    [{ accept: [{ path: '/a b', submit }] }, path],
    [{ accept: [{ path: 7, submit }] }, path],
    [{ accept: [{ path: ['/a'], submit }] }, path],
    [{ accept: [{ path: '/livez', submit }] }, freePath],
    [{ accept: [{ path: '/readyz', submit }] }, freePath],
    [{ accept: [{ path: '/tasks/new', submit }] }, freePath],
    [{ accept: [{ path: '/a', submit, accepted: 7 }] }, '`accept[0].accepted`'],
    [{ accept: [{ path: '/a', submit, refused: 7 }] }, '`accept[0].refused`'],
    [
      {
        accept: [
          { path: '/a', submit },
          { path: '/a', submit }
        ]
      },
      '`accept` to be routes with a path each'
    ],
    [{ basePath: 'api' }, basePath],
    [{ basePath: '/api/' }, basePath],
    [{ basePath: '/a?b' }, basePath],
    [{ basePath: null }, basePath],
    [{ basePath: ['/api'] }, basePath],
    [{ publicUrl: 'example.org' }, publicUrl],
    [{ publicUrl: 'ftp://example.org' }, publicUrl],
    [{ publicUrl: 'https://me:pass@example.org' }, publicUrl],
    [{ publicUrl: 'https://me@example.org' }, publicUrl],
    [{ publicUrl: 'https://:pass@example.org' }, publicUrl],
    [{ publicUrl: 'https://example.org/?a' }, publicUrl],
    [{ publicUrl: 'https://example.org/#a' }, publicUrl],
    [{ publicUrl: 7 }, publicUrl],
    [{ publicUrl: ['https://example.org'] }, publicUrl],
    [{ pollAfterMs: 0 }, '`pollAfterMs`'],
    [{ pollAfterMs: Number.POSITIVE_INFINITY }, '`pollAfterMs`'],
    [{ pollAfterMs: '1' }, '`pollAfterMs`'],
    [{ maxBodyBytes: 0 }, '`maxBodyBytes`'],
    [{ maxBodyBytes: 1.5 }, '`maxBodyBytes`'],
    [{ maxIdempotencyKeys: 0 }, '`maxIdempotencyKeys`'],
    [{ maxIdempotencyKeys: Number.POSITIVE_INFINITY }, '`maxIdempotencyKeys`'],
    [{ describeError: 'x' }, '`describeError`'],
    [{ closing: true }, '`closing`'],
    [{ onError: 1 }, '`onError`'],
    [{ random: 0.5 }, '`random`'],
    [{ clock: 7 }, '`clock` to be a Clock'],
    [{ clock: null }, '`clock` to be a Clock'],
    [{ clock: { timer: () => 0 } }, '`clock` to be a Clock'],
    [{ clock: { now: () => 0 } }, '`clock` to be a Clock']
  ]

  it.each(wrong)('%j are refused with the name of what is wrong', (options, message) => {
    const make = () => ticketRoutes(poolWith(), options as TicketRoutesOptions)
    expect(make).toThrow(/^Expected /)
    expect(make).toThrow(message)
  })

  const pool = { task: () => {}, tasks: () => {}, cancel: () => {}, closed: Promise.resolve() }

  it.each([
    7,
    null,
    undefined,
    {},
    { ...pool, task: undefined },
    { ...pool, tasks: undefined },
    { ...pool, cancel: undefined },
    { ...pool, closed: undefined },
    { ...pool, closed: 7 }
  ])('%j is no pool', (pool) => {
    expect(() => ticketRoutes(pool as unknown as WorkerPool)).toThrow('Expected `pool` to be a WorkerPool')
  })

  it('that are undefined count as not given', () => {
    const none = Object.fromEntries(
      [
        'accept',
        'basePath',
        'publicUrl',
        'pollAfterMs',
        'maxBodyBytes',
        'maxIdempotencyKeys',
        'owner',
        'authorize',
        'longPolls',
        'streams',
        'describeError',
        'closing',
        'onError',
        'random',
        'clock'
      ].map((name) => [name, undefined])
    )
    expect(() => ticketRoutes(poolWith(), none)).not.toThrow()
    expect(() =>
      ticketRoutes(poolWith(), { basePath: '', publicUrl: 'http://localhost:8080', accept: [{ path: '/', submit }] })
    ).not.toThrow()
  })
})
