/** What only an Express application has: body parsers before the routes, an error page, CORS. */
import { once } from 'node:events'
import type { Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { TaskTimeoutError } from 'coatcheck'
import { expressErrors, expressTickets } from 'coatcheck/express'
import { invalidField } from 'coatcheck/http'
import { sendReply } from 'coatcheck/node-http'
import compression from 'compression'
import express5, { type ErrorRequestHandler, type Application as Express, type RequestHandler } from 'express'
import express4 from 'express4'
import { afterEach, describe, expect, it } from 'vitest'
import { application } from '../../../examples/demo/application.js'
import { cors } from '../../../examples/express-cors.js'
import { Gates } from '../../http/support/gates.js'
import { exchange, parse, post, type RawReply, readAll, request } from '../../http/support/raw.js'

const open: (() => Promise<unknown>)[] = []

afterEach(async () => {
  await Promise.all(open.splice(0).map((close) => close()))
})

const errors: unknown[] = []

const demo = (gates = new Gates()) => {
  const app = application({ work: gates.work, random: () => 0, onError: (error) => void errors.push(error) })
  open.push(() => app.pool.stop({ graceMs: 0, forceMs: 0 }))
  return app
}

const ask = async (app: Express, bytes: Buffer): Promise<RawReply> => {
  const server: Server = app.listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    return await exchange((server.address() as AddressInfo).port, bytes)
  } finally {
    server.close()
    server.closeAllConnections()
  }
}

describe.each([
  ['4', express4 as unknown as typeof express5],
  ['5', express5]
])('Express %s', (_version, express) => {
  /** An application that reads bodies before the tickets have their turn. */
  const withParser = (parser = express.json({ limit: 100 })): Express => {
    const routes = demo()
    const app = express()
    app.disable('x-powered-by')
    app.use(parser)
    app.use(expressTickets(routes))
    app.use(expressErrors(routes))
    return app
  }

  it('takes a body that express.json() or express.raw() has read already', async () => {
    for (const parser of [express.json(), express.raw({ type: 'application/json' })]) {
      const reply = await ask(withParser(parser), post('/tasks', { label: 'a', work: '3s' }))
      expect(reply.status).toBe(202)
    }
    expect((await ask(withParser(), post('/tasks', ''))).status).toBe(400)
    expect((await ask(withParser(express.json()), post('/tasks', '[]'))).status).toBe(400)
  })

  it('refuses a body that was read and not kept', async () => {
    const drop: RequestHandler = (req, _res, next) => {
      req.on('end', next)
      req.resume()
    }
    const reply = await ask(withParser(drop as never), post('/tasks', { label: 'a', work: '3s' }))
    expect(reply.status).toBe(400)
    expect(JSON.parse(reply.body)).toMatchObject({ code: 'INVALID_BODY' })
  })

  it('answers the errors of earlier body parsers as the routes do, without a stack', async () => {
    const cases = [
      [post('/tasks', '{"secret":'), 400, 'INVALID_BODY'],
      [post('/tasks', { label: 'x'.repeat(100) }), 413, 'BODY_TOO_LARGE'],
      [post('/tasks', '{}', ['Content-Encoding: x-secret']), 415, 'UNSUPPORTED_MEDIA_TYPE'],
      [
        request('POST /tasks', ['Content-Type: application/json; charset=x-secret'], '{}'),
        415,
        'UNSUPPORTED_MEDIA_TYPE'
      ]
    ] as const
    for (const [bytes, status, code] of cases) {
      const reply = await ask(withParser(), bytes)
      expect(reply.status).toBe(status)
      expect(reply.headers.get('content-type')).toBe('application/problem+json')
      expect(JSON.parse(reply.body)).toMatchObject({ code, status })
      expect(reply.bytes).not.toMatch(/secret|\bat .*:\d+|SyntaxError|<html/)
    }
  })

  it('answers other mistakes of clients with their status, without a word to the log', async () => {
    const routes = demo()
    const app = express()
    app.use(express.urlencoded({ extended: false, parameterLimit: 1 }))
    app.get('/users/:name', (_req, res) => void res.end())
    app.use(expressErrors(routes))
    const form = 'Content-Type: application/x-www-form-urlencoded'
    const cases = [
      [request('GET /users/%'), 404, 'NOT_FOUND'],
      [request('POST /users', [form], 'a=1&b=2'), 413, 'BODY_TOO_LARGE'],
      [request('POST /users', [form, 'Content-Encoding: gzip'], 'secret'), 400, 'INVALID_BODY']
    ] as const
    errors.length = 0
    for (const [bytes, status, code] of cases) {
      const reply = await ask(app, bytes)
      expect(JSON.parse(reply.body)).toMatchObject({ code, status })
      expect(reply.bytes).not.toMatch(/secret|\bat .*:\d+|<html/)
    }
    expect(errors).toEqual([])
  })

  it('answers what the pool refuses in a route of the application as the routes do', async () => {
    const tickets = demo()
    const app = express()
    app.post('/full', () => {
      for (;;) tickets.pool.queueTask('work', { label: 'a', workMs: 1, fails: false })
    })
    app.post('/field', () => {
      throw invalidField('/width', 'must be a number')
    })
    app.use(expressErrors(tickets))
    const full = await ask(app, request('POST /full'))
    expect(full.status).toBe(503)
    expect(full.headers.get('retry-after')).toMatch(/^\d+$/)
    expect(full.headers.get('content-type')).toBe('application/problem+json')
    expect(JSON.parse(full.body)).toMatchObject({ code: 'QUEUE_FULL', retryAfterMs: expect.any(Number) })
    const field = await ask(app, request('POST /field'))
    expect(field.status).toBe(400)
    expect(JSON.parse(field.body)).toMatchObject({ code: 'INVALID_FIELD', errors: [{ pointer: '/width' }] })
    await tickets.pool.stop({ graceMs: 0, forceMs: 0 })
    const stopped = await ask(app, request('POST /full', ['Connection: keep-alive']))
    expect(JSON.parse(stopped.body)).toMatchObject({ code: 'POOL_STOPPED' })
    expect(stopped.headers.get('connection')).toBe('close')
  })

  it.each([
    ['any error', new Error('secret')],
    ['a mistake that the application found itself', Object.assign(new Error('no name'), { status: 400, expose: true })],
    ['a task that ran into its time limit', new TaskTimeoutError('a', 5)],
    ['what is no error at all', 'text']
  ])('passes on %s, as it is, and without a word to the log', async (_, error) => {
    const passedOn: unknown[] = []
    const app = express()
    app.get('/broken', () => {
      throw error
    })
    app.use(expressErrors(demo()))
    const last: ErrorRequestHandler = (given, _req, res, _next) => {
      passedOn.push(given)
      res.status(500).end('the application')
    }
    app.use(last)
    errors.length = 0
    expect((await ask(app, request('GET /broken'))).body).toBe('the application')
    expect(passedOn).toEqual([error])
    expect(errors).toEqual([])
  })

  it('K16 lets an application answer the rest with `refused`: without a word about it, and the log has it', async () => {
    const routes = demo()
    const app = express()
    app.get('/broken', () => {
      throw new Error('secret')
    })
    const last: ErrorRequestHandler = (error, req, res, _next) => sendReply(req, res, routes.refused(error))
    app.use(expressErrors(routes), last)
    errors.length = 0
    const reply = await ask(app, request('GET /broken'))
    expect(reply.status).toBe(500)
    expect(JSON.parse(reply.body)).toMatchObject({ code: 'INTERNAL' })
    expect(reply.bytes).not.toMatch(/secret|\bat .*:\d+|<html/)
    expect(errors).toMatchObject([{ message: 'secret' }])
  })

  it('leaves a reply that has begun to Express, which cuts it', async () => {
    const app = express()
    app.get('/half', (_req, res, next) => {
      res.writeHead(200, { 'Content-Length': '10' })
      res.write('half')
      next(new Error('secret'))
    })
    app.use(expressErrors(demo()))
    const reply = await ask(app, request('GET /half'))
    expect(reply.body).toBe('half')
  })

  it('sends events as they come where replies are compressed', async () => {
    const gates = new Gates()
    const routes = demo(gates)
    const app = express()
    app.use(compression({ threshold: 0 }))
    app.use(expressTickets(routes))
    const server = app.listen(0, '127.0.0.1')
    await once(server, 'listening')
    open.push(() => new Promise((resolve) => server.close(resolve)))
    const { port } = server.address() as AddressInfo
    const { id } = JSON.parse((await exchange(port, post('/tasks', { label: 'a' }))).body) as { readonly id: string }

    const gzip = 'Accept-Encoding: gzip'
    const socket = connect(port, '127.0.0.1')
    socket.write(request(`GET /tasks/${id}/events`, [gzip]))
    const [first] = (await once(socket, 'data')) as [Buffer]
    expect(first.toString()).toContain('event: status')
    gates.end('a')
    expect(await readAll(socket)).toContain('"status":"succeeded"')
    expect(parse(first.toString()).headers.has('content-encoding')).toBe(false)
    expect((await exchange(port, request(`GET /tasks/${id}`, [gzip]))).headers.get('content-encoding')).toBe('gzip')
  })

  it('works below a path', async () => {
    const app = express()
    app.use('/tasks', expressTickets(demo()))
    expect((await ask(app, post('/tasks', {}))).status).toBe(202)
  })

  it('lets pages of listed origins in, and tells others nothing', async () => {
    const listed = () => express().use(cors(['https://shop.example']), expressTickets(demo()))
    const fromShop = 'Origin: https://shop.example'
    const reply = await ask(listed(), post('/tasks', {}, [fromShop]))
    expect(reply.status).toBe(202)
    expect(reply.headers.get('access-control-allow-origin')).toBe('https://shop.example')
    expect(reply.headers.get('access-control-expose-headers')).toContain('Operation-Location')
    expect(reply.headers.get('vary')).toBe('Origin')

    const preflight = await ask(listed(), request('OPTIONS /tasks', [fromShop, 'Access-Control-Request-Method: POST']))
    expect(preflight.status).toBe(204)
    expect(preflight.headers.get('access-control-allow-headers')).toContain('If-None-Match')
    expect(preflight.headers.get('access-control-allow-methods')).toBe('GET, HEAD, POST, DELETE')

    const plain = await ask(listed(), request('OPTIONS /tasks', [fromShop]))
    expect(plain.headers.get('allow')).toBe('POST, OPTIONS')
    for (const origin of ['https://evil.example', 'null', 'https://shop.example.evil.example']) {
      const foreign = await ask(
        listed(),
        request('OPTIONS /tasks', [`Origin: ${origin}`, 'Access-Control-Request-Method: POST'])
      )
      expect([...foreign.headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([])
    }
  })
})

it.each([undefined, null, 7, {}, { handle: 1, refused: 1 }])('nothing is made of %o', (tickets) => {
  const message = /`tickets` to be what ticketRoutes returns/
  expect(() => expressTickets(tickets as never)).toThrow(message)
  expect(() => expressErrors(tickets as never)).toThrow(message)
})
