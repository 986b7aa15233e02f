/** Ownership of tickets: `owner`, `authorize`, and the list that it enables. */
import { DuplicateTaskError, type Task, type TaskRecord, type WorkerPool } from 'coatcheck'
import { type HttpReply, type OwnedRequest, problem, RequestError, type TicketRoutesOptions } from 'coatcheck/http'
import { describe, expect, it } from 'vitest'
import { gate } from '../../support/gate.js'
import { EventReader } from '../support/event-reader.js'
import { jsonOf, requestTo } from '../support/request-of.js'
import { type ServiceOptions, service } from '../support/service.js'

const owner: TicketRoutesOptions['owner'] = ({ headers }) => headers['x-user'] as string | undefined
const isOwn = (request: OwnedRequest, { key }: TaskRecord): boolean => key !== undefined && key === request.owner

/** A service in which each client sees its own tickets; a header names the client. */
const shared = (options: ServiceOptions = {}) => {
  const opened = service({ owner, authorize: isOwn, ...options })
  const as = async (user: string, line: string, headers = {}): Promise<HttpReply | undefined> =>
    (await opened.send(line, { 'x-user': user, ...headers })).reply
  return { ...opened, as }
}

const idsOf = (reply: HttpReply | undefined): unknown[] =>
  (jsonOf(reply)['tasks'] as { readonly id: string }[]).map(({ id }) => id)

describe("another owner's ticket", () => {
  it('K15 is answered like an unknown one, for every method', async () => {
    const { as, begin } = shared()
    const { task } = await begin({ key: 'ada' })
    for (const line of ['GET /tasks/ID', 'HEAD /tasks/ID', 'DELETE /tasks/ID', 'GET /tasks/ID/events']) {
      const usual = await as('eve', line.replace('ID', 'none'))
      expect(usual?.status).toBe(404)
      expect(await as('eve', line.replace('ID', task.id), { prefer: 'wait=20' }), line).toEqual(usual)
      expect(await as('eve', line.replace('ID', task.id), { 'if-none-match': '*' }), line).toEqual(usual)
    }
    expect(task.record().cancelRequestedAt).toBeUndefined()
    expect((await as('ada', `GET /tasks/${task.id}`))?.status).toBe(200)
    expect((await as('ada', `DELETE /tasks/${task.id}`))?.status).toBe(202)
  })

  it("K15 cannot be followed, and one's own can", async () => {
    const { as, begin } = shared()
    const { task, end } = await begin({ key: 'ada' })
    await end('paper')
    const reader = new EventReader(await as('ada', `GET /tasks/${task.id}/events`))
    await reader.take()
    expect(reader.last?.status?.result).toBe('paper')
  })

  it('may be used by any client without authorize', async () => {
    const { as, begin } = shared({ authorize: undefined })
    const { task } = await begin({ key: 'ada' })
    expect((await as('eve', `GET /tasks/${task.id}`))?.status).toBe(200)
  })
})

describe('authorize', () => {
  it('is called with the request, its owner and the current record', async () => {
    const seen: unknown[] = []
    const { as, begin } = shared({
      authorize: async (request, record) => {
        seen.push([request.method, request.target, request.owner, request.headers['x-user'], record.id, record.state])
        return true
      }
    })
    const { task } = await begin()
    expect((await as('ada', `GET /tasks/${task.id}?x`))?.status).toBe(200)
    expect((await as('ada', 'GET /tasks/none'))?.status).toBe(404)
    expect(seen).toEqual([['GET', `/tasks/${task.id}?x`, 'ada', 'ada', task.id, 'running']])
  })

  it.each([
    ['1', () => 1],
    ['text', () => 'yes'],
    ['nothing', () => undefined],
    ['an object', () => ({})],
    ['a promise of no', () => Promise.resolve(false)],
    ['a promise of 1', () => Promise.resolve(1)]
  ])('permits with true only, not with %s', async (_, authorize) => {
    const { as, begin } = shared({ authorize: authorize as unknown as () => boolean })
    const { task } = await begin()
    expect((await as('ada', `GET /tasks/${task.id}`))?.status).toBe(404)
  })

  it.each([
    ['throws', () => bug()],
    ['rejects', async () => bug()]
  ])('that %s denies, and the error goes to onError', async (_, authorize) => {
    const { as, begin, errors } = shared({ authorize })
    const { task } = await begin()
    expect(await as('ada', `GET /tasks/${task.id}`)).toEqual(await as('ada', 'GET /tasks/none'))
    expect(errors).toMatchObject([{ message: 'bug' }])
  })

  const bug = (): never => {
    throw new Error('bug')
  }
})

describe('owner', () => {
  const posting = (options: ServiceOptions = {}, submit?: (pool: WorkerPool, request: OwnedRequest) => Task) => {
    const requests: OwnedRequest[] = []
    const opened = shared({
      ...options,
      accept: [
        {
          path: '/tasks',
          submit: (_, request) => {
            requests.push(request)
            return submit?.(opened.pool, request) ?? opened.pool.queueTask(() => gate().promise, { key: request.owner })
          }
        }
      ]
    })
    const post = (user?: string, more = {}): Promise<HttpReply | undefined> => {
      const headers = { 'content-type': 'application/json', ...(user === undefined ? {} : { 'x-user': user }) }
      return opened.routes.handle({ ...requestTo('POST /tasks', { json: {}, headers }), ...more })
    }
    return { ...opened, post, requests }
  }

  it('is passed to submit with the rest of the request, for the key of the task', async () => {
    const { post, pool, requests } = posting()
    expect((await post('ada', { extra: 7 }))?.status).toBe(202)
    expect(pool.tasks().map(({ key }) => key)).toEqual(['ada'])
    expect(requests[0]).toMatchObject({ owner: 'ada', method: 'POST', target: '/tasks', extra: 7 })
    expect(requests[0]?.signal).toBeInstanceOf(AbortSignal)
    await post()
    expect(requests[1]?.owner).toBeUndefined()
  })

  it("reads requests that are instances of an adapter's class", async () => {
    const { routes, requests } = posting()
    const plain = requestTo('POST /tasks', { json: {} })
    class OwnRequest {
      readonly body = plain.body
      readonly signal = plain.signal
      get method(): string {
        return plain.method
      }
      get target(): string {
        return plain.target
      }
      get headers() {
        return { ...plain.headers, 'x-user': 'ada' }
      }
    }
    expect((await routes.handle(new OwnRequest()))?.status).toBe(202)
    expect(requests[0]).toMatchObject({ owner: 'ada', method: 'POST', target: '/tasks' })
    expect(requests[0]?.signal).toBe(plain.signal)
  })

  it('makes a 429 of a full share, while others are served', async () => {
    const { post } = posting({ pool: { concurrency: 1, perKey: { queueCapacity: 1 } } })
    expect([(await post('ada'))?.status, (await post('ada'))?.status]).toEqual([202, 202])
    const full = await post('ada')
    expect(full?.status).toBe(429)
    expect(jsonOf(full)).toMatchObject({ code: 'KEY_QUEUE_FULL' })
    expect(full?.headers['Retry-After']).toMatch(/^[1-9]\d*$/)
    expect((await post('bob'))?.status).toBe(202)
  })

  it('may refuse a request: its error is the reply, and nothing is queued', async () => {
    const denied = problem('CROSS_SITE')
    const { post, as, pool, errors } = posting({
      owner: () => {
        throw new RequestError({ problem: JSON.parse(String(denied.body)) })
      }
    })
    expect(await post()).toEqual(denied)
    expect(await as('ada', 'GET /tasks/none')).toEqual(denied)
    expect(pool.stats().totals.submitted).toBe(0)
    expect(errors).toEqual([])
  })

  it.each([
    ['throws', () => bug()],
    ['rejects', async () => bug()],
    ['names somebody by a number', () => 7 as unknown as string, 'Expected `owner` to be'],
    ['names somebody by null', () => null as unknown as string, 'Expected `owner` to be'],
    ['names somebody at length', () => 'x'.repeat(257), 'Expected `owner` to be']
  ])('that %s is a 500 without detail, and nothing is queued', async (_, failing, told = 'bug') => {
    const { post, as, pool, errors } = posting({ owner: failing })
    expect(jsonOf(await post())).toMatchObject({ status: 500, code: 'INTERNAL' })
    expect((await as('ada', 'GET /tasks'))?.status).toBe(500)
    const message = expect.stringContaining(told)
    expect(errors).toMatchObject([{ message }, { message }])
    expect(pool.stats().totals.submitted).toBe(0)
  })

  const bug = (): never => {
    throw new Error('bug')
  }

  it('is called once per request, and not for health, methods and malformed requests', async () => {
    let sent = 0
    const counting: TicketRoutesOptions['owner'] = () => {
      sent++
      return undefined
    }
    const { post, as, routes } = posting({ owner: counting })
    await post()
    expect(sent).toBe(1)
    await as('ada', 'GET /livez')
    await as('ada', 'PUT /tasks')
    await as('ada', 'PUT /tasks/none')
    await routes.handle(requestTo('POST /tasks', { headers: { 'content-type': 'application/json' } }))
    expect(sent).toBe(1)
  })

  it('of a task with the duplicate id gets its Location, and no other client does', async () => {
    const { post, begin } = posting({ authorize: undefined }, (pool) => pool.queueTask(() => 1, { id: 'order-7' }))
    await begin({ id: 'order-7', key: 'ada' })
    const own = await post('ada')
    expect(own).toMatchObject({ status: 409, headers: { Location: '/tasks/order-7' } })
    expect(jsonOf(own)).toMatchObject({ code: 'DUPLICATE_TASK' })
    for (const other of [await post('eve'), await post()]) {
      expect(other?.status).toBe(409)
      expect(other?.headers).not.toHaveProperty('Location')
      expect(other?.body).toBe(own?.body)
    }
  })

  it('without access gets no Location: the task is forgotten, or not visible', async () => {
    const gone = posting({}, () => {
      throw new DuplicateTaskError('order-7')
    })
    const nowhere = await gone.post('ada')
    expect(nowhere?.status).toBe(409)
    expect(nowhere?.headers).not.toHaveProperty('Location')
    const unseen = posting({ authorize: () => false }, (pool) => pool.queueTask(() => 1, { id: 'order-7' }))
    await unseen.begin({ id: 'order-7', key: 'ada' })
    expect((await unseen.post('ada'))?.headers).not.toHaveProperty('Location')
    const keyless = posting({ owner: undefined, authorize: () => true }, (pool) =>
      pool.queueTask(() => 1, { id: 'order-7' })
    )
    await keyless.begin({ id: 'order-7' })
    const reply = await keyless.post()
    expect(reply?.status).toBe(409)
    expect(reply?.headers).not.toHaveProperty('Location')
  })

  it('gets a Location with no other refusal', async () => {
    const { post, begin } = posting({ pool: { concurrency: 1, queueCapacity: 0 } })
    await begin({ id: 'undefined', key: 'ada' })
    const full = await post('ada')
    expect(full?.status).toBe(503)
    expect(full?.headers).not.toHaveProperty('Location')
  })
})

describe('GET /tasks', () => {
  it('lists the tickets that the client may see, newest first, each with its status', async () => {
    const { as, begin, clock, pool } = shared()
    const first = await begin({ key: 'ada' })
    await clock.advance(5)
    await begin({ key: 'eve' })
    await clock.advance(5)
    const second = pool.queueTask(() => 1, { key: 'ada', name: 'late' })
    const reply = await as('ada', 'GET /tasks')
    expect(reply?.status).toBe(200)
    expect(reply?.headers).toMatchObject({ 'Content-Type': 'application/json', 'Cache-Control': 'private, no-cache' })
    expect(jsonOf(reply)).toEqual({
      tasks: [
        jsonOf(await as('ada', `GET /tasks/${second.id}`)),
        jsonOf(await as('ada', `GET /tasks/${first.task.id}`))
      ]
    })
    expect(jsonOf(await as('nobody', 'GET /tasks'))).toEqual({ tasks: [] })
    expect(await as('ada', 'HEAD /tasks')).toEqual({ status: 200, headers: reply?.headers, close: false })
  })

  it('filters by state, and limits the number', async () => {
    const { as, begin, pool } = shared()
    const { task, fail } = await begin({ key: 'ada' })
    await fail(new Error('secret'))
    const running = [await begin({ key: 'ada' }), await begin({ key: 'ada' })]
    const queued = pool.queueTask(() => 1, { key: 'ada' })
    expect(idsOf(await as('ada', 'GET /tasks?state=failed'))).toEqual([task.id])
    expect((await as('ada', 'GET /tasks?state=failed'))?.body).not.toContain('secret')
    expect(idsOf(await as('ada', 'GET /tasks?state=running'))).toHaveLength(2)
    expect(idsOf(await as('ada', 'GET /tasks?state=canceled'))).toEqual([])
    expect(idsOf(await as('ada', 'GET /tasks?limit=1'))).toEqual([queued.id])
    expect(idsOf(await as('ada', 'GET /tasks?limit=1&state=running'))).toEqual([running[1]?.task.id])
    expect(idsOf(await as('ada', 'GET /tasks?other=x'))).toHaveLength(4)
  })

  it('lists at most a hundred', async () => {
    const { as, pool } = shared({ pool: { queueCapacity: 200 } })
    pool.pause()
    for (let count = 0; count < 150; count++) pool.queueTask(() => 1, { key: 'ada' })
    expect(idsOf(await as('ada', 'GET /tasks'))).toHaveLength(100)
    expect(idsOf(await as('ada', 'GET /tasks?limit=100'))).toHaveLength(100)
  })

  it("finds one's own below a thousand of others", async () => {
    const { as, pool, clock } = shared({ pool: { queueCapacity: 2_000 } })
    pool.pause()
    const own = pool.queueTask(() => 1, { key: 'ada' })
    await clock.advance(5)
    for (let count = 0; count < 1_500; count++) pool.queueTask(() => 1, { key: 'eve' })
    await clock.advance(5)
    const late = pool.queueTask(() => 1, { key: 'ada' })
    expect(idsOf(await as('ada', 'GET /tasks'))).toEqual([late.id, own.id])
    expect(idsOf(await as('eve', 'GET /tasks?limit=7'))).toHaveLength(7)
  })

  it('lists the newest visible tickets of all owners', async () => {
    const { as, pool, clock } = shared({ authorize: () => true })
    pool.queueTask(() => 1, { key: 'ada' })
    await clock.advance(5)
    const newest = pool.queueTask(() => 1, { key: 'eve' })
    expect(idsOf(await as('ada', 'GET /tasks?limit=1'))).toEqual([newest.id])
  })

  it("sorts one's own among the visible ones of others", async () => {
    const { as, pool, clock } = shared({ authorize: () => true, pool: { queueCapacity: 2_000 } })
    pool.pause()
    const own = pool.queueTask(() => 1, { key: 'ada' })
    await clock.advance(5)
    for (let count = 0; count < 1_500; count++) pool.queueTask(() => 1, { key: 'eve' })
    const ids = idsOf(await as('ada', 'GET /tasks'))
    expect(ids).toHaveLength(100)
    expect(ids.indexOf(own.id)).toBe(99)
  })

  it.each([10, 1_500])(
    'has the newest first after the wall clock was stepped back, among %d tickets',
    async (count) => {
      const { as, pool, clock } = shared({ authorize: () => true, pool: { queueCapacity: 2_000 } })
      pool.pause()
      const own = pool.queueTask(() => 1, { key: 'ada' })
      await clock.advance(2_000)
      clock.stepWall(-3_600_000)
      for (let each = 0; each < count; each++) pool.queueTask(() => 1, { key: 'eve' })
      await clock.advance(2_000)
      const newest = pool.queueTask(() => 1, { key: 'ada' })
      expect(newest.record().queuedAt < own.record().queuedAt).toBe(true)
      const ids = idsOf(await as('ada', 'GET /tasks'))
      expect(ids[0]).toBe(newest.id)
      expect(ids.at(-1)).toBe(own.id)
    }
  )

  it('omits tickets whose state changed while authorize ran', async () => {
    const held = gate<boolean>()
    const { send, begin, clock } = service({ authorize: () => held.promise })
    const [older, newer] = [await begin(), await begin()]
    const sent = await send('GET /tasks?state=running')
    expect(sent.reply).toBeUndefined()
    await older.end()
    held.open(true)
    await clock.turn()
    expect(idsOf(sent.reply)).toEqual([newer.task.id])
  })

  it('stops calling authorize when the client has left', async () => {
    let judged = 0
    const { begin, routes } = service({
      authorize: () => {
        judged++
        return true
      }
    })
    await begin()
    expect((await routes.handle(requestTo('GET /tasks', { signal: AbortSignal.abort() })))?.status).toBe(200)
    expect(judged).toBe(0)
  })

  const limit = 'must be a whole number from 1 to 100'
  const state = 'must be one of queued, running, succeeded, failed, canceled'
  const once = 'must be given once'

  it.each([
    ['limit=0', '/limit', limit],
    ['limit=101', '/limit', limit],
    ['limit=-1', '/limit', limit],
    ['limit=1.5', '/limit', limit],
    ['limit=01', '/limit', limit],
    ['limit=%201', '/limit', limit],
    ['limit=', '/limit', limit],
    ['limit', '/limit', limit],
    ['limit=1e1', '/limit', limit],
    ['limit=9999999999999999999', '/limit', limit],
    ['limit=1&limit=2', '/limit', once],
    ['state=', '/state', state],
    ['state=done', '/state', state],
    ['state=Running', '/state', state],
    ['state=__proto__', '/state', state],
    ['state=queued&state=queued', '/state', once],
    ['state=secret-value&limit=x', '/state', state]
  ])('refuses ?%s by name', async (query, pointer, detail) => {
    const { as } = shared()
    const reply = await as('ada', `GET /tasks?${query}`)
    expect(reply?.status).toBe(400)
    expect(jsonOf(reply)).toMatchObject({
      code: 'INVALID_FIELD',
      detail: 'A part of the query is wrong.',
      errors: [{ pointer, detail }]
    })
    expect(reply?.body).not.toContain('secret-value')
  })

  it('does not exist without authorize', async () => {
    const bare = service({ owner })
    expect((await bare.send('GET /tasks')).reply).toBeUndefined()
    const elsewhere = service({ accept: [{ path: '/reports', submit: () => elsewhere.pool.queueTask(() => 1) }] })
    expect((await elsewhere.send('GET /tasks')).reply).toBeUndefined()
    const accepting = service({ accept: [{ path: '/tasks', submit: () => accepting.pool.queueTask(() => 1) }] })
    for (const method of ['GET', 'HEAD']) {
      expect((await accepting.send(`${method} /tasks`)).reply).toMatchObject({ status: 404 })
    }
    expect((await accepting.send('OPTIONS /tasks')).reply?.headers['Allow']).toBe('POST, OPTIONS')
    expect((await accepting.send('PUT /tasks')).reply?.headers['Allow']).toBe('POST, OPTIONS')
  })

  it('shares its path with an accepting route, under the base path', async () => {
    const { as, pool } = shared({
      basePath: '/api',
      publicUrl: 'https://example.org',
      accept: [{ path: '/tasks', submit: () => pool.queueTask(() => 1, { key: 'ada', id: 'a' }) }]
    })
    expect(await as('ada', 'GET /tasks')).toBeUndefined()
    expect((await as('ada', 'PUT /api/tasks'))?.headers['Allow']).toBe('GET, HEAD, POST, OPTIONS')
    pool.queueTask(() => 1, { key: 'ada', id: 'b' })
    const links = (jsonOf(await as('ada', 'GET /api/tasks'))['tasks'] as { readonly links: unknown }[])[0]?.links
    expect(links).toEqual({
      self: 'https://example.org/api/tasks/b',
      events: 'https://example.org/api/tasks/b/events'
    })
  })
})
