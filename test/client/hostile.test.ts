/** Broken and hostile servers over real connections, and origins to which a client sends nothing. */
import { poll, type SubmitOptions, submit } from 'coatcheck/client'
import { describe, expect, it } from 'vitest'
import { ManualClock } from '../support/manual-clock.js'
import { rejection } from '../support/pools.js'
import { type Act, bytes, rawServer, reset, say } from './support/raw-server.js'
import { quiet, status, succeeded, TICKET } from './support/scripted-server.js'
import { setting } from './support/setting.js'

/** Attempts without pauses, on a clock that stands still. */
const quick = (): SubmitOptions => ({ clock: new ManualClock(), retry: { attempts: 4, backoffMs: 0 } })

const json = ['Content-Type: application/json']
const accepted = say('202 Accepted', ['Location: /tasks/a', 'ETag: W/"1"', ...json], JSON.stringify(status()))
const done = say('200 OK', ['ETag: W/"3"', ...json], JSON.stringify(succeeded('done')))
const page = say('200 OK', ['Content-Type: text/html'], '<!doctype html><title>We will be back soon</title>')

/** The keys of the POSTs. */
const keysOf = (requests: readonly string[]): readonly (string | undefined)[] =>
  requests.filter((each) => each.startsWith('POST')).map((each) => /^idempotency-key: (.+)\r$/im.exec(each)?.[1])

describe('a connection that breaks', () => {
  const breaks: readonly (readonly [string, Act])[] = [
    ['before the answer', reset],
    ['without an answer', (socket) => void socket.end()],
    ['in the headers', bytes('HTTP/1.1 202 Accepted\r\nLocation: /ta')],
    ['in the body', bytes('HTTP/1.1 202 Accepted\r\nLocation: /tasks/a\r\nContent-Length: 1000\r\n\r\n{"id":')],
    [
      'in a chunk',
      bytes('HTTP/1.1 202 Accepted\r\nLocation: /tasks/a\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{"id"')
    ],
    ['in bytes that are not HTTP', bytes('SSH-2.0-OpenSSH_9.6\r\n')],
    [
      'in a body without its stated compression',
      say('202 Accepted', ['Location: /tasks/a', 'Content-Encoding: gzip'], '{}')
    ]
  ]

  it.each(breaks)('%s has the POST sent again with the same key', async (_, act) => {
    const { origin, requests } = await rawServer([act, act, accepted, done])
    expect(await submit(`${origin}/tasks`, {}, quick())).toBe('done')
    const keys = keysOf(requests)
    expect(keys).toHaveLength(3)
    expect(new Set(keys).size).toBe(1)
  })

  it.each(breaks)('%s has the poll repeated', async (_, act) => {
    const { origin, requests } = await rawServer([accepted, act, act, act, done])
    expect(await submit(`${origin}/tasks`, {}, quick())).toBe('done')
    expect(requests.map((each) => each.split(' ')[0])).toEqual(['POST', 'GET', 'GET', 'GET', 'GET'])
  })

  it('in every attempt ends the call with its cause', async () => {
    const { origin, requests } = await rawServer([reset])
    const error = await rejection(submit(`${origin}/tasks`, {}, quick()))
    expect(error).toMatchObject({ code: 'ERR_SERVER_UNREACHABLE', cause: expect.any(TypeError) })
    expect(requests).toHaveLength(4)
  })

  it('because no server listens ends the call too', async () => {
    const { origin } = await rawServer([reset])
    const nobody = origin.replace(/\d+$/, '1') // a port that no test has
    expect(await rejection(submit(nobody, {}, quick()))).toMatchObject({ code: 'ERR_SERVER_UNREACHABLE' })
  })

  it('never, but has an endless answer, is aborted after its time limit', async () => {
    const endless: Act = (socket) => {
      const more = (): void => {
        if (socket.destroyed) return
        socket.write('1\r\n \r\n')
        setImmediate(more)
      }
      socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n')
      more()
    }
    const { origin, requests } = await rawServer([endless])
    const clock = new ManualClock()
    const ended = rejection(poll(`${origin}/tasks/a`, { clock, retry: { attempts: 1 } }))
    while (requests.length === 0) await quiet()
    await clock.advance(30_000)
    expect(await ended).toMatchObject({ code: 'ERR_SERVER_UNREACHABLE' })
  })
})

describe('a page in place of a status', () => {
  it('is retried', async () => {
    const { origin } = await rawServer([accepted, page, page, done])
    expect(await submit(`${origin}/tasks`, {}, quick())).toBe('done')
  })

  it('in every attempt ends the call; the ticket can still be polled', async () => {
    const { origin, requests } = await rawServer([accepted, page])
    const error = await rejection(submit(`${origin}/tasks`, {}, quick()))
    expect(error).toMatchObject({
      name: 'UnexpectedAnswerError',
      code: 'ERR_UNEXPECTED_ANSWER',
      status: 200,
      ticketUrl: `${origin}/tasks/a`
    })
    expect(requests).toHaveLength(5)
  })

  it.each(['200 OK', '201 Created', '203 Non-Authoritative Information', '204 No Content', '304 Not Modified'])(
    'in answer to a POST, with %s, ends the call at once: it may have done something',
    async (code) => {
      const { origin, requests } = await rawServer([say(code, ['Location: /tasks/a'])])
      const error = await rejection(submit(`${origin}/tasks`, {}, quick()))
      expect(error).toMatchObject({ code: 'ERR_UNEXPECTED_ANSWER', status: Number(code.slice(0, 3)) })
      expect(requests).toHaveLength(1)
    }
  )

  it("in a 202 with the ticket's URL is ignored", async () => {
    const odd = say('202 Accepted', ['Location: /tasks/a'], '<p>thank you')
    const { origin } = await rawServer([odd, done])
    expect(await submit(`${origin}/tasks`, {}, quick())).toBe('done')
  })

  it("in a 202 without a ticket's URL ends the call", async () => {
    const { origin } = await rawServer([say('202 Accepted', [], '<p>thank you')])
    expect(await rejection(submit(`${origin}/tasks`, {}, quick()))).toMatchObject({
      code: 'ERR_UNEXPECTED_ANSWER',
      message: 'The server gave an answer that cannot be used: it has no ticket URL.'
    })
  })

  it('is a 304 to a poll without a tag', async () => {
    const { origin } = await rawServer([say('304 Not Modified')])
    expect(await rejection(poll(`${origin}/tasks/a`, quick()))).toMatchObject({ status: 304 })
  })
})

describe('an invalid status', () => {
  it.each([
    ['[]'],
    ['null'],
    ['{}'],
    ['"succeeded"'],
    ['{"status":"succeeded"}'],
    ['{"id":"a","status":"Succeeded"}'],
    ['{"id":"a","status":"toString"}'],
    ['{"id":7,"status":"succeeded"}'],
    ['{"__proto__":{"id":"a","status":"succeeded"}}'],
    ['{"id":"a","status":"succeeded"'],
    ['\ufeff{"id":"a"']
  ])('%s is not a status', async (text) => {
    const { server, poll } = setting({ retry: { attempts: 1 } })
    const call = poll()
    ;(await server.next('GET /tasks/a')).answer(200, {}, text)
    expect(await rejection(call.promise)).toMatchObject({ code: 'ERR_UNEXPECTED_ANSWER' })
  })

  it('in single fields has null there, so that readers need no checks', async () => {
    const seen: unknown[] = []
    const { server, poll } = setting({ onProgress: (each) => void seen.push(each) })
    const call = poll()
    const lies = {
      id: 'a',
      status: 'running',
      done: true,
      name: 7,
      revision: -1,
      position: '3',
      progress: { ratio: 'half', message: 'x' },
      cancelRequested: 'yes',
      reason: 'whim',
      attempt: null,
      queuedAt: 0,
      startedAt: {},
      settledAt: [],
      expiresAt: false,
      pollAfterMs: 'soon',
      error: { code: 'NO', message: 'not failed' },
      resultOmitted: 1,
      links: 'none'
    }
    ;(await server.next('GET /tasks/a')).answer(200, {}, lies)
    await quiet()
    expect(call.state()).toBe('waiting') // `status` decides, not `done`
    expect(seen).toEqual([
      {
        id: 'a',
        status: 'running',
        done: false,
        name: null,
        revision: 0,
        position: null,
        progress: null,
        cancelRequested: false,
        reason: null,
        attempt: 0,
        queuedAt: null,
        startedAt: null,
        settledAt: null,
        expiresAt: null,
        pollAfterMs: null,
        result: null,
        error: null,
        resultOmitted: null,
        links: { self: null, events: null }
      }
    ])
  })

  it.each([
    ['no error', undefined, 'TASK_FAILED', 'the task failed'],
    ['text for an error', 'boom', 'TASK_FAILED', 'the task failed'],
    ['an error of numbers', { code: 1, message: 2 }, 'TASK_FAILED', 'the task failed'],
    ['an error without a message', { code: 'NO' }, 'NO', 'the task failed']
  ])('about a failure with %s is still a failure', async (_, error, taskCode, message) => {
    const { server, poll } = setting()
    const call = poll()
    ;(await server.next('GET /tasks/a')).answer(200, {}, { id: 'a', status: 'failed', result: 1, error })
    expect(await rejection(call.promise)).toMatchObject({ code: 'ERR_TASK_FAILED', taskCode, message })
  })

  it('with numbers out of bounds is polled again after a second', async () => {
    const { advance, server, poll } = setting()
    void poll()
    ;(await server.next('GET /tasks/a')).answer(200, {}, '{"id":"a","status":"queued","pollAfterMs":1e999}')
    await advance(1_100)
    await server.next('GET /tasks/a')
  })
})

describe('another origin', () => {
  it.each([301, 302, 303, 307, 308])('is not gone to by a redirect with %d, whatever was sent', async (code) => {
    const elsewhere = await rawServer([done])
    const here = await rawServer([say(`${code} Elsewhere`, [`Location: ${elsewhere.origin}/tasks/a`])])
    for (const call of [submit(`${here.origin}/tasks`, {}, quick()), poll(`${here.origin}/tasks/a`, quick())]) {
      expect(await rejection(call)).toMatchObject({
        code: 'ERR_UNEXPECTED_ANSWER',
        message: 'The server gave an answer that cannot be used: it redirects, and redirects are not followed.'
      })
    }
    expect(here.requests).toHaveLength(2)
    expect(elsewhere.requests).toEqual([])
  })

  it('gets no request after a redirect that a browser hides', async () => {
    const { server, poll } = setting()
    const call = poll()
    ;(await server.next('GET /tasks/a')).give(Response.error())
    expect(await rejection(call.promise)).toMatchObject({
      status: 0,
      message: expect.stringContaining('it redirects')
    })
  })

  it('gets no request for a ticket, not even to cancel it', async () => {
    const elsewhere = await rawServer([done])
    const here = await rawServer([say('202 Accepted', [`Location: ${elsewhere.origin}/tasks/a`])])
    const headers = { Authorization: 'Bearer secret' }
    expect(await rejection(submit(`${here.origin}/tasks`, {}, { ...quick(), headers }))).toMatchObject({
      code: 'ERR_UNEXPECTED_ANSWER',
      ticketUrl: undefined,
      message: 'The server gave an answer that cannot be used: its ticket is not on an origin that is trusted.'
    })
    expect(elsewhere.requests).toEqual([])
  })

  it('gets requests when it is trusted', async () => {
    const elsewhere = await rawServer([done])
    const here = await rawServer([say('202 Accepted', [`Location: ${elsewhere.origin}/tasks/a`])])
    const trustedOrigins = [elsewhere.origin]
    expect(await submit(`${here.origin}/tasks`, {}, { ...quick(), trustedOrigins })).toBe('done')
  })

  it.each([
    'https://server.test/tasks/a',
    'http://server.test:8080/tasks/a',
    'http://sub.server.test/tasks/a',
    '//evil.test/tasks/a',
    String.raw`\\evil.test\tasks`,
    'http://server.test@evil.test/tasks/a',
    'http://me:secret@server.test/tasks/a',
    'http://me@server.test/tasks/a',
    'javascript:alert(1)',
    'data:application/json,{}',
    'blob:http://server.test/0',
    'file:///etc/passwd',
    'http://[',
    'http://server.test:99999/'
  ])('is not reached through %s', async (location) => {
    const { server, submit } = setting()
    const call = submit()
    ;(await server.next('POST /tasks')).answer(202, { ...TICKET, Location: location }, status())
    expect(await rejection(call.promise)).toMatchObject({ code: 'ERR_UNEXPECTED_ANSWER' })
    expect(await server.waiting()).toEqual([])
  })
})
