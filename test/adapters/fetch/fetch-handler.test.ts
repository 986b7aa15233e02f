/** What only an application around the tickets has, on Fastify and on servers that speak Fetch. */
import { once } from 'node:events'
import type { Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import type { HttpReply, HttpRequest } from 'coatcheck/http'
import express from 'express'
import { Hono } from 'hono'
import { afterEach, describe, expect, it } from 'vitest'
import { type Application, application } from '../../examples/demo/application.js'
import { mount } from '../../examples/express.js'
import { ticketFastify } from '../../examples/fastify.js'
import { ticketFetch, ticketHono } from '../../examples/hono.js'
import { listener, ticketServer } from '../../examples/node-http.js'
import { CountingClock } from './support/counting-clock.js'
import { Gates } from './support/gates.js'
import { exchange, post, type RawReply, request } from './support/raw.js'

const open: (() => unknown)[] = []

afterEach(async () => {
  for (const close of open.splice(0)) await close()
})

const demo = (errors: unknown[] = []): Application => {
  const app = application({ work: new Gates().work, random: () => 0, onError: (error) => void errors.push(error) })
  open.push(() => app.pool.stop({ forceMs: 0 }))
  return app
}

const ask = async (server: Server, bytes: Buffer): Promise<RawReply> => {
  if (!server.listening) {
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    open.push(() => server.close())
  }
  return await exchange((server.address() as AddressInfo).port, bytes)
}

const expectNotFound = (reply: RawReply): void => {
  expect(reply.status).toBe(404)
  expect(reply.headers.get('content-type')).toBe('application/problem+json')
  expect(JSON.parse(reply.body)).toMatchObject({ code: 'NOT_FOUND' })
}

describe('a client that leaves', () => {
  const servers: Readonly<Record<string, (app: Application) => Server | Promise<Server>>> = {
    'node:http': (app) => ticketServer(listener(app)),
    Express: (app) => ticketServer(mount(express(), app)),
    Fastify: async (app) => {
      const fastify = ticketFastify(app)
      await fastify.ready()
      return fastify.server
    },
    Hono: (app) => ticketServer(ticketHono(app))
  }

  it.each(Object.keys(servers))('has left all the requests that it sent at once, on %s', async (name) => {
    const signals: AbortSignal[] = []
    const handle = ({ signal }: HttpRequest): Promise<never> => {
      signals.push(signal)
      return new Promise(() => {})
    }
    const server = await (servers[name] as (app: Application) => Server)({ ...demo(), handle })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    open.push(() => server.close())
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
    socket.write(Buffer.concat(Array.from({ length: 12 }, () => request('GET /tasks/a', ['Connection: keep-alive']))))
    await expect.poll(() => signals.length).toBe(12)
    expect(signals.filter(({ aborted }) => aborted)).toEqual([])
    socket.destroy()
    await expect.poll(() => signals.filter(({ aborted }) => aborted).length).toBe(12)
  })
})

describe('Fastify', () => {
  it('goes on with what is none of the routes, bodies and all', async () => {
    const app = ticketFastify(demo())
    app.post('/echo', (req) => req.body)
    await app.ready()
    const reply = await ask(app.server, post('/echo', { a: 1 }))
    expect(reply.status).toBe(200)
    expect(reply.body).toBe('{"a":1}')
    expect((await ask(app.server, post('/echo', '{'))).status).toBe(400) // Fastify's own
    expect((await ask(app.server, post('/tasks', {}))).status).toBe(202)
  })

  it('answers what is nowhere with the 404 of the routes, whatever its path, type or body', async () => {
    const app = ticketFastify(demo())
    await app.ready()
    const nowhere = [
      request('GET /none'),
      request('GET /none/%'),
      request('PROPFIND /none'),
      request('POST /none', ['Content-Type: application/xml'], '<a/>'),
      post('/none', '{')
    ]
    for (const bytes of nowhere) expectNotFound(await ask(app.server, bytes))
  })

  it('K16 answers an error of the application without a word about it, and tells the log', async () => {
    const errors: unknown[] = []
    const app = ticketFastify(demo(errors))
    app.get('/broken', () => {
      throw new Error('secret')
    })
    await app.ready()
    const reply = await ask(app.server, request('GET /broken'))
    expect(reply.status).toBe(500)
    expect(reply.headers.get('content-type')).toBe('application/problem+json')
    expect(JSON.parse(reply.body)).toMatchObject({ code: 'INTERNAL' })
    expect(reply.bytes).not.toContain('secret')
    expect(errors).toMatchObject([{ message: 'secret' }])
  })
})

describe('Hono', () => {
  it('goes on with what is none of the routes, bodies and all', async () => {
    const hono = new Hono()
    hono.post('/echo', async (c) => c.text(await c.req.text()))
    const server = ticketServer(ticketHono(demo(), hono))
    expect((await ask(server, post('/echo', { a: 1 }))).body).toBe('{"a":1}')
    expect((await ask(server, post('/tasks', {}))).status).toBe(202)
    for (const line of ['GET /none', 'GET /none/%', 'PROPFIND /none']) expectNotFound(await ask(server, request(line)))
  })

  it('hands over what makes no URL as it came', async () => {
    const targets: string[] = []
    const handle = (seen: { readonly target: string }): Promise<HttpReply | undefined> => {
      targets.push(seen.target)
      return Promise.resolve(undefined)
    }
    const server = ticketServer(ticketHono({ handle }))
    const lines = ['OPTIONS *', String.raw`GET /tasks/a\b`, 'GET /tasks/../x', 'GET //tasks', 'GET http://[x/']
    for (const line of lines) expectNotFound(await ask(server, request(line)))
    expectNotFound(await ask(server, request('GET /', ['Host: a b'])))
    expect(targets).toEqual([...lines.map((line) => line.split(' ')[1]), '/'])
  })

  it('ends the connection, and does not say 500, when no reply can be made', async () => {
    const server = ticketServer(ticketHono({ handle: () => Promise.reject(new Error('secret')) }))
    await expect(ask(server, post('/tasks', {}))).rejects.toThrow('no reply')
  })
})

describe('a server that speaks Fetch and is not Node', () => {
  /** The handler alone: no socket, no bindings. */
  const fetchServer = () => {
    const clock = new CountingClock()
    const gates = new Gates()
    const app = application({ work: gates.work, pool: { clock } })
    open.push(async () => {
      const stopped = app.pool.stop({ graceMs: 0, forceMs: 1 })
      await clock.advance(2)
      await stopped
    })
    const fetch = ticketFetch(app, () => new Response('the application'))
    const ask = async (path: string, { headers, ...init }: RequestInit = {}): Promise<Response> =>
      await fetch(new Request(`http://localhost${path}`, { ...init, headers: { Host: 'localhost', ...headers } }))
    return { app, gates, clock, ask }
  }

  const submission = (body: RequestInit['body']) =>
    ({ method: 'POST', headers: { 'Content-Type': 'application/json' }, body, duplex: 'half' }) as RequestInit

  const handIn = async ({ ask }: ReturnType<typeof fetchServer>): Promise<string> => {
    const response = await ask('/tasks', submission('{"label":"a"}'))
    expect(response.status).toBe(202)
    const { id } = (await response.json()) as { readonly id: string }
    expect(response.headers.get('location')).toBe(`/tasks/${id}`)
    return id
  }

  it('takes and tells of tickets, and goes on with what is none of the routes', async () => {
    const server = fetchServer()
    const id = await handIn(server)
    const first = await server.ask(`/tasks/${id}`)
    expect(await first.json()).toMatchObject({ id, status: 'running' })
    const again = await server.ask(`/tasks/${id}`, { headers: { 'If-None-Match': first.headers.get('etag')! } })
    expect(again.status).toBe(304)
    expect(again.body).toBe(null)
    const head = await server.ask(`/tasks/${id}`, { method: 'HEAD' })
    expect(head.body).toBe(null)
    expect(head.headers.get('content-length')).toBe(first.headers.get('content-length'))
    expect(await (await server.ask('/elsewhere')).text()).toBe('the application')
  })

  it('sends an event when it is asked for one, and ends after the last', async () => {
    const server = fetchServer()
    const id = await handIn(server)
    const reader = (await server.ask(`/tasks/${id}/events`)).body!.pipeThrough(new TextDecoderStream()).getReader()
    expect((await reader.read()).value).toContain('"status":"running"')
    server.gates.end('a')
    expect((await reader.read()).value).toContain('"status":"succeeded"')
    expect((await reader.read()).done).toBe(true)
  })

  it('K11 releases a reader of events that leaves', async () => {
    const server = fetchServer()
    const id = await handIn(server)
    const reader = ((await server.ask(`/tasks/${id}/events`)).body as ReadableStream<Uint8Array>).getReader()
    await reader.read()
    const next = reader.read()
    await server.clock.turn()
    expect(server.clock.timers()).toBe(1)
    await reader.cancel()
    expect((await next).done).toBe(true)
    await server.clock.turn()
    expect(server.clock.timers()).toBe(0)
  })

  it('cuts a reader that takes nothing for 30 seconds', async () => {
    const server = fetchServer()
    const id = await handIn(server)
    const reader = ((await server.ask(`/tasks/${id}/events`)).body as ReadableStream<Uint8Array>).getReader()
    await reader.read()
    await server.clock.advance(30_000)
    await expect(reader.read()).rejects.toThrow('aborted')
  })

  it('K2 hears out who is refused while still sending', async () => {
    const { ask } = fetchServer()
    let left = 10
    const endless = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        left -= 1
        if (left < 0) controller.close()
        else controller.enqueue(new Uint8Array(40_000).fill(0x20))
      }
    })
    const response = await ask('/tasks', submission(endless))
    expect(response.status).toBe(413)
    expect(response.headers.get('connection')).toBe('close')
    expect(left).toBeGreaterThan(0)
    expect(await response.json()).toMatchObject({ code: 'BODY_TOO_LARGE' })
    expect(left).toBeLessThan(0)
  })
})
