/**
 * The contract over real sockets: the same bytes are sent to node:http, Express 4, Express 5, Fastify and Hono, and
 * the same bytes must come back. Only `Date` may differ.
 */
import { once } from 'node:events'
import { connect } from 'node:net'
import type { TicketStatus } from 'coatcheck/http'
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { exchange, parse, post, type RawReply, readAll, request } from './support/raw.js'
import { Sides } from './support/sides.js'

let sides: Sides

const small = { pool: { concurrency: 1, queueCapacity: 2 } } as const

beforeEach(async () => {
  sides = await Sides.open(small)
})

afterEach(() => sides.close())

const json = (reply: RawReply): Record<string, unknown> => JSON.parse(reply.body) as Record<string, unknown>
const status = (reply: RawReply): TicketStatus => JSON.parse(reply.body) as TicketStatus

/** Submits a task that starts at once or waits, and returns its ticket. */
const handIn = async (label: string, more: Record<string, unknown> = {}): Promise<string> =>
  status(await sides.send(post('/tasks', { label, work: '2s', ...more }))).id

const get = (path: string, headers: readonly string[] = []): Promise<RawReply> =>
  sides.send(request(`GET ${path}`, headers))

const expectProblem = (reply: RawReply, code: string, expected: number): Record<string, unknown> => {
  expect(reply.status).toBe(expected)
  expect(reply.headers.get('content-type')).toBe('application/problem+json')
  expect(reply.headers.get('cache-control')).toBe('no-store')
  const document = json(reply)
  expect(document).toMatchObject({ type: 'about:blank', status: expected, code })
  expect(document['title']).toEqual(expect.stringMatching(/^[A-Z]/))
  expect(document['detail']).toEqual(expect.stringMatching(/\.$/))
  return document
}

describe('POST /tasks', () => {
  it('answers 202 with the ticket in the headers and the status in the body', async () => {
    const reply = await sides.send(post('/tasks', { label: 'a', work: '2s' }))
    const { id } = status(reply)
    expect(reply.status).toBe(202)
    expect(reply.headers.get('location')).toBe(`/tasks/${id}`)
    expect(reply.headers.get('content-location')).toBe(`/tasks/${id}`)
    expect(reply.headers.get('operation-location')).toBe(`/tasks/${id}`)
    expect(reply.headers.get('retry-after')).toBe('1')
    expect(reply.headers.get('etag')).toMatch(/^W\/"\d+"$/)
    expect(reply.headers.get('content-type')).toBe('application/json')
    expect(status(reply)).toMatchObject({ name: 'work', done: false, pollAfterMs: 1_000 })
  })

  it('refuses a wrong field with its pointer and not its value, and queues nothing', async () => {
    const document = expectProblem(await sides.send(post('/tasks', { work: 'tomorrow-secret' })), 'INVALID_FIELD', 400)
    expect(document['errors']).toEqual([{ pointer: '/work', detail: expect.stringContaining('duration') }])
    expect(JSON.stringify(document)).not.toContain('tomorrow-secret')
    for (const [field, value] of [
      ['label', 7],
      ['label', 'x'.repeat(201)],
      ['work', 60],
      ['fail', 'yes']
    ] as const) {
      const reply = await sides.send(post('/tasks', { [field]: value }))
      expect(expectProblem(reply, 'INVALID_FIELD', 400)['errors']).toMatchObject([{ pointer: `/${field}` }])
    }
    expect(sides.totals().submitted).toBe(0)
  })

  it('K9 answers 503 with a whole number of seconds when it is full, and has queued nothing', async () => {
    for (const label of ['a', 'b', 'c']) await handIn(label)
    const reply = await sides.send(post('/tasks', { label: 'd' }))
    const document = expectProblem(reply, 'QUEUE_FULL', 503)
    expect(reply.headers.get('retry-after')).toMatch(/^[1-9]\d*$/)
    const { retryAfterMs } = document
    expect(Number(reply.headers.get('retry-after'))).toBe(Math.ceil(Number(retryAfterMs) / 1_000))
    expect(sides.totals()).toMatchObject({ submitted: 4, accepted: 3, refused: 1 })
    await sides.each(({ app }) => expect(app.pool.tasks().length).toBe(3))
  })

  it('K9 accepts work again when a worker is free', async () => {
    const first = await handIn('a')
    for (const label of ['b', 'c']) await handIn(label)
    expect((await sides.send(post('/tasks', {}))).status).toBe(503)
    await sides.settle('a', first)
    expect((await sides.send(post('/tasks', {}))).status).toBe(202)
  })

  it('K5 accepts only uncompressed JSON in UTF-8', async () => {
    const refused = [
      [],
      ['Content-Type: text/plain'],
      ['Content-Type: application/x-www-form-urlencoded'],
      ['Content-Type: application/json; charset=iso-8859-1'],
      ['Content-Type: application/json; charset="utf-16"'],
      ['Content-Type: application/json; charset=""'],
      ['Content-Type: application/jsonp'],
      ['Content-Type: text/json'],
      [`Content-Type: application/json; x=${'y'.repeat(300)}`],
      ['Content-Type: application/jsonapplication/json+json'],
      ['Content-Type: application/a b+json'],
      ['Content-Type: application/json\u00a0'],
      ['Content-Type: application/json; charset=utf-8"'],
      ['Content-Type: application/json; charset="u"tf-8'],
      ['Content-Type: application/json; charset=utf-8; charset=latin1'],
      ['Content-Type: application/json', 'Content-Encoding: gzip'],
      ['Content-Type: application/json', 'Content-Encoding: identity']
    ]
    for (const headers of refused) {
      expectProblem(await sides.send(request('POST /tasks', headers, '{}')), 'UNSUPPORTED_MEDIA_TYPE', 415)
    }
    expect(sides.totals().submitted).toBe(0)
    const taken = [
      'application/json; charset=utf-8',
      'Application/JSON;charset="UTF-8"',
      'application/vnd.api+json',
      'application/json; version=1',
      'application/json; x="; charset=latin1"',
      String.raw`application/json; x="\"; charset=latin1";`,
      'application/json\r\nContent-Encoding:'
    ]
    for (const type of taken) {
      await sides.close()
      sides = await Sides.open(small)
      expect((await sides.send(request('POST /tasks', [`Content-Type: ${type}`], '{}'))).status).toBe(202)
    }
  })

  it('K3 refuses what is not one JSON object in UTF-8', async () => {
    const bodies = [
      '',
      ' ',
      '{"label":',
      '[]',
      '"text"',
      '7',
      'null',
      '{}{}',
      "{'label':1}",
      Buffer.from([0xef, 0xbb, 0xbf, 0x7b, 0x7d]), // a byte order mark
      Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), // not UTF-8
      Buffer.from('{}', 'utf16le'),
      `${'{"a":'.repeat(65)}1${'}'.repeat(65)}`,
      `{"a":${'['.repeat(30_000)}${']'.repeat(30_000)}}`
    ]
    for (const body of bodies) expectProblem(await sides.send(post('/tasks', body)), 'INVALID_BODY', 400)
    expectProblem(await sides.send(post('/tasks', '['.repeat(100_000))), 'BODY_TOO_LARGE', 413)
    expect(sides.totals().submitted).toBe(0)
  })

  it('K3 accepts 64 levels, and ignores brackets in strings', async () => {
    const deep = `{"a":${'['.repeat(63)}${']'.repeat(63)}}`
    const text = JSON.stringify({ a: `"${'['.repeat(100)}\\${'{'.repeat(100)}` })
    for (const body of [deep, text]) expect((await sides.send(post('/tasks', body))).status).toBe(202)
  })

  it('K4 finds nothing on a prototype and changes none', async () => {
    const body = '{"__proto__":{"label":"evil","work":"1h"},"constructor":{"prototype":{"polluted":1}}}'
    const id = status(await sides.send(post('/tasks', body))).id
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
    await sides.each(({ gates }) => expect(gates.gate('').work).toEqual({ label: '', workMs: 1_000, fails: false }))
    await sides.settle('', id)
    expect(status(await get(`/tasks/${id}`)).result).toEqual({ label: '', workedMs: 1_000 })
  })

  it('K2 refuses a body over the limit by its announced length, before it is sent', async () => {
    const head = request('POST /tasks', ['Content-Type: application/json', 'Content-Length: 65537'])
    const reply = await sides.send(head)
    expectProblem(reply, 'BODY_TOO_LARGE', 413)
    expect(reply.headers.get('connection')).toBe('close')
  })

  it('K2 accepts a body of exactly the limit', async () => {
    const body = (size: number) => `{${' '.repeat(size - 2)}}`
    expect((await sides.send(post('/tasks', body(65_536)))).status).toBe(202)
    expectProblem(await sides.send(post('/tasks', body(65_537))), 'BODY_TOO_LARGE', 413)
  })

  it('K2 refuses a body over the limit while reading, and accepts one of the limit', async () => {
    const chunk = (size: number) => `${size.toString(16)}\r\n${' '.repeat(size)}\r\n`
    const headers = ['Content-Type: application/json', 'Transfer-Encoding: chunked', 'Connection: keep-alive']
    const endless = request('POST /tasks', headers, chunk(40_000) + chunk(25_537))
    const reply = await sides.send(endless)
    expectProblem(reply, 'BODY_TOO_LARGE', 413)
    expect(reply.headers.get('connection')).toBe('close')
    expect(sides.totals().submitted).toBe(0)
    const whole = request('POST /tasks', [...headers.slice(0, 2)], `${chunk(65_534)}2\r\n{}\r\n0\r\n\r\n`)
    expect((await sides.send(whole)).status).toBe(202)
  })

  it('K2 sends the refusal to a client that sends megabytes before it reads', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }) // the second that it has for that does not pass
    onTestFinished(() => void vi.useRealTimers())
    await sides.each(async ({ port }) => {
      const socket = connect(port, '127.0.0.1')
      const failed = once(socket, 'error').then(([error]) => error as unknown)
      const written = new Promise((resolve) =>
        socket.write(post('/tasks', `{"a":"${'x'.repeat(4_000_000)}"}`), resolve)
      )
      expect(await Promise.race([written, failed])).toBeFalsy() // only now does the client read
      expectProblem(parse(await readAll(socket)), 'BODY_TOO_LARGE', 413)
    })
  })

  it('K2 queues nothing for a body that is not as long as announced', async () => {
    const headers = ['Content-Type: application/json', 'Connection: keep-alive']
    const longer = request('POST /tasks', [...headers, 'Content-Length: 9'], '{"label":"longer","work":"2s"}')
    expect((await sides.send(longer)).status).toBe(400)
    await sides.each(async ({ port, decided }) => {
      const socket = connect(port, '127.0.0.1')
      socket.end(request('POST /tasks', [...headers, 'Content-Length: 60000'], '{"label":"shorter"}'))
      expect(parse(await readAll(socket)).status).toBe(400)
      await Promise.all(decided)
    })
    expect(sides.totals().submitted).toBe(0)
  })

  it('answers 503, close, without reading the body once the pool is stopping', async () => {
    await handIn('deaf')
    await sides.each(({ app }) => void app.pool.stop({ graceMs: 10_000 }))
    const reply = await sides.send(request('POST /tasks', ['Content-Length: 99999', 'Connection: keep-alive']))
    const document = expectProblem(reply, 'POOL_STOPPED', 503)
    expect(reply.headers.get('retry-after')).toBe('5')
    expect(reply.headers.get('connection')).toBe('close')
    expect(document['retryAfterMs']).toBe(5_000)
    await sides.each(({ gates }) => gates.end('deaf'))
  })
})

describe('Idempotency-Key', () => {
  const keyed = (key: string, body: unknown, path = '/tasks'): Buffer => post(path, body, [`Idempotency-Key: ${key}`])

  it('K13 answers the same submission with the current status of its ticket', async () => {
    const first = await sides.send(keyed('order-7', { label: 'a' }))
    expect(first.headers.has('idempotent-replayed')).toBe(false)
    await sides.settle('a', status(first).id)
    const again = await sides.send(keyed('"order-7"', { label: 'a' }))
    expect(again.status).toBe(202)
    expect(again.headers.get('idempotent-replayed')).toBe('true')
    expect(again.headers.get('location')).toBe(first.headers.get('location'))
    expect(again.headers.has('retry-after')).toBe(false)
    expect(status(again)).toMatchObject({ id: status(first).id, status: 'succeeded', done: true })
    expectProblem(await sides.send(keyed('order-7', { label: 'b' })), 'IDEMPOTENCY_KEY_REUSED', 422)
    expectProblem(await sides.send(keyed('', { label: 'b' })), 'INVALID_IDEMPOTENCY_KEY', 400)
    expect(sides.totals().submitted).toBe(1)
  })

  it('K13 queues one task for twenty concurrent submissions', async () => {
    await sides.each(async ({ port, app }) => {
      const replies = await Promise.all(Array.from({ length: 20 }, () => exchange(port, keyed('x', { label: 'a' }))))
      expect(replies.map((reply) => reply.status)).toEqual(replies.map(() => 202))
      expect(new Set(replies.map((reply) => status(reply).id)).size).toBe(1)
      expect(replies.filter(({ headers }) => headers.has('idempotent-replayed'))).toHaveLength(19)
      expect(app.pool.stats().totals.submitted).toBe(1)
    })
  })

  it('K13 repeats the first body of a route with its own bodies', async () => {
    const body = { task_id: 'a', work_duration: '1s' }
    const first = await sides.send(keyed('x', body, '/queue-task'))
    const again = await sides.send(keyed('x', body, '/queue-task'))
    expect(again.body).toBe(first.body)
    expect(again.headers.get('idempotent-replayed')).toBe('true')
    const other = await sides.send(keyed('x', { ...body, task_id: 'b' }, '/queue-task'))
    expect(other.status).toBe(422)
    expect(json(other)).toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED', error: 'failed to read POST body' })
    expect((await sides.send(keyed('x', {}))).headers.has('idempotent-replayed')).toBe(false)
  })
})

describe('GET /tasks/:id', () => {
  it('has the full status of a running ticket, null where a value is unknown', async () => {
    const id = await handIn('a')
    await sides.each(({ gates }) => gates.gate('a').progress(0.42, 'page 3 of 7'))
    const reply = await get(`/tasks/${id}`)
    expect(reply.status).toBe(200)
    expect(status(reply)).toEqual({
      id,
      name: 'work',
      status: 'running',
      done: false,
      revision: expect.any(Number),
      position: null,
      progress: { ratio: 0.42, message: 'page 3 of 7' },
      cancelRequested: false,
      reason: null,
      attempt: 1,
      queuedAt: expect.stringMatching(/^2030-01-01T/),
      startedAt: expect.stringMatching(/^2030-01-01T/),
      settledAt: null,
      expiresAt: null,
      pollAfterMs: 1_000,
      result: null,
      error: null,
      resultOmitted: null,
      links: { self: `/tasks/${id}`, events: `/tasks/${id}/events` }
    })
    expect(reply.headers.get('etag')).toBe(`W/"${status(reply).revision}"`)
    expect(reply.headers.get('retry-after')).toBe('1')
    expect(reply.headers.get('cache-control')).toBe('private, no-cache')
  })

  it('has progress without a message', async () => {
    const id = await handIn('a')
    await sides.each(({ gates }) => gates.gate('a').progress(2))
    expect(status(await get(`/tasks/${id}`)).progress).toEqual({ ratio: 1, message: null })
  })

  it('has the position of a queued ticket', async () => {
    await handIn('a')
    const id = await handIn('b')
    expect(status(await get(`/tasks/${id}`))).toMatchObject({
      status: 'queued',
      position: 1,
      attempt: 0,
      startedAt: null
    })
  })

  it('has the result of a ticket that is done, and no Retry-After', async () => {
    const id = await handIn('a')
    await sides.settle('a', id)
    const reply = await get(`/tasks/${id}`)
    expect(status(reply)).toMatchObject({
      status: 'succeeded',
      done: true,
      pollAfterMs: null,
      result: { label: 'a', workedMs: 2_000 },
      settledAt: expect.any(String),
      expiresAt: expect.any(String)
    })
    expect(reply.headers.has('retry-after')).toBe(false)
  })

  it('K16 answers 200 for a failed task, and leaks neither its message nor its stack', async () => {
    const id = await handIn('a')
    const error = Object.assign(new Error('ENOENT: no such file /srv/secret/key.pem'), { code: 'ENOENT' })
    await sides.settle('a', id, (gates) => gates.fail('a', error))
    const reply = await get(`/tasks/${id}`)
    expect(reply.status).toBe(200)
    expect(status(reply)).toMatchObject({ status: 'failed', error: { code: 'ENOENT', message: 'the task failed' } })
    expect(reply.bytes).not.toMatch(/secret|\bat .*:\d+/)
  })

  it('shows the message of an error with `expose: true`', async () => {
    const id = await handIn('a')
    const error = Object.assign(new Error('the page has no text'), { expose: true })
    await sides.settle('a', id, (gates) => gates.fail('a', error))
    expect(status(await get(`/tasks/${id}`)).error).toEqual({ code: 'TASK_FAILED', message: 'the page has no text' })
  })

  it('answers 304 while the revision is the one the client has, and 200 from the next on', async () => {
    const id = await handIn('a')
    const first = await get(`/tasks/${id}`)
    const tag = first.headers.get('etag')!
    for (const header of [tag, tag.slice(2), `"x", ${tag}`, `W/"0",${tag},"y"`, '*']) {
      const reply = await get(`/tasks/${id}`, [`If-None-Match: ${header}`, 'Cache-Control: no-cache'])
      expect(reply.status, header).toBe(304)
      expect(reply.body).toBe('')
      expect(reply.headers.get('etag')).toBe(tag)
      expect(reply.headers.get('cache-control')).toBe('private, no-cache')
      expect(reply.headers.get('retry-after')).toBe('1')
    }
    await sides.settle('a', id)
    const done = await get(`/tasks/${id}`, [`If-None-Match: ${tag}`])
    expect(done.status).toBe(200)
    const again = await get(`/tasks/${id}`, [`If-None-Match: ${done.headers.get('etag')}`])
    expect(again.status).toBe(304)
    expect(again.headers.has('retry-after')).toBe(false)
  })

  it('reads repeated header fields: lists as one list, of others the first', async () => {
    const id = await handIn('a')
    const tag = (await get(`/tasks/${id}`)).headers.get('etag')
    expect((await get(`/tasks/${id}`, ['If-None-Match: "x"', `If-None-Match: ${tag}`])).status).toBe(304)
    const types = ['Content-Type: application/json', 'Content-Type: text/plain']
    expect((await sides.send(request('POST /tasks', types, '{}'))).status).toBe(202)
    expect((await sides.send(request('POST /tasks', types.toReversed(), '{}'))).status).toBe(415)
  })

  it('answers 200 to a malformed tag and to another one', async () => {
    const id = await handIn('a')
    const { revision } = status(await get(`/tasks/${id}`))
    for (const header of [
      `W/"${revision}0"`,
      `W/${revision}`,
      `w/"${revision}"`,
      `"${revision}`,
      ',',
      'x',
      `x "${revision}"`
    ]) {
      expect((await get(`/tasks/${id}`, [`If-None-Match: ${header}`])).status, header).toBe(200)
    }
  })

  it('answers 404 after the retention time', async () => {
    const id = await handIn('a')
    await sides.settle('a', id)
    await sides.each(({ clock }) => clock.advance(600_001))
    expectProblem(await get(`/tasks/${id}`), 'TICKET_NOT_FOUND', 404)
  })

  it('K7 gives one identical 404 for every unknown ticket', async () => {
    const usual = await get('/tasks/AAAAAAAAAAAAAAAAAAAAAA')
    expectProblem(usual, 'TICKET_NOT_FOUND', 404)
    const segments = [
      '',
      '%',
      '%2',
      '%zz',
      '%2e%2e%2f',
      '%2e%2e',
      '..',
      '.',
      '%00',
      'a%00',
      '%C0%AF',
      '%F0%9F%98%80',
      'a%20b'
    ]
    for (const segment of [
      ...segments,
      'a'.repeat(129),
      'a'.repeat(10_240),
      '%61'.repeat(3_000),
      '<script>',
      'a;b',
      'a#b'
    ]) {
      expect((await get(`/tasks/${segment}`)).bytes, segment.slice(0, 30)).toBe(usual.bytes)
    }
    expect((await sides.send(request('DELETE /tasks/%'))).bytes).toBe(usual.bytes)
  })

  it('K7 decodes a ticket once', async () => {
    const id = await handIn('a')
    const encoded = [...id].map((sign) => `%${sign.charCodeAt(0).toString(16)}`).join('')
    expect((await get(`/tasks/${encoded}`)).status).toBe(200)
    expect((await get(`/tasks/${encoded.replaceAll('%', '%25')}`)).status).toBe(404)
    expect((await get(`/tasks/${id}?x=1`)).status).toBe(200)
    expect((await get(`http://localhost/tasks/${id}`)).status).toBe(200)
  })
})

describe('DELETE /tasks/:id', () => {
  const cancel = (id: string): Promise<RawReply> => sides.send(request(`DELETE /tasks/${id}`))

  it('cancels a queued task at once', async () => {
    await handIn('a')
    const id = await handIn('b')
    const reply = await cancel(id)
    expect(reply.status).toBe(200)
    expect(status(reply)).toMatchObject({
      status: 'canceled',
      reason: 'user',
      done: true,
      startedAt: null,
      error: null
    })
    expect(reply.headers.has('retry-after')).toBe(false)
    expect(reply.headers.get('etag')).toBe(`W/"${status(reply).revision}"`)
    expect((await cancel(id)).bytes).toBe(reply.bytes)
  })

  it('requests the cancel of a running task, with the same answer each time, until it has settled', async () => {
    const id = await handIn('deaf')
    const reply = await cancel(id)
    expect(reply.status).toBe(202)
    expect(status(reply)).toMatchObject({ status: 'running', cancelRequested: true, done: false })
    expect(reply.headers.get('retry-after')).toBe('1')
    expect(reply.headers.get('etag')).toBe(`W/"${status(reply).revision}"`)
    expect((await cancel(id)).bytes).toBe(reply.bytes)
    await sides.settle('deaf', id, (gates) => gates.fail('deaf', gates.gate('deaf').signal.reason))
    const gone = await cancel(id)
    expect(gone.status).toBe(200)
    expect(status(gone)).toMatchObject({ status: 'canceled', reason: 'user', cancelRequested: true, error: null })
  })

  it('answers 409 for a task that has succeeded or failed', async () => {
    for (const [label, how, state] of [
      ['a', 'end', 'succeeded'],
      ['b', 'fail', 'failed']
    ] as const) {
      const id = await handIn(label)
      await sides.settle(label, id, (gates) => (how === 'end' ? gates.end(label) : gates.fail(label, new Error('x'))))
      expect(expectProblem(await cancel(id), 'ALREADY_FINISHED', 409)['state']).toBe(state)
    }
  })
})

describe('methods', () => {
  const allowed = {
    '/tasks': 'POST, OPTIONS',
    '/tasks/AAAA': 'GET, HEAD, DELETE, OPTIONS',
    '/tasks/AAAA/events': 'GET, OPTIONS',
    '/queue-task': 'POST, OPTIONS',
    '/livez': 'GET, HEAD, OPTIONS',
    '/readyz': 'GET, HEAD, OPTIONS',
    '/': 'GET, OPTIONS'
  } as const
  const isRead = (method: string): boolean => method === 'GET' || method === 'HEAD'
  const methods = ['GET', 'HEAD', 'POST', 'DELETE', 'PUT', 'PATCH', 'TRACE', 'PROPFIND', 'QUERY']

  it.each(Object.entries(allowed))('K6 %s refuses all but %s', async (path, allow) => {
    const wrong = methods.filter(
      (method) =>
        !allow.split(', ').includes(method) &&
        (method !== 'QUERY' || canQuery) &&
        !(path === '/tasks' && isRead(method)) // the list, with another option
    )
    for (const method of wrong) {
      const reply = await sides.send(request(`${method} ${path}`))
      expect(reply.status, method).toBe(405)
      expect(reply.headers.get('allow')).toBe(allow)
      if (method === 'HEAD') expect(reply.body).toBe('')
      else expectProblem(reply, 'METHOD_NOT_ALLOWED', 405)
    }
    expect(sides.totals().submitted).toBe(0)
  })

  it('K6 has no list of tickets without authorize', async () => {
    expectProblem(await get('/tasks'), 'NOT_FOUND', 404)
    expect((await sides.send(request('HEAD /tasks'))).status).toBe(404)
  })

  it('K6 checks the method before the ticket', async () => {
    const id = await handIn('a')
    const known = await sides.send(request(`PUT /tasks/${id}`))
    expect((await sides.send(request('PUT /tasks/AAAA'))).bytes).toBe(known.bytes)
    expect((await sides.send(request('PUT /tasks/%'))).bytes).toBe(known.bytes)
  })

  it.each(Object.entries(allowed))('K6 OPTIONS %s tells %s', async (path, allow) => {
    const reply = await sides.send(request(`OPTIONS ${path}`))
    expect(reply.status).toBe(204)
    expect(reply.headers.get('allow')).toBe(allow)
    expect(reply.body).toBe('')
  })

  it('K6 HEAD answers as GET does, without the body', async () => {
    const id = await handIn('a')
    for (const path of [`/tasks/${id}`, '/tasks/none', '/livez', '/readyz']) {
      const head = await sides.send(request(`HEAD ${path}`))
      const full = await get(path)
      expect(head.body).toBe('')
      expect(head.bytes).toBe(full.bytes.slice(0, full.bytes.length - full.body.length))
    }
    const tag = (await get(`/tasks/${id}`)).headers.get('etag')
    expect((await sides.send(request(`HEAD /tasks/${id}`, [`If-None-Match: ${tag}`]))).status).toBe(304)
  })

  it('passes on every other path', async () => {
    const paths = [
      '/tasks/a/events/',
      '/tasks/a/b/events',
      '/tasks/a/',
      '/tasksx',
      '/TASKS',
      '/events',
      '/x',
      '//tasks',
      '/livez/',
      '/queue-task/x',
      '/%74asks'
    ]
    for (const path of paths) expectProblem(await get(path), 'NOT_FOUND', 404)
    expectProblem(await sides.send(request('OPTIONS *')), 'NOT_FOUND', 404)
  })
})

/** Node 20 does not support the method yet and closes the connection. */
const canQuery = (await import('node:http')).METHODS.includes('QUERY')

describe('health', () => {
  it('is alive and ready while the pool runs', async () => {
    for (const path of ['/livez', '/readyz']) {
      const reply = await get(path)
      expect(reply.status).toBe(200)
      expect(reply.body).toBe('{"status":"ok"}')
    }
  })

  it('is alive but not ready once the pool stops, and closes every connection', async () => {
    await handIn('deaf')
    await sides.each(({ app }) => void app.pool.stop({ graceMs: 10_000 }))
    const alive = await sides.send(request('GET /livez', ['Connection: keep-alive']))
    expect(alive.status).toBe(200)
    expect(alive.headers.get('connection')).toBe('close')
    const ready = await sides.send(request('GET /readyz', ['Connection: keep-alive']))
    expect(ready.status).toBe(503)
    expect(ready.body).toBe('{"status":"stopping"}')
    expect(ready.headers.get('connection')).toBe('close')
    await sides.each(({ gates }) => gates.end('deaf'))
  })

  it('keeps connections open while the pool runs', async () => {
    const twice = Buffer.concat([request('GET /livez', ['Connection: keep-alive']), request('GET /livez')])
    const reply = await sides.send(twice)
    expect(reply.headers.get('connection')).toBe('keep-alive')
    expect(parse(reply.body.slice(reply.body.indexOf('HTTP/1.1'))).body).toBe('{"status":"ok"}')
  })
})

describe('every reply', () => {
  it('forbids type guessing, referrers and caching', async () => {
    const id = await handIn('a')
    const requests = [
      ...['/livez', '/readyz', `/tasks/${id}`, '/tasks/none', '/none', '/', '/?user_id=1'].map((path) =>
        request(`GET ${path}`)
      ),
      ...['/tasks', '/queue-task'].map((path) => post(path, '{')),
      ...['/tasks', '/', '/none'].map((path) => request(`OPTIONS ${path}`)),
      request('PUT /tasks'),
      request(`DELETE /tasks/${id}`),
      post('/tasks', {}),
      request('GET /livez', ['Host: evil.example'])
    ]
    for (const bytes of requests) {
      const reply = await sides.send(bytes)
      expect(reply.headers.get('x-content-type-options')).toBe('nosniff')
      expect(reply.headers.get('referrer-policy')).toBe('no-referrer')
      expect(reply.headers.get('cache-control')).toBe(reply.status >= 400 ? 'no-store' : 'private, no-cache')
      expect(reply.headers.has('x-powered-by')).toBe(false)
    }
  })

  it('K8 has no part of a request in its headers', async () => {
    const hostile = 'x\r\nSet-Cookie: evil=1\r\n\r\n<script>'
    const query = encodeURIComponent(hostile)
    const requests = [
      post('/tasks', { label: hostile }),
      post('/queue-task', { task_id: hostile, work_duration: '1s' }),
      request(`GET /?user_id=${query}`),
      request(`GET /tasks/${query}`),
      request(`GET /${query}`),
      request('GET /livez', ['X-Evil: evil=1', 'Origin: http://evil.example'])
    ]
    for (const bytes of requests) {
      const reply = await sides.send(bytes)
      expect([...reply.headers.keys(), ...reply.headers.values()].join('\n')).not.toMatch(/evil|cookie|script/i)
    }
    expect(sides.totals().accepted).toBe(3)
  })
})
