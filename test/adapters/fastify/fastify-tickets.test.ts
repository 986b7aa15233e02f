/** The tickets inside a Fastify application: its hooks, its log, its parsers, its end. */
import { once } from 'node:events'
import { type AddressInfo, connect } from 'node:net'
import { Readable, Writable } from 'node:stream'
import cors from '@fastify/cors'
import { QueueFullError, TaskTimeoutError, WorkerPool } from 'coatcheck'
import { fastifyErrors, fastifyTickets, sendToFastify } from 'coatcheck/fastify'
import { invalidField, type TicketStatus, ticketRoutes } from 'coatcheck/http'
import fastify, { type FastifyInstance, type FastifyServerOptions } from 'fastify'
import { describe, expect, it, onTestFinished } from 'vitest'
import { fastifyApp } from '../../http/support/carriers.js'
import { Gates } from '../../http/support/gates.js'
import { parse, post, type RawReply, readAll, request } from '../../http/support/raw.js'
import { gate } from '../../support/gate.js'
import { ask, demo, expectNotFound } from '../support.js'

const open = (options: FastifyServerOptions = {}): FastifyInstance => {
  const app = fastify(options)
  onTestFinished(() => app.close())
  return app
}

const send = async (app: FastifyInstance, bytes: Buffer): Promise<RawReply> => {
  await app.ready()
  return await ask(app.server, bytes)
}

const idOf = ({ body }: RawReply): string => (JSON.parse(body) as TicketStatus).id

describe('hooks', () => {
  it('see tickets in every phase, also those that are added after the plugin', async () => {
    const seen: string[] = []
    const app = open()
    app.register(fastifyTickets, { tickets: demo() })
    app.addHook('onRequest', async ({ url }) => void seen.push(`onRequest ${url}`))
    app.addHook('preParsing', async () => void seen.push('preParsing'))
    app.addHook('preValidation', async () => void seen.push('preValidation'))
    app.addHook('preHandler', async () => void seen.push('preHandler'))
    app.addHook('onSend', async (_request, reply) => void reply.header('X-Request', 'seen'))
    app.addHook('onResponse', async (_request, { statusCode }) => void seen.push(`onResponse ${statusCode}`))
    const reply = await send(app, post('/tasks', { label: 'a' }))
    expect(reply.status).toBe(202)
    expect(reply.headers.get('x-request')).toBe('seen')
    await expect.poll(() => seen.at(-1)).toBe('onResponse 202')
    expect(seen).toEqual(['onRequest /tasks', 'preParsing', 'preValidation', 'preHandler', 'onResponse 202'])
  })

  it.each(['onRequest', 'preHandler'] as const)('keep out who may not come in, in %s', async (phase) => {
    const errors: unknown[] = []
    const tickets = demo(errors)
    const app = open()
    app.register(fastifyTickets, { tickets })
    app.addHook(phase, async ({ headers }, reply) => {
      if (headers.authorization !== 'Bearer me') await reply.code(401).send({ who: 'are you' })
    })
    const stranger = await send(app, post('/tasks', {}))
    expect(stranger.status).toBe(401)
    expect(stranger.body).toBe('{"who":"are you"}')
    // A malformed type is found before the later hooks: it must not be a way around them.
    const malformed = ['Content-Type: x', 'Content-Length: 0']
    for (const line of ['POST /tasks', 'DELETE /tasks/a']) {
      expect([401, 415]).toContain((await send(app, request(line, malformed))).status)
    }
    expect(tickets.pool.stats().totals.submitted).toBe(0)
    expect((await send(app, post('/tasks', {}, ['Authorization: Bearer me']))).status).toBe(202)
  })

  it('add their headers to every reply, streams and refusals too', async () => {
    const gates = new Gates()
    const app = open()
    app.addHook('onRequest', async (_request, reply) => void reply.header('Access-Control-Allow-Origin', '*'))
    app.register(fastifyTickets, { tickets: demo([], gates) })
    const id = idOf(await send(app, post('/tasks', { label: 'a' })))
    gates.end('a')
    const replies = [
      await send(app, request(`GET /tasks/${id}/events`)),
      await send(app, request('PUT /tasks')),
      await send(app, request('POST /tasks', ['Content-Type: application/json', 'Content-Length: 65537']))
    ]
    expect(replies.map(({ status }) => status)).toEqual([200, 405, 413])
    expect(replies[0]?.body).toContain('"status":"succeeded"')
    for (const { headers } of replies) expect(headers.get('access-control-allow-origin')).toBe('*')
  })

  it('may replace the body before it is read', async () => {
    const app = open()
    app.register(fastifyTickets, { tickets: demo() })
    app.addHook('preParsing', async (_request, _reply, payload) => {
      payload.resume()
      return (await import('node:stream')).Readable.from([Buffer.from('{"label":7}')])
    })
    expect((await send(app, post('/tasks', {}))).body).toContain('/label')
  })
})

it('writes tickets to the request log', async () => {
  const lines: string[] = []
  const stream = new Writable({
    write: (chunk, _encoding, done) => {
      lines.push(String(chunk))
      done()
    }
  })
  const app = open({ logger: { level: 'info', stream } })
  app.register(fastifyTickets, { tickets: demo() })
  await send(app, post('/tasks', {}))
  await expect.poll(() => lines.length).toBe(2)
  expect(lines[0]).toContain('"method":"POST","url":"/tasks"')
  expect(lines[1]).toContain('"statusCode":202')
})

describe('the routes of the application', () => {
  it('have their own parsers, and come before the tickets', async () => {
    const app = open()
    app.register(fastifyTickets, { tickets: demo() })
    app.post('/echo', async (req) => req.body)
    expect((await send(app, post('/echo', { a: 1 }))).body).toBe('{"a":1}')
    expect((await send(app, post('/echo', '{'))).status).toBe(400)
    expect((await send(app, request('POST /echo', ['Content-Type: text/xml'], '<a/>'))).status).toBe(415)
  })

  it('answer what is nowhere with the 404 of the application', async () => {
    const app = open()
    app.register(fastifyTickets, { tickets: demo() })
    app.setNotFoundHandler((_request, reply) => reply.code(404).send('nowhere'))
    for (const bytes of [request('GET /none'), post('/none', '{'), request('DELETE /none/a')]) {
      const reply = await send(app, bytes)
      expect(reply.status).toBe(404)
      expect(reply.body).toBe('nowhere')
    }
  })

  it('have the tickets as a property of the application, and under a prefix leave other paths alone', async () => {
    const pool = new WorkerPool({ concurrency: 1, queueCapacity: 1 }).start()
    const submit = () => pool.queueTask(() => 1)
    const tickets = ticketRoutes(pool, { basePath: '/api', accept: [{ path: '/tasks', submit }] })
    const app = open()
    app.register(fastifyTickets, { tickets, pool, prefix: '/api' })
    app.get('/*', async () => 'a file')
    expect((await send(app, post('/api/tasks', {}))).status).toBe(202)
    expect((await send(app, request('GET /x'))).body).toBe('a file')
    expect(app.getDecorator('tickets')).toBe(tickets)
  })

  it('may have the tickets of two pools, each under its prefix', async () => {
    const app = open()
    const all = ['/api', '/jobs'].map((basePath) => {
      const pool = new WorkerPool({ concurrency: 1, queueCapacity: 1 }).start()
      const submit = () => pool.queueTask(() => basePath)
      const tickets = ticketRoutes(pool, { basePath, accept: [{ path: '/tasks', submit }] })
      app.register(fastifyTickets, { tickets, pool, prefix: basePath })
      return tickets
    })
    for (const basePath of ['/api', '/jobs']) {
      const id = idOf(await send(app, post(`${basePath}/tasks`, {})))
      expect((await send(app, request(`GET ${basePath}/tasks/${id}`))).body).toContain(`"result":"${basePath}"`)
    }
    expect(app.getDecorator('tickets')).toBe(all[0])
  })

  it.each([[true], [false]])(
    'have their CORS from the plugin for it; registered before the tickets: %s',
    async (isFirst) => {
      const app = open()
      const plugins = [
        () => app.register(cors, { origin: 'http://shop' }),
        () => app.register(fastifyTickets, { tickets: demo() })
      ]
      for (const register of isFirst ? plugins : plugins.reverse()) register()
      const asked = ['Origin: http://shop', 'Access-Control-Request-Method: DELETE']
      const id = idOf(await send(app, post('/tasks', {}, ['Origin: http://shop'])))
      for (const path of ['/tasks', `/tasks/${id}`]) {
        const { status, headers } = await send(app, request(`OPTIONS ${path}`, asked))
        expect(status).toBe(204)
        expect(headers.get('access-control-allow-origin')).toBe('http://shop')
        expect(headers.get('access-control-allow-methods')).toContain('POST')
      }
      const read = await send(app, request(`GET /tasks/${id}`, ['Origin: http://shop']))
      expect(read.headers.get('access-control-allow-origin')).toBe('http://shop')
    }
  )

  it('may take every method of a pattern', async () => {
    const app = open()
    app.register(fastifyTickets, { tickets: demo() })
    app.all('/:page', async () => 'a page')
    for (const line of ['GET /x', 'OPTIONS /x']) expect((await send(app, request(line))).body).toBe('a page')
  })

  it('leave OPTIONS of each path of the tickets to them, also of `/`', async () => {
    const pool = new WorkerPool({ concurrency: 1, queueCapacity: 1 }).start()
    const accept = ['/', '/jobs'].map((path) => ({ path, submit: () => pool.queueTask(() => 1) }))
    const app = open()
    app.register(fastifyTickets, { tickets: ticketRoutes(pool, { accept }), pool })
    for (const path of ['/', '/jobs']) {
      const { status, headers } = await send(app, request(`OPTIONS ${path}`))
      expect([status, headers.get('allow')]).toEqual([204, 'POST, OPTIONS'])
    }
  })

  it('get refusals of the pool from fastifyErrors, and their own errors from Fastify', async () => {
    const errors: unknown[] = []
    const tickets = demo(errors)
    const full = { capacity: 1, concurrency: 1, queueCapacity: 0, queued: 0, retryAfterMs: 3_000 }
    const app = open()
    app.setErrorHandler(fastifyErrors(tickets))
    app.register(fastifyTickets, { tickets })
    const thrown = {
      '/full': new QueueFullError(full as unknown as ConstructorParameters<typeof QueueFullError>[0]),
      '/field': invalidField('/width', 'must be a number'),
      '/timeout': new TaskTimeoutError('a', 5),
      '/broken': new Error('of the application')
    }
    for (const [path, error] of Object.entries(thrown)) {
      app.get(path, () => {
        throw error
      })
    }
    const refused = await send(app, request('GET /full'))
    expect(refused.status).toBe(503)
    expect(refused.headers.get('retry-after')).toBe('3')
    expect(refused.headers.get('content-type')).toBe('application/problem+json')
    expect(JSON.parse(refused.body)).toMatchObject({ code: 'QUEUE_FULL', retryAfterMs: 3_000 })
    expect(JSON.parse((await send(app, request('GET /field'))).body)).toMatchObject({ code: 'INVALID_FIELD' })
    for (const path of ['/timeout', '/broken']) {
      const reply = await send(app, request(`GET ${path}`))
      expect(reply.status).toBe(500)
      expect(reply.headers.get('content-type')).toBe('application/json; charset=utf-8') // Fastify's own
    }
    expect(errors).toEqual([])
  })

  it('K16 may answer the rest with `refused`: without a word about it, and the log has it', async () => {
    const errors: unknown[] = []
    const tickets = demo(errors)
    const app = open()
    app.setErrorHandler((error, req, reply) => sendToFastify(req, reply, tickets.refused(error)))
    app.register(fastifyTickets, { tickets })
    app.get('/broken', () => {
      throw new Error('secret')
    })
    const reply = await send(app, request('GET /broken'))
    expect(reply.status).toBe(500)
    expect(reply.headers.get('content-type')).toBe('application/problem+json')
    expect(JSON.parse(reply.body)).toMatchObject({ code: 'INTERNAL' })
    expect(reply.bytes).not.toContain('secret')
    expect(errors).toMatchObject([{ message: 'secret' }])
  })

  it('may answer what is nowhere with a problem document, whatever its path, type or body', async () => {
    const app = fastifyApp(demo())
    onTestFinished(() => app.close())
    const nowhere = [
      request('GET /none'),
      request('GET /none/%'),
      request('PROPFIND /none'),
      request('POST /none', ['Content-Type: application/xml'], '<a/>'),
      post('/none', '{')
    ]
    for (const bytes of nowhere) expectNotFound(await send(app, bytes))
  })

  it('may send replies of their own', async () => {
    const tickets = demo()
    const app = open()
    app.post('/mails', async (req, reply) => {
      const task = tickets.pool.queueTask('work', { label: 'mail', workMs: 1, fails: false })
      return sendToFastify(req, reply, await tickets.accepted(task))
    })
    const reply = await send(app, request('POST /mails'))
    expect(reply.status).toBe(202)
    expect(reply.headers.get('location')).toBe(`/tasks/${idOf(reply)}`)
  })
})

it('sends pieces of a reply without a signal', async () => {
  const app = open()
  const body = Readable.from(['one ', 'two'])
  app.get('/pieces', (req, reply) => sendToFastify(req, reply, { status: 200, headers: {}, body, close: false }))
  expect((await app.inject('/pieces')).body).toBe('one two')
})

describe('the end of the application', () => {
  it('stops the pool that it was given, and its streams end with the last status', async () => {
    const work = gate<string>()
    const pool = new WorkerPool({ concurrency: 1, queueCapacity: 1 }).start()
    const submit = () => pool.queueTask(() => work.promise)
    const tickets = ticketRoutes(pool, { accept: [{ path: '/tasks', submit }] })
    const app = fastify()
    app.register(fastifyTickets, { tickets, pool })
    const id = idOf(await send(app, post('/tasks', {})))
    const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1')
    socket.write(request(`GET /tasks/${id}/events`))
    const [first] = (await once(socket, 'data')) as [Buffer]
    expect(String(first)).toContain('"status":"running"')
    const closed = app.close()
    await expect.poll(() => pool.state).toBe('stopping')
    work.open('done')
    expect(await readAll(socket)).toContain('"status":"succeeded"')
    await closed
    expect(pool.state).toBe('stopped')
  })

  it('waits for no connection that a stream would have kept alive', async () => {
    const pool = new WorkerPool({ concurrency: 1, queueCapacity: 1 }).start()
    const work = gate<string>()
    const submit = () => pool.queueTask(() => work.promise)
    const tickets = ticketRoutes(pool, { accept: [{ path: '/tasks', submit }] })
    const app = fastify({ keepAliveTimeout: 3_600_000 })
    app.register(fastifyTickets, { tickets, pool })
    const id = idOf(await send(app, post('/tasks', {})))
    const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1')
    socket.write(`GET /tasks/${id}/events HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\n\r\n`)
    await once(socket, 'data')
    const closed = app.close()
    await expect.poll(() => pool.state).toBe('stopping')
    work.open('done')
    expect(await readAll(socket)).toContain('"status":"succeeded"')
    await closed
  })

  it('leaves the pool alone that it was not given', async () => {
    const { pool, ...tickets } = demo()
    const app = fastify()
    app.register(fastifyTickets, { tickets })
    await app.ready()
    await app.close()
    expect(pool.state).toBe('running')
  })
})

it('reads on for a client that is refused while it sends', async () => {
  const app = open()
  app.register(fastifyTickets, { tickets: demo() })
  await send(app, request('GET /livez'))
  const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1')
  const failed = once(socket, 'error').then(([error]) => error as unknown)
  const written = new Promise((resolve) => socket.write(post('/tasks', `{"a":"${'x'.repeat(12_000_000)}"}`), resolve))
  expect(await Promise.race([written, failed])).toBeFalsy()
  expect(parse(await readAll(socket)).status).toBe(413)
})

it.each([
  [{}, /`tickets` to be what ticketRoutes returns/],
  [{ tickets: { handle: 1 } }, /`tickets` to be what ticketRoutes returns/],
  [{ tickets: demo, pools: 1 }, /options tickets, pool/],
  [{ tickets: { handle: () => {} }, pool: {} }, /`pool` to be a WorkerPool/],
  [{ tickets: { handle: () => {} }, graceMs: -1 }, /`graceMs` to be/],
  [{ tickets: { handle: () => {} }, forceMs: '1' }, /`forceMs` to be/]
])('refuses to start with %j', async (options, message) => {
  const app = open()
  app.register(fastifyTickets, options as never)
  await expect(app.ready()).rejects.toThrow(message)
})
