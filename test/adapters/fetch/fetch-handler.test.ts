/** Tickets on servers that speak Fetch: Hono on Node, and the handler alone. */
import type { Server } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import { WorkerPool } from 'coatcheck'
import { fetchHandler } from 'coatcheck/fetch'
import { type HttpReply, ticketRoutes } from 'coatcheck/http'
import { nodeListener } from 'coatcheck/node-http'
import { Hono } from 'hono'
import { describe, expect, it, onTestFinished } from 'vitest'
import { application } from '../../../examples/demo/application.js'
import { ticketServer } from '../../../examples/demo/ticket-server.js'
import { honoListener } from '../../http/support/carriers.js'
import { CountingClock } from '../../http/support/counting-clock.js'
import { Gates } from '../../http/support/gates.js'
import { post, request } from '../../http/support/raw.js'
import { ask, demo, expectNotFound } from '../support.js'

/** Routes of which only `handle` matters. */
const handling = (handle: (request: { readonly target: string }) => Promise<HttpReply | undefined>) => ({
  ...ticketRoutes(new WorkerPool({ concurrency: 1, queueCapacity: 0 })),
  handle
})

describe('Hono', () => {
  it('goes on with what is none of the routes, bodies and all', async () => {
    const hono = new Hono()
    hono.post('/echo', async (c) => c.text(await c.req.text()))
    const server = ticketServer(honoListener(demo(), hono))
    expect((await ask(server, post('/echo', { a: 1 }))).body).toBe('{"a":1}')
    expect((await ask(server, post('/tasks', {}))).status).toBe(202)
    for (const line of ['GET /none', 'GET /none/%', 'PROPFIND /none']) expectNotFound(await ask(server, request(line)))
  })

  it('sees tickets in its own middleware, with the replies of node:http', async () => {
    const hono = new Hono()
    const handle = fetchHandler(demo())
    hono.use(async (c, next) => {
      await next()
      c.res.headers.set('X-Request', 'seen')
    })
    hono.use(async (c, next) => (await handle(c.req.raw, c.env)) ?? next())
    hono.get('/own', (c) => c.text('own'))
    const listen = getRequestListener(hono.fetch)
    const server: Server = ticketServer((incoming, outgoing) => void listen(incoming, outgoing))
    const plain = ticketServer(nodeListener(demo()))
    for (const bytes of [request('PUT /tasks'), post('/tasks', '['), request('GET /readyz')]) {
      const [reply, usual] = [await ask(server, bytes), await ask(plain, bytes)]
      expect(reply.status).toBe(usual.status)
      expect(reply.body).toBe(usual.body)
      expect(reply.headers.get('x-request')).toBe('seen')
      for (const [name, value] of usual.headers) if (name !== 'date') expect(reply.headers.get(name)).toBe(value)
    }
    expect((await ask(server, request('GET /own'))).body).toBe('own')
    expect((await ask(server, request('GET /none'))).body).toBe('404 Not Found')
  })

  it('hands over what makes no URL as it came', async () => {
    const targets: string[] = []
    const handle = (seen: { readonly target: string }): Promise<HttpReply | undefined> => {
      targets.push(seen.target)
      return Promise.resolve(undefined)
    }
    const server = ticketServer(honoListener(handling(handle)))
    const lines = ['OPTIONS *', String.raw`GET /tasks/a\b`, 'GET /tasks/../x', 'GET //tasks', 'GET http://[x/']
    for (const line of lines) expectNotFound(await ask(server, request(line)))
    expectNotFound(await ask(server, request('GET /', ['Host: a b'])))
    expect(targets).toEqual([...lines.map((line) => line.split(' ')[1]), '/'])
  })

  it('ends the connection, and does not say 500, when no reply can be made', async () => {
    const server = ticketServer(honoListener(handling(() => Promise.reject(new Error('secret')))))
    await expect(ask(server, post('/tasks', {}))).rejects.toThrow('no reply')
  })
})

describe('a handler', () => {
  it('takes a request without a body, whatever the platform passes besides', async () => {
    const handle = fetchHandler(demo())
    const headers = { Host: 'localhost', 'Content-Type': 'application/json' }
    for (const platform of [[], [{}], [{ incoming: {} }]]) {
      const reply = await handle(new Request('http://localhost/tasks', { method: 'POST', headers }), ...platform)
      expect(reply?.status).toBe(400)
      expect(await reply?.json()).toMatchObject({ code: 'INVALID_BODY' })
    }
  })

  it('without `next` leaves what is not for the tickets to the caller', async () => {
    const handle = fetchHandler(demo())
    expect(await handle(new Request('http://localhost/elsewhere', { headers: { Host: 'localhost' } }))).toBe(undefined)
    expect((await handle(new Request('http://localhost/livez', { headers: { Host: 'localhost' } })))?.status).toBe(200)
  })

  it('gives `next` all that it was given', async () => {
    const seen: unknown[] = []
    const next = (...given: unknown[]) => {
      seen.push(...given)
      return new Response('next')
    }
    const request = new Request('http://localhost/elsewhere', { headers: { Host: 'localhost' } })
    await fetchHandler(demo(), { next })(request, 'env', 'context')
    expect(seen).toEqual([request, 'env', 'context'])
  })

  it.each([
    [undefined, undefined, /`tickets` to be what ticketRoutes returns/],
    [demo, undefined, /`tickets` to be what ticketRoutes returns/],
    [{ handle: () => {} }, { next: 1 }, /`next` to be a function/],
    [{ handle: () => {} }, { nxt: 1 }, /only the options next/]
  ])('is not made of %o and %o', (tickets, options, message) => {
    expect(() => fetchHandler(tickets as never, options as never)).toThrow(message)
  })

  it('releases a request whose signal aborts', async () => {
    const left = new AbortController()
    const seen = new Promise<AbortSignal>((resolve) => {
      const handle = fetchHandler({
        handle: ({ signal }) => {
          resolve(signal)
          return new Promise(() => {})
        }
      })
      void handle(new Request('http://localhost/', { signal: left.signal }))
    })
    left.abort()
    expect((await seen).aborted).toBe(true)
  })
})

describe('a server that speaks Fetch and is not Node', () => {
  /** The handler alone: no socket, no bindings. */
  const fetchServer = () => {
    const clock = new CountingClock()
    const gates = new Gates()
    const app = application({ work: gates.work, pool: { clock } })
    onTestFinished(async () => {
      const stopped = app.pool.stop({ graceMs: 0, forceMs: 1 })
      await clock.advance(2)
      await stopped
    })
    const fetch = fetchHandler(app, { next: () => new Response('the application') })
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
