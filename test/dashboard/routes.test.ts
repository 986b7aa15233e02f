import { once } from 'node:events'
import { createServer } from 'node:http'
import { type DashboardOptions, dashboard } from 'coatcheck/dashboard'
import { expressTickets } from 'coatcheck/express'
import { fastifyTickets } from 'coatcheck/fastify'
import { fetchHandler } from 'coatcheck/fetch'
import { type HttpReply, type HttpRequest, type TicketRoutes, ticketRoutes } from 'coatcheck/http'
import { nodeListener } from 'coatcheck/node-http'
import express from 'express'
import fastify from 'fastify'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { address } from '../../examples/demo/serve.js'
import { jsonOf, requestTo, textOf } from '../http/support/request-of.js'
import { startedPool, thrown, untilAborted } from '../support/pools.js'

const routed = (options: Partial<DashboardOptions> = {}) => {
  const { clock, pool } = startedPool()
  const routes = dashboard(pool, ticketRoutes(pool, { onError: () => {} }), {
    authorize: 'loopback',
    clock,
    ...options
  })
  const ask = (line: string, headers: Readonly<Record<string, string>> = {}, parts: Partial<HttpRequest> = {}) =>
    routes.handle(requestTo(line, { headers: { host: 'localhost:8080', ...headers }, ...parts }))
  return { clock, pool, routes, ask }
}

const buttonsOf = (reply: HttpReply | undefined) => /<body data-buttons="([^"]*)">/.exec(textOf(reply))?.[1]

describe('the routes of the dashboard', () => {
  it('serve a page that is whole in itself, whose policy admits only its own script and style', async () => {
    const reply = await routed().ask('GET /dashboard')
    const policy = reply?.headers['Content-Security-Policy'] ?? ''
    expect(policy.split('; ')).toEqual([
      "default-src 'none'",
      expect.stringMatching(/^script-src 'sha256-[A-Za-z0-9+/]{43}='$/),
      expect.stringMatching(/^style-src 'sha256-[A-Za-z0-9+/]{43}='$/),
      ...["connect-src 'self'", 'img-src data:', "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"],
      ...["require-trusted-types-for 'script'", "trusted-types 'none'"]
    ])
    const page = textOf(reply)
    expect(page).not.toMatch(/https?:\/\/|innerHTML|\sstyle=|\son\w+=|<link(?! rel="icon" href="data:,")|\ssrc=/)
    expect(page.match(/<script|<style/g)).toHaveLength(2)
    expect(reply?.headers).toMatchObject({
      'Content-Type': 'text/html; charset=utf-8',
      'Cache-Control': 'no-store',
      'X-Content-Type-Options': 'nosniff',
      'Referrer-Policy': 'no-referrer'
    })
  })

  it('stream events as the ticket routes do', async () => {
    const reply = await routed().ask('GET /dashboard/events')
    expect(reply?.headers).toMatchObject({
      'Content-Type': 'text/event-stream',
      'Cache-Control': 'private, no-cache, no-transform',
      'X-Accel-Buffering': 'no'
    })
    expect(reply?.signal?.aborted).toBe(false)
  })

  it('answer below the path that is given, and in the absolute form of a target', async () => {
    const { ask } = routed({ path: '/admin/pool' })
    expect((await ask('GET /admin/pool?again'))?.status).toBe(200)
    expect((await ask('GET http://localhost:8080/admin/pool'))?.status).toBe(200)
    expect(await ask('GET /dashboard')).toBeUndefined()
  })

  it('give every other path to the ticket routes', async () => {
    const { ask, routes, pool } = routed()
    for (const path of ['/', '/dashboard/', '/dashboards', '/dashboard/tasks', '/dashboard/stop']) {
      expect(await ask(`GET ${path}`)).toBeUndefined()
    }
    expect((await ask('GET /readyz'))?.status).toBe(200)
    const task = pool.queueTask(() => {})
    expect((await ask(`GET /tasks/${task.id}`))?.status).toBe(200)
    expect((await routes.accepted(task)).status).toBe(202)
    expect(routes.refused(new Error('no')).status).toBe(500)
  })

  it.each([
    ['/dashboard', 'GET, HEAD, OPTIONS'],
    ['/dashboard/events', 'GET, OPTIONS'],
    ['/dashboard/cancel', 'POST, OPTIONS'],
    ['/dashboard/stop', 'POST, OPTIONS']
  ])('state the methods of %s', async (path, allow) => {
    const { ask } = routed({ stop: () => {} })
    const wrong = await ask(`DELETE ${path}`)
    expect([wrong?.status, wrong?.headers['Allow']]).toEqual([405, allow])
    const options = await ask(`OPTIONS ${path}`)
    expect([options?.status, options?.headers['Allow']]).toEqual([204, allow])
  })

  it('answer HEAD as GET, without the body', async () => {
    const { ask } = routed()
    const [head, get] = [await ask('HEAD /dashboard'), await ask('GET /dashboard')]
    expect(head?.body).toBeUndefined()
    expect(head?.headers).toEqual(get?.headers)
  })

  it('cancel a task, and state what that did', async () => {
    const { ask, pool, clock } = routed()
    const [runs, waits] = [
      pool.queueTask(() => new Promise<void>((end) => ends.push(end))),
      pool.queueTask(untilAborted)
    ]
    const ends: (() => void)[] = []
    await clock.turn()
    const outcome = async (ticket: string) => (await ask(`POST /dashboard/cancel?ticket=${ticket}`))?.status
    expect(await outcome(waits.id)).toBe(200)
    expect(await outcome(runs.id)).toBe(202)
    expect(await outcome('none')).toBe(404)
    ends[0]?.()
    await clock.turn()
    expect(await outcome(runs.id)).toBe(409)
    expect((await ask('POST /dashboard/cancel'))?.status).toBe(404)
  })
})

describe('a dashboard for loopback', () => {
  it.each(['GET /dashboard', 'GET /dashboard/events', 'POST /dashboard/cancel', 'POST /dashboard/stop'])(
    'refuses %s for a foreign host',
    async (line) => {
      let stops = 0
      const { ask } = routed({ stop: () => stops++ })
      for (const host of ['example.org', '127.0.0.1.example.org', 'localhost.example.org:80', '']) {
        const reply = await ask(line, { host })
        expect([reply?.status, jsonOf(reply)['code']]).toEqual([421, 'MISDIRECTED_REQUEST'])
      }
      expect(stops).toBe(0)
    }
  )

  it.each(['localhost', '127.0.0.1:80', '[::1]:65535', 'LOCALHOST:1'])('answers for the host %s', async (host) => {
    expect((await routed().ask('GET /dashboard', { host }))?.status).toBe(200)
  })
})

describe('a page of another origin', () => {
  const foreign: readonly Readonly<Record<string, string>>[] = [
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site', origin: 'http://localhost:8080' },
    { origin: 'http://localhost:9999' },
    { origin: 'null' }
  ]
  it.each(foreign)('with %o can neither cancel a task nor stop the server', async (headers) => {
    let stops = 0
    const { ask, pool } = routed({ stop: () => stops++, authorize: () => true })
    const task = pool.queueTask(untilAborted)
    for (const path of [`/dashboard/cancel?ticket=${task.id}`, '/dashboard/stop']) {
      const reply = await ask(`POST ${path}`, headers)
      expect([reply?.status, jsonOf(reply)['code']]).toEqual([403, 'CROSS_SITE'])
    }
    expect([stops, task.record().cancelRequestedAt]).toEqual([0, undefined])
    await pool.stop({ graceMs: 0 })
  })

  const own: readonly Readonly<Record<string, string>>[] = [
    {},
    { 'sec-fetch-site': 'same-origin' },
    { 'sec-fetch-site': 'none' },
    { origin: 'http://localhost:8080' },
    { origin: 'https://localhost:8080' }
  ]
  it.each(own)('is not what %o are headers of', async (headers) => {
    let stops = 0
    const { ask } = routed({ stop: () => stops++ })
    expect((await ask('POST /dashboard/stop', headers))?.status).toBe(202)
    expect(stops).toBe(1)
  })
})

describe('the authorize hook', () => {
  const paths = [
    'GET /dashboard',
    'GET /dashboard/events',
    'POST /dashboard/cancel',
    'POST /dashboard/stop',
    'PUT /dashboard'
  ]

  it.each(paths)('makes %s a path like any unknown one when it denies', async (line) => {
    const { ask } = routed({ authorize: async () => false, stop: () => {} })
    expect(await ask(line)).toBeUndefined()
  })

  it.each(['yes', 1, undefined, null])('denies by anything but true: %j', async (answer) => {
    expect(await routed({ authorize: (() => answer) as never }).ask('GET /dashboard')).toBeUndefined()
  })

  it('is called with the request and its action; the page has the buttons that it allows', async () => {
    const calls: string[] = []
    const authorize: DashboardOptions['authorize'] = (request, action) => {
      calls.push(`${request.headers['cookie']} ${action}`)
      return action === 'view' || request.headers['cookie'] === `may=${action}`
    }
    const { ask } = routed({ authorize, stop: () => {} })
    expect(buttonsOf(await ask('GET /dashboard', { cookie: 'may=view' }))).toBe('')
    expect(buttonsOf(await ask('GET /dashboard', { cookie: 'may=cancel', host: 'example.org' }))).toBe('cancel')
    expect(buttonsOf(await ask('GET /dashboard', { cookie: 'may=stop' }))).toBe('stop')
    expect(await ask('POST /dashboard/stop', { cookie: 'may=cancel' })).toBeUndefined()
    expect((await ask('POST /dashboard/stop', { cookie: 'may=stop' }))?.status).toBe(202)
    expect(calls.slice(0, 3)).toEqual(['may=view view', 'may=view cancel', 'may=view stop'])
  })

  it('denies when it throws or rejects, and the error is reported', async () => {
    const errors: unknown[] = []
    const onError = (error: unknown, { target }: HttpRequest) => void errors.push([error, target])
    for (const authorize of [() => Promise.reject('later'), () => thrower('at once')]) {
      expect(await routed({ authorize, onError }).ask('GET /dashboard')).toBeUndefined()
    }
    expect(errors).toEqual([
      ['later', '/dashboard'],
      ['at once', '/dashboard']
    ])
  })
})

it('writes an error of a hook to the console where no onError is given', async () => {
  const log = vi.spyOn(console, 'error').mockImplementation(() => {})
  onTestFinished(() => log.mockRestore())
  const error = new Error('no session store')
  await routed({ authorize: () => thrower(error) }).ask('GET /dashboard')
  expect(log.mock.calls).toEqual([['coatcheck/dashboard:', error]])
})

const thrower = (error: unknown): never => {
  throw error
}

describe('the stop of a dashboard', () => {
  it('is neither a path nor a button without the option', async () => {
    const { ask } = routed()
    expect(await ask('POST /dashboard/stop')).toBeUndefined()
    expect(buttonsOf(await ask('GET /dashboard'))).toBe('cancel')
  })

  it('that throws is a 500, one that rejects later is reported; an onError that throws harms nothing', async () => {
    const errors: unknown[] = []
    const onError = (error: unknown) => {
      errors.push(error)
      throw new Error('onError')
    }
    expect((await routed({ stop: () => thrower('no'), onError }).ask('POST /dashboard/stop'))?.status).toBe(500)
    const { ask, clock } = routed({ stop: () => Promise.reject('later'), onError })
    expect((await ask('POST /dashboard/stop'))?.status).toBe(202)
    await clock.turn()
    expect(errors).toEqual(['no', 'later'])
  })
})

describe('dashboard()', () => {
  const { pool } = { pool: { stats: () => {}, tasks: () => {}, cancel: () => {} } as never }
  const tickets: TicketRoutes = {
    handle: async () => undefined,
    accepted: thrower,
    refused: thrower,
    stats: () => thrower(undefined)
  }

  it.each<[string, () => unknown]>([
    ['`pool` to be a WorkerPool', () => dashboard({} as never, tickets, { authorize: 'loopback' })],
    ['`tickets` to be what ticketRoutes returns', () => dashboard(pool, {} as never, { authorize: 'loopback' })],
    ['`options` to be an object', () => dashboard(pool, tickets, undefined as never)],
    ["`authorize` to be a function of the request, or 'loopback'", () => dashboard(pool, tickets, {} as never)],
    ['`authorize` to be', () => dashboard(pool, tickets, { authorize: true as never })],
    ['`path` to be a path', () => dashboard(pool, tickets, { authorize: 'loopback', path: '/' })],
    ['`path` to be a path', () => dashboard(pool, tickets, { authorize: 'loopback', path: 'admin' })],
    ['`stop` to be a function', () => dashboard(pool, tickets, { authorize: 'loopback', stop: 1 as never })],
    ['`clock` to be a Clock', () => dashboard(pool, tickets, { authorize: 'loopback', clock: {} as never })],
    ['only the options authorize, path', () => dashboard(pool, tickets, { authorise: 'loopback' } as never)]
  ])('names the argument that is wrong: %s', (message, call) => {
    expect(thrown(call)).toMatchObject({ name: 'TypeError', message: expect.stringContaining(message) })
  })
})

describe('over HTTP', () => {
  type Mount = (routes: TicketRoutes) => Promise<{ readonly url: string; readonly close: () => Promise<unknown> }>

  const listening = async (server: ReturnType<typeof createServer>) => {
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const close = async () => {
      server.closeAllConnections()
      server.close()
    }
    return { url: address(server), close }
  }

  const mounts: Readonly<Record<string, Mount>> = {
    'node:http': (routes) => listening(createServer(nodeListener(routes))),
    Express: (routes) => listening(createServer(express().use(expressTickets(routes)))),
    Fastify: async (routes) => {
      const app = fastify({ forceCloseConnections: true })
      await app.register(fastifyTickets, { tickets: routes })
      return { url: await app.listen({ port: 0, host: '127.0.0.1' }), close: () => app.close() }
    },
    Fetch: async (routes) => {
      const handle = fetchHandler(routes, { next: () => new Response(null, { status: 404 }) })
      return listening(
        createServer(async (req, res) => {
          const headers = Object.entries(req.headers).map(([name, value]) => [name, String(value)] as [string, string])
          const request = new Request(`http://${req.headers.host}${req.url}`, { method: req.method ?? '', headers })
          const reply = await handle(request, { incoming: req, outgoing: res })
          res.writeHead(reply.status, Object.fromEntries(reply.headers))
          if (reply.body !== null) for await (const piece of reply.body) res.write(piece)
          res.end()
        })
      )
    }
  }

  it.each(Object.keys(mounts))('%s serves page, events, buttons, tickets and denials', async (name) => {
    const { pool } = startedPool()
    const authorize: DashboardOptions['authorize'] = ({ headers }) => headers['authorization'] === 'Bearer secret'
    const routes = dashboard(pool, ticketRoutes(pool), { authorize, path: '/admin' })
    const { url, close } = await mounts[name]!(routes)
    onTestFinished(async () => void (await close()))
    const allowed = { headers: { authorization: 'Bearer secret' } }

    expect((await fetch(`${url}/admin`)).status).toBe(404)
    expect((await fetch(`${url}/admin/events`)).status).toBe(404)
    const page = await fetch(`${url}/admin`, allowed)
    expect([page.status, page.headers.get('content-security-policy')]).toEqual([200, expect.stringContaining('sha256')])
    expect(await page.text()).toContain('data-buttons="cancel"')
    const task = pool.queueTask(untilAborted)
    const reader = (await fetch(`${url}/admin/events`, allowed)).body?.getReader()
    const first = new TextDecoder().decode((await reader?.read())?.value)
    expect(first).toMatch(/^retry: 2000\ndata: \{.*\}\n\n$/)
    await reader?.cancel()
    const canceled = await fetch(`${url}/admin/cancel?ticket=${task.id}`, { method: 'POST', ...allowed })
    expect(canceled.status).toBe(202)
    await task.settled()
    expect((await fetch(`${url}/tasks/${task.id}`)).status).toBe(200)
    await pool.stop({ graceMs: 0 })
  })
})
