import { DuplicateTaskError, type Task } from 'coatcheck'
import { invalidField, RequestError, ticketRoutes } from 'coatcheck/http'
import { describe, expect, it } from 'vitest'
import { gate } from '../support/gate.js'
import { jsonOf, requestTo } from './support/request-of.js'
import { poolWith, routesWith } from './support/routes.js'

describe('paths and URLs', () => {
  it('puts every path under the base path, and links under the public URL', async () => {
    const { routes } = routesWith(undefined, { basePath: '/api/v1', publicUrl: 'https://example.org/' })
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

  it('puts links under the path of a public URL, without lost or doubled slashes', async () => {
    for (const publicUrl of ['https://example.org/a/b', 'https://example.org/a/b/']) {
      const { routes } = routesWith(undefined, { publicUrl })
      const reply = await routes.handle(requestTo('POST /tasks', { json: {} }))
      expect(reply?.headers['Location']).toBe(`https://example.org/a/b/tasks/${jsonOf(reply)['id']}`)
    }
  })

  it('puts tickets, their streams, their list and every link under ticketPath', async () => {
    const pool = poolWith()
    pool.pause()
    const submit = (): Task => pool.queueTask(() => gate().promise)
    const routes = ticketRoutes(pool, {
      accept: [
        { path: '/reports', submit },
        { path: '/tasks/new', submit }
      ],
      basePath: '/api',
      ticketPath: '/reports',
      publicUrl: 'https://example.org',
      owner: () => 'me',
      authorize: () => true
    })
    const status = async (line: string): Promise<number | undefined> => (await routes.handle(requestTo(line)))?.status
    for (const path of ['/reports', '/tasks/new']) {
      const reply = await routes.handle(requestTo(`POST /api${path}`, { json: {} }))
      const { id, links } = jsonOf(reply)
      const self = `https://example.org/api/reports/${id}`
      expect(reply?.headers).toMatchObject({ Location: self, 'Content-Location': self, 'Operation-Location': self })
      expect(links).toEqual({ self, events: `${self}/events` })
      expect(await status(`GET /api/reports/${id}`)).toBe(200)
      expect(await status(`GET /api/reports/${id}/events`)).toBe(200)
      expect(await status(`DELETE /api/reports/${id}`)).toBe(200)
      expect(await status(`GET /api/tasks/${id}`)).toBeUndefined()
    }
    expect(jsonOf(await routes.handle(requestTo('GET /api/reports')))['tasks']).toHaveLength(2)
    expect(await status('GET /api/tasks')).toBeUndefined()
  })

  it('has no list without authorize, also where an accepting route has the ticketPath', async () => {
    const { routes, pool } = routesWith(undefined, {
      accept: [{ path: '/reports', submit: () => pool.queueTask(() => 1) }],
      ticketPath: '/reports'
    })
    expect((await routes.handle(requestTo('GET /reports')))?.status).toBe(404)
    expect((await routes.handle(requestTo('PUT /reports')))?.headers['Allow']).toBe('POST, OPTIONS')
  })

  it('takes ticketPath literally, whatever its characters', async () => {
    const { routes, pool } = routesWith(undefined, { ticketPath: '/a/:/events' })
    const { id } = pool.queueTask(() => gate().promise)
    expect((await routes.handle(requestTo(`GET /a/:/events/${id}`)))?.status).toBe(200)
    for (const path of [`/a/${id}/:`, `/a/${id}/events`, `/a/x/events/${id}`, `/a/{id}/events/${id}`]) {
      expect(await routes.handle(requestTo(`GET ${path}`)), path).toBeUndefined()
    }
  })

  it('accepts the absolute form, with any authority', async () => {
    const { routes } = routesWith()
    for (const target of ['http://evil.example/livez', 'HTTPS://x/livez?a', 'http://x/livez']) {
      expect((await routes.handle(requestTo(`GET ${target}`)))?.status).toBe(200)
    }
    for (const target of ['http://x', 'http://x?a'])
      expect(await routes.handle(requestTo(`GET ${target}`))).toBeUndefined()
  })

  it('reads the absolute form without a path as the root', async () => {
    const { routes, pool } = routesWith(undefined, {
      accept: [{ path: '/', submit: () => pool.queueTask(() => gate().promise) }]
    })
    for (const target of ['/', 'http://x', 'https://x?a', 'http://x/?a']) {
      expect((await routes.handle(requestTo(`POST ${target}`, { json: {} })))?.status, target).toBe(202)
    }
  })

  it("finds a caller's own ids, escaped or not", async () => {
    const { routes, pool } = routesWith()
    pool.queueTask(() => 1, { id: 'job:7._-x' })
    for (const segment of ['job:7._-x', 'job%3A7._-x', '%6aob%3a7._%2Dx']) {
      expect(jsonOf(await routes.handle(requestTo(`GET /tasks/${segment}`)))['id']).toBe('job:7._-x')
    }
  })
})

describe('methods', () => {
  it('K6 HEAD has no body when it is refused, either', async () => {
    const { routes } = routesWith(undefined, { authorize: () => true })
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

  it('K6 HEAD has the headers of GET and no body, without the help of a server', async () => {
    const { routes } = routesWith()
    const [head, full] = [await routes.handle(requestTo('HEAD /livez')), await routes.handle(requestTo('GET /livez'))]
    expect(head).toEqual({ status: full?.status, headers: full?.headers, close: full?.close })
  })

  it('K6 answers 405 to names of properties that every object has', async () => {
    const { routes } = routesWith()
    for (const method of ['constructor', 'toString', '__proto__', '', 'get']) {
      expect((await routes.handle(requestTo(`${method} /livez`)))?.status, method).toBe(405)
    }
  })
})

describe("the application's own routes", () => {
  it('answer with the same replies', async () => {
    const { routes, pool } = routesWith()
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

  it('answer 500 for a value that is not a task and for a problem that cannot be sent, and report the error', async () => {
    const { routes, errors } = routesWith()
    expect(await routes.accepted({} as Task)).toMatchObject({ status: 500 })
    const unsendable = new RequestError({ problem: { ...invalidField('/a', 'b').problem, retryAfterMs: 1n as never } })
    expect(jsonOf(routes.refused(unsendable))).toMatchObject({ code: 'INTERNAL' })
    expect(errors).toMatchObject([{ name: 'TypeError' }, { name: 'TypeError' }])
  })

  it('answer 503 when the store fails', async () => {
    const { routes, pool, errors } = routesWith()
    const task = pool.queueTask(() => gate().promise)
    const failing = Object.create(task, { recorded: { get: () => Promise.reject(new Error('disk')) } }) as Task
    const reply = await routes.accepted(failing)
    expect(reply.status).toBe(503)
    expect(reply.headers['Retry-After']).toBe('1')
    expect(jsonOf(reply)).toMatchObject({ code: 'STORE_UNAVAILABLE' })
    expect(errors).toMatchObject([{ message: 'disk' }])

    const record = () => task.record()
    const submitting = routesWith(
      undefined,
      {},
      () => ({ record, recorded: Promise.reject(new Error('disk')) }) as unknown as Task
    )
    expect((await submitting.routes.handle(requestTo('POST /tasks', { json: {} })))?.status).toBe(503)
  })
})
