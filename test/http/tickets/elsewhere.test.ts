import { DuplicateTaskError, StoreError, type TaskMirror, type TaskRecord, WorkerPool } from 'coatcheck'
import { type AcceptingRoute, type HttpReply, mirrorReader, type TicketPool, ticketRoutes } from 'coatcheck/http'
import { keyvMirror } from 'coatcheck/stores/keyv'
import { memoryStore } from 'coatcheck/testing'
import { Keyv } from 'keyv'
import { describe, expect, it, onTestFinished } from 'vitest'
import { gate } from '../../support/gate.js'
import { ManualClock } from '../../support/manual-clock.js'
import { bytesOf, jsonOf, requestTo } from '../support/request-of.js'

/** A pool and its mirror in one Keyv, and the routes of a process that has nothing but the mirror. */
const twoProcesses = () => {
  const keyv = new Keyv()
  const pool = new WorkerPool({
    concurrency: 1,
    queueCapacity: 5,
    mirror: keyvMirror(keyv),
    onUnobservedError: () => {}
  }).start()
  onTestFinished(() => pool.stop({ graceMs: 0, forceMs: 0 }).then(() => {}))
  const clock = new ManualClock()
  const mirror = keyvMirror(keyv)
  const errors: unknown[] = []
  const onError = (error: unknown) => void errors.push(error)
  const here = ticketRoutes(pool, { onError })
  const there = ticketRoutes(mirrorReader(mirror), { clock, onError, authorize: () => true })
  const read = async (id: string): Promise<HttpReply> =>
    (await there.handle(requestTo(`GET /tasks/${id}`))) as HttpReply
  /** Waits until the other process sees this state. */
  const seen = (id: string, state: string) =>
    expect.poll(async () => (await mirror.read(id))?.state, { interval: 5 }).toBe(state)
  return { pool, clock, mirror, here, there, read, seen, errors }
}

/** Routes over a mirror that cannot be read, for this reason. */
const unreadable = (reason: unknown) => {
  const errors: unknown[] = []
  const routes = ticketRoutes(mirrorReader({ read: () => Promise.reject(reason) }), {
    random: () => 0,
    onError: (error) => void errors.push(error)
  })
  return { routes, errors }
}

describe('a ticket of another process', () => {
  it('has the same status document here and there', async () => {
    const { pool, here, read, seen } = twoProcesses()
    const done = pool.queueTask(() => ({ pages: 3 }), { name: 'count', metadata: { from: 'test' } })
    await seen(done.id, 'succeeded')
    pool.pause()
    const queued = pool.queueTask(() => 1)
    queued.cancel()
    await seen(queued.id, 'canceled')
    for (const { id } of [done, queued]) {
      expect(await read(id)).toEqual(await here.handle(requestTo(`GET /tasks/${id}`)))
    }
  })

  it('shows the code of a failure, and of the message what names no other task', async () => {
    const { pool, read, seen } = twoProcesses()
    const failed = pool.queueTask(() => Promise.reject(Object.assign(new Error('/etc/secret'), { code: 'EACCES' })))
    await seen(failed.id, 'failed')
    expect(jsonOf(await read(failed.id))).toMatchObject({ error: { code: 'EACCES', message: 'the task failed' } })
    const late = pool.queueTask(
      ({ signal }) =>
        new Promise((_, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason))
        }),
      { timeoutMs: 5 }
    )
    await seen(late.id, 'failed')
    const { error } = jsonOf(await read(late.id)) as { error: { code: string; message: string } }
    expect(error.code).toBe('TASK_TIMEOUT')
    expect(error.message).toContain(late.id)
  })

  it('cannot be canceled here while it is unfinished: 409, and nothing happens to it', async () => {
    const { pool, there, seen } = twoProcesses()
    const running = pool.queueTask(() => gate().promise)
    await seen(running.id, 'running')
    const reply = await there.handle(requestTo(`DELETE /tasks/${running.id}`))
    expect(reply?.status).toBe(409)
    expect(jsonOf(reply)).toMatchObject({ code: 'TICKET_ELSEWHERE' })
    expect(running.record().cancelRequestedAt).toBeUndefined()
  })

  it('that has ended is 200 to a cancel if it was canceled, else 409 ALREADY_FINISHED', async () => {
    const { pool, there, seen } = twoProcesses()
    const done = pool.queueTask(() => 1)
    await seen(done.id, 'succeeded')
    pool.pause()
    const canceled = pool.queueTask(() => 1)
    canceled.cancel()
    await seen(canceled.id, 'canceled')
    const cancel = (id: string) => there.handle(requestTo(`DELETE /tasks/${id}`))
    expect(await cancel(canceled.id)).toMatchObject({ status: 200 })
    const reply = await cancel(done.id)
    expect(reply?.status).toBe(409)
    expect(jsonOf(reply)).toMatchObject({ code: 'ALREADY_FINISHED', state: 'succeeded' })
  })

  it('answers a long poll when the mirror shows the change, which is read once a second', async () => {
    const { pool, clock, there, seen } = twoProcesses()
    const end = gate()
    const task = pool.queueTask(() => end.promise)
    await seen(task.id, 'running')
    const headers = { prefer: 'wait=20' }
    const poll = there.handle(requestTo(`GET /tasks/${task.id}`, { headers }))
    end.open()
    await seen(task.id, 'succeeded')
    await expect.poll(() => clock.advance(1_000).then(() => Promise.race([poll, undefined]))).toBeDefined()
    const reply = await poll
    expect(jsonOf(reply)).toMatchObject({ status: 'succeeded' })
    expect(reply?.headers).toMatchObject({ 'Preference-Applied': 'wait=20' })
  })

  it('is followed by a stream to its end', async () => {
    const { pool, clock, there, seen } = twoProcesses()
    const end = gate<string>()
    const task = pool.queueTask(() => end.promise)
    await seen(task.id, 'running')
    const reply = (await there.handle(requestTo(`GET /tasks/${task.id}/events`))) as HttpReply
    const pieces: string[] = []
    let isOver = false
    const reading = (async () => {
      for await (const piece of reply.body as AsyncIterable<string>) pieces.push(piece)
      isOver = true
    })()
    end.open('done')
    await seen(task.id, 'succeeded')
    await expect.poll(() => clock.advance(500).then(() => isOver)).toBe(true)
    await reading
    expect(pieces.at(0)).toContain('"status":"running"')
    expect(pieces.at(-1)).toContain('"status":"succeeded"')
  })

  it('is 404 if it can no longer be seen once its cancel was requested', async () => {
    const { pool } = twoProcesses()
    const task = pool.queueTask(() => gate().promise)
    const { id } = task
    const found = [task.record(), undefined]
    const canceled: string[] = []
    const distant: TicketPool = {
      state: 'running',
      closed: pool.closed,
      findTask: async () => found.shift(),
      tasks: () => [],
      cancel: async (ticket) => {
        canceled.push(ticket)
        return 'canceled' as const
      }
    }
    expect(await ticketRoutes(distant).handle(requestTo(`DELETE /tasks/${id}`))).toMatchObject({ status: 404 })
    expect(canceled).toEqual([id])
  })

  it('is 404 for a pool that looks nowhere else', async () => {
    const { pool } = twoProcesses()
    const plain: TicketPool = {
      state: 'running',
      closed: pool.closed,
      task: (id) => pool.task(id),
      tasks: () => [],
      cancel: () => 'unknown'
    }
    expect(await ticketRoutes(plain).handle(requestTo('GET /tasks/none'))).toMatchObject({ status: 404 })
  })

  it('is 404 when the mirror does not have it', async () => {
    expect((await twoProcesses().read('none')).status).toBe(404)
  })
})

describe('a ticket that cannot be looked up', () => {
  it('is 503 with Retry-After on every route of a ticket, never 404', async () => {
    const { routes, errors } = unreadable(new StoreError('away'))
    for (const line of ['GET /tasks/a', 'DELETE /tasks/a', 'GET /tasks/a/events']) {
      const reply = await routes.handle(requestTo(line))
      expect(reply, line).toMatchObject({ status: 503, headers: { 'Retry-After': '1' } })
      expect(jsonOf(reply)).toMatchObject({ code: 'STORE_UNAVAILABLE', retryAfterMs: 1_000 })
    }
    expect(errors).toEqual([])
  })

  it('is 503 also for an error of any other kind, which is reported', async () => {
    const broken = new Error('a bug in the mirror')
    const { routes, errors } = unreadable(broken)
    expect(await routes.handle(requestTo('GET /tasks/a'))).toMatchObject({ status: 503 })
    expect(errors).toEqual([broken])
  })

  it('is 404 without a look-up when it cannot be a ticket', async () => {
    const { routes } = unreadable(new StoreError('away'))
    expect(await routes.handle(requestTo('GET /tasks/%2e%2e'))).toMatchObject({ status: 404 })
  })
})

describe('a pool whose look-ups are promises', () => {
  it('is asked by findTask, cancel, changes and tasks alone', async () => {
    const pool = new WorkerPool({ concurrency: 1, queueCapacity: 5 }).start()
    onTestFinished(() => pool.stop({ graceMs: 0, forceMs: 0 }).then(() => {}))
    const shared: TicketPool = {
      state: 'running',
      closed: pool.closed,
      findTask: (id) => pool.findTask(id),
      changes: (id, signal) => (pool.task(id) as ReturnType<typeof pool.queueTask>).changes({ signal }),
      tasks: async (query) => pool.tasks(query),
      cancel: async (id) => pool.cancel(id)
    }
    const end = gate<number>()
    const routes = ticketRoutes(shared, {
      authorize: () => true,
      accept: [{ path: '/tasks', submit: () => pool.queueTask(() => end.promise) }]
    })
    const send = (line: string, headers = {}) => routes.handle(requestTo(line, { headers, body: bytesOf('{}') }))
    const { id } = jsonOf(await send('POST /tasks', { 'content-type': 'application/json' })) as { id: string }
    await expect.poll(async () => jsonOf(await send(`GET /tasks/${id}`))).toMatchObject({ status: 'running' })
    const poll = send(`GET /tasks/${id}`, { prefer: 'wait=20' })
    const other = jsonOf(await send('POST /tasks', { 'content-type': 'application/json' })) as { id: string }
    expect(await send(`DELETE /tasks/${other.id}`)).toMatchObject({ status: 200 })
    expect(await send(`DELETE /tasks/${other.id}`)).toMatchObject({ status: 200 })
    expect(await send(`DELETE /tasks/${id}`)).toMatchObject({ status: 202 })
    end.open(7)
    expect(jsonOf(await poll)).toMatchObject({ status: 'succeeded', result: 7 })
    expect(await send(`DELETE /tasks/${id}`)).toMatchObject({ status: 409 })
    const { tasks } = jsonOf(await send('GET /tasks')) as { tasks: { id: string }[] }
    expect(tasks.map((task) => task.id)).toEqual([other.id, id])
  })

  it('needs one of task and findTask', () => {
    const pool = { state: 'running', closed: Promise.resolve(), tasks: () => [], cancel: () => 'unknown' }
    expect(() => ticketRoutes(pool as TicketPool)).toThrow(TypeError)
  })
})

describe('an idempotency key of a pool that gives it a ticket', () => {
  const withKeys = () => {
    const pool = new WorkerPool({
      concurrency: 1,
      queueCapacity: 50,
      handlers: { job: () => gate().promise },
      onUnobservedError: () => {}
    }).start()
    onTestFinished(() => pool.stop({ graceMs: 0, forceMs: 0 }).then(() => {}))
    let refusalOf: ((id: string) => Error) | undefined
    const accept: AcceptingRoute[] = [
      {
        path: '/tasks',
        submit: (_, { once }) => {
          if (refusalOf !== undefined) throw refusalOf(once?.id as string)
          return pool.queueTask('job', undefined, { ...once })
        }
      }
    ]
    const open = (of: TicketPool = pool) => {
      const routes = ticketRoutes(of, { accept, random: () => 0, onError: () => {} })
      return (body: string, key = 'k') =>
        routes.handle(
          requestTo('POST /tasks', {
            body: bytesOf(body),
            headers: { 'content-type': 'application/json', 'idempotency-key': key }
          })
        )
    }
    const refuse = (errorOf: (id: string) => Error): void => {
      refusalOf = errorOf
    }
    /** The pool, as a process has it that must look for each ticket. */
    const lookedUpBy = (findTask: NonNullable<TicketPool['findTask']>): TicketPool => ({
      state: 'running',
      closed: pool.closed,
      findTask,
      tasks: () => [],
      cancel: () => 'unknown',
      ticketFor: (text) => pool.ticketFor(text)
    })
    return { pool, open, refuse, lookedUpBy }
  }

  it('is known to routes that have never seen it: the same ticket, and 422 for another body', async () => {
    const { pool, open } = withKeys()
    const first = await open()('{"a":1}')
    const { id } = jsonOf(first) as { id: string }
    expect(first?.headers).not.toHaveProperty('Idempotent-Replayed')
    const again = await open()('{"a":1}')
    expect(again).toMatchObject({ status: 202, headers: { 'Idempotent-Replayed': 'true' } })
    expect(jsonOf(again)).toMatchObject({ id })
    const other = await open()('{"a":2}')
    expect(other?.status).toBe(422)
    expect(jsonOf(await open()('{"a":1}', 'another'))).not.toMatchObject({ id })
    expect(pool.stats().totals.accepted).toBe(2)
  })

  it('is found by findTask where the pool has forgotten the ticket', async () => {
    const { pool, open, lookedUpBy } = withKeys()
    const { id } = jsonOf(await open()('{}')) as { id: string }
    const record = pool.task(id)?.record() as TaskRecord
    const distant = lookedUpBy(async (ticket) => (ticket === id ? record : undefined))
    const again = await open(distant)('{}')
    expect(again).toMatchObject({ status: 202, headers: { 'Idempotent-Replayed': 'true' } })
    expect(jsonOf(again)).toMatchObject({ id })
    expect(await open(distant)('{"b":1}')).toMatchObject({ status: 422 })
  })

  describe('of which another process queues the task in the same moment', () => {
    /** The first look finds nothing, the next one the task. */
    const meanwhile = async () => {
      const keys = withKeys()
      const { id } = jsonOf(await keys.open()('{}')) as { id: string }
      const record = keys.pool.task(id)?.record() as TaskRecord
      let looks = 0
      const post = keys.open(keys.lookedUpBy(async (ticket) => (looks++ > 0 && ticket === id ? record : undefined)))
      return { ...keys, id, post }
    }

    it('gets the ticket of that task', async () => {
      const { pool, id, post } = await meanwhile()
      const reply = await post('{}')
      expect(reply).toMatchObject({ status: 202, headers: { 'Idempotent-Replayed': 'true' } })
      expect(jsonOf(reply)).toMatchObject({ id })
      expect(pool.stats().totals.accepted).toBe(1)
    })

    it.each([
      ['another ticket is taken', () => new DuplicateTaskError('another'), 409],
      ['the store fails', (id: string) => Object.assign(new StoreError('away'), { id }), 503],
      ['the program fails', (id: string) => Object.assign(new Error('no'), { id, code: 'ERR_DUPLICATE_TASK' }), 500]
    ])('gets the refusal of its own where %s', async (_, errorOf, status) => {
      const { post, refuse } = await meanwhile()
      refuse(errorOf)
      const reply = await post('{}')
      expect(reply?.status).toBe(status)
      expect(reply?.headers).not.toHaveProperty('Idempotent-Replayed')
    })
  })

  it.each([
    ['that has failed', true, 'ERR_STORE'],
    ['that has failed without a call', false, 'ERR_OTHER']
  ])('is replayed by a task %s, and without a fingerprint whatever the body is', async (_, started, code) => {
    const { pool, open, lookedUpBy } = withKeys()
    const { id } = jsonOf(await open()('{}')) as { id: string }
    const { fingerprint, startedAt, ...record } = (await pool.findTask(id)) as TaskRecord
    expect(fingerprint).toEqual(expect.any(String))
    const distant = lookedUpBy(async () => ({
      ...record,
      ...(started && { startedAt: startedAt as string }),
      state: 'failed',
      error: { name: 'StoreError', message: 'away', code }
    }))
    const again = await open(distant)('{"b":1}')
    expect(again?.headers).toMatchObject({ 'Idempotent-Replayed': 'true' })
    expect(jsonOf(again)).toMatchObject({ id, status: 'failed' })
  })

  it('is free again if the store did not take its task', async () => {
    const store = memoryStore()
    const pool = new WorkerPool({
      ...{ concurrency: 1, queueCapacity: 5, store, handlers: { job: () => 1 } },
      onUnobservedError: () => {}
    })
    onTestFinished(() => pool.stop({ graceMs: 0, forceMs: 0 }).then(() => {}))
    const routes = ticketRoutes(pool, {
      accept: [{ path: '/tasks', submit: (_, { once }) => pool.queueTask('job', undefined, { ...once }) }]
    })
    const headers = { 'content-type': 'application/json', 'idempotency-key': 'k' }
    const post = () => routes.handle(requestTo('POST /tasks', { headers, body: bytesOf('{}') }))
    store.failNext()
    expect(await post()).toMatchObject({ status: 503 })
    await expect.poll(() => pool.stats().storeFailing).toBe(false)
    const again = await post()
    expect(again).toMatchObject({ status: 202 })
    expect(again?.headers).not.toHaveProperty('Idempotent-Replayed')
  })

  it('makes one ticket of twenty requests at once', async () => {
    const { pool, open } = withKeys()
    const post = open()
    const replies = await Promise.all(Array.from({ length: 20 }, () => post('{}')))
    expect(new Set(replies.map((reply) => (jsonOf(reply) as { id: string }).id)).size).toBe(1)
    expect(replies.filter((reply) => reply?.headers['Idempotent-Replayed'] === 'true')).toHaveLength(19)
    expect(pool.stats().totals.accepted).toBe(1)
  })

  it('queues nothing while it cannot be known whether the key has a task', async () => {
    const { pool, open, lookedUpBy } = withKeys()
    const reply = await open(lookedUpBy(() => Promise.reject(new StoreError('away'))))('{}')
    expect(reply).toMatchObject({ status: 503, headers: { 'Retry-After': '1' } })
    expect(jsonOf(reply)).toMatchObject({ code: 'STORE_UNAVAILABLE' })
    expect(pool.stats().totals.accepted).toBe(0)
  })
})

describe('a store that fails', () => {
  const refusal = async (error: unknown) => {
    const mirror: Pick<TaskMirror, 'read'> = { read: async () => undefined }
    const submit = (): never => {
      throw error
    }
    const routes = ticketRoutes(mirrorReader(mirror), { accept: [{ path: '/tasks', submit }], random: () => 0 })
    const headers = { 'content-type': 'application/json' }
    return routes.handle(requestTo('POST /tasks', { body: bytesOf('{}'), headers }))
  }

  it('makes a POST 503, and says how to repeat it safely when the write is in doubt', async () => {
    const plain = await refusal(new StoreError('disk full'))
    expect(plain).toMatchObject({ status: 503, headers: { 'Retry-After': '1' } })
    expect(jsonOf(plain)).toMatchObject({ code: 'STORE_UNAVAILABLE', retryAfterMs: 1_000 })
    expect((jsonOf(plain) as { detail: string }).detail).not.toContain('Idempotency-Key')
    const doubtful = await refusal(new StoreError('fsync failed', { inDoubt: true }))
    expect((jsonOf(doubtful) as { detail: string }).detail).toContain('Idempotency-Key')
  })
})

it('a pool that derives no tickets answers a repeated key from memory', async () => {
  const pool = new WorkerPool({ concurrency: 1, queueCapacity: 5 }).start()
  onTestFinished(() => pool.stop({ graceMs: 0, forceMs: 0 }).then(() => {}))
  const plain: TicketPool = {
    state: 'running',
    closed: pool.closed,
    task: (id) => pool.task(id),
    tasks: (query) => pool.tasks(query),
    cancel: () => 'unknown'
  }
  const routes = ticketRoutes(plain, {
    accept: [{ path: '/tasks', submit: (_, { once }) => pool.queueTask(() => 'done', { ...once }) }]
  })
  const headers = { 'content-type': 'application/json', 'idempotency-key': 'k' }
  const post = () => routes.handle(requestTo('POST /tasks', { headers, body: bytesOf('{}') }))
  const [first, again] = [await post(), await post()]
  expect(again?.headers['Idempotent-Replayed']).toBe('true')
  expect(again?.headers['Location']).toBe(first?.headers['Location'])
  expect((await routes.handle(requestTo(`DELETE ${first?.headers['Location']}`)))?.status).toBe(404)
})
