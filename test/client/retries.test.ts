/** Retries after a temporary refusal or a missing answer. */
import type { SubmitOptions } from 'coatcheck/client'
import { describe, expect, it } from 'vitest'
import { rejection } from '../support/pools.js'
import { ORIGIN, status, succeeded, TICKET } from './support/scripted-server.js'
import { setting } from './support/setting.js'

const FULL = { type: 'about:blank', title: 'Service Unavailable', status: 503, detail: 'Busy.', code: 'QUEUE_FULL' }

/** The pauses between the attempts of a request that always fails. */
async function pausesOf(options: SubmitOptions, answer: Readonly<Record<string, string>>, code = 503) {
  const { advance, server, submit } = setting(options)
  const call = submit()
  const pauses: number[] = []
  for (;;) {
    ;(await server.next('POST /tasks')).answer(code, answer, FULL)
    let ms = 0
    while ((await server.waiting()).length === 0 && call.state() === 'waiting' && ms < 200_000) {
      await advance(125)
      ms += 125
    }
    if (call.state() !== 'waiting') return { pauses, error: await rejection(call.promise) }
    pauses.push(ms)
  }
}

describe('a temporary refusal', () => {
  it('is followed by another attempt with the same key and body, until the server accepts the work', async () => {
    const { advance, server, submit } = setting()
    const call = submit()
    const sent: unknown[] = []
    for (const code of [503, 429, 500, 502, 504, 408, 425]) {
      const post = await server.next('POST /tasks')
      sent.push([post.headers.get('idempotency-key'), post.body])
      post.answer(code, { 'Retry-After': '2' }, FULL)
      await advance(2_000 + 30_000)
    }
    const post = await server.next('POST /tasks')
    sent.push([post.headers.get('idempotency-key'), post.body])
    expect(new Set(sent.map((each) => JSON.stringify(each))).size).toBe(1)
    post.answer(202, TICKET, succeeded(1))
    expect(await call.promise).toBe(1)
  })

  it('is not followed by an attempt before Retry-After has passed', async () => {
    const { advance, server, submit } = setting({ retry: { backoffMs: 0 } })
    void submit()
    ;(await server.next('POST /tasks')).answer(503, { 'Retry-After': '7' }, FULL)
    await advance(6_999)
    expect(await server.waiting()).toEqual([])
    await advance(1)
    expect(await server.waiting()).toEqual(['POST /tasks'])
  })

  it.each([
    ['Tue, 01 Jan 2030 00:00:30 GMT', {}],
    ['Tuesday, 01-Jan-30 00:00:30 GMT', {}],
    ['Tue Jan  1 00:00:30 2030', {}],
    // The clock of the server is a year behind.
    ['Mon, 01 Jan 2029 00:00:30 GMT', { Date: 'Mon, 01 Jan 2029 00:00:00 GMT' }]
  ])('may have a date: %s', async (date, headers) => {
    const { advance, server, submit } = setting({ retry: { backoffMs: 0 } })
    void submit()
    ;(await server.next('POST /tasks')).answer(503, { 'Retry-After': date, ...headers }, FULL)
    await advance(29_999)
    expect(await server.waiting()).toEqual([])
    await advance(1)
    expect(await server.waiting()).toEqual(['POST /tasks'])
  })

  it.each([
    ['Mon, 01 Jan 2029 00:00:00 GMT', 'a date that has passed'],
    ['soon', 'no date'],
    ['-5', 'no number of seconds'],
    ['', 'nothing'],
    ['1e3', 'no number of seconds'],
    ['-1', 'no number of seconds'],
    ['+1', 'no number of seconds'],
    ['.5', 'no number of seconds'],
    ['2.', 'no number of seconds'],
    ['0x10', 'no number of seconds'],
    ['1 2', 'no number of seconds'],
    ['soon, 2', 'no number of seconds first'],
    ['2030-01-01T01:00:00Z', 'no date of HTTP']
  ])('with Retry-After %s, %s, is followed after the backoff alone', async (retryAfter) => {
    const { pauses } = await pausesOf({ retry: { attempts: 2, backoffMs: 1_000 } }, { 'Retry-After': retryAfter })
    expect(pauses).toEqual([500]) // half of the ceiling, by the random number
  })

  it.each([
    ['2 ', 2],
    [' 2', 2],
    ['2.5', 3],
    ['0.001', 1],
    ['2.0', 2],
    ['2, 2', 2],
    ['2,7', 2],
    ['2 , soon', 2],
    ['Mon, 01 Jan 2029 00:00:30 GMT, Mon, 01 Jan 2029 00:00:50 GMT', 30],
    ['Mon, 01 Jan 2029 00:00:30 GMT, 7', 30],
    ['Monday, 01-Jan-29 00:00:30 GMT , 7', 30],
    ['Mon Jan  1 00:00:30 2029, 7', 30]
  ])('with Retry-After "%s" is followed after %d s', async (retryAfter, seconds) => {
    const { server, submit, advance } = setting({ retry: { backoffMs: 0 } })
    void submit()
    const post = await server.next('POST /tasks')
    const fields = new Map([
      ['retry-after', retryAfter],
      ['date', 'Mon, 01 Jan 2029 00:00:00 GMT']
    ])
    const headers = { get: (name: string) => fields.get(name.toLowerCase()) ?? null } // as sent: `Headers` trims
    post.give(Object.defineProperty(new Response('{}', { status: 503 }), 'headers', { value: headers }))
    await advance(seconds * 1_000 - 1)
    expect(await server.waiting()).toEqual([])
    await advance(1)
    expect(await server.waiting()).toEqual(['POST /tasks'])
  })

  it('is followed after a random part of a ceiling that doubles, up to 30 seconds', async () => {
    const { pauses } = await pausesOf({ retry: { attempts: 10 } }, {})
    expect(pauses).toEqual([250, 500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000, 15_000])
  })

  it('is followed after that random part in addition to Retry-After', async () => {
    const { pauses } = await pausesOf({ retry: { attempts: 4, backoffMs: 2_000 } }, { 'Retry-After': '3' })
    expect(pauses).toEqual([4_000, 5_000, 7_000])
  })

  it("ends the call after the last attempt, with the server's refusal", async () => {
    const { pauses, error } = await pausesOf({}, { 'Retry-After': '1' }, 429)
    expect(pauses).toHaveLength(7)
    expect(error).toMatchObject({
      name: 'ServerUnavailableError',
      code: 'ERR_SERVER_UNAVAILABLE',
      status: 429,
      problemCode: 'QUEUE_FULL',
      detail: 'Busy.',
      retryAfterMs: 1_000
    })
  })

  it('ends the call at once with a single attempt', async () => {
    expect((await pausesOf({ retry: { attempts: 1 } }, {})).error).toMatchObject({ status: 503, retryAfterMs: null })
  })

  it('ends the call at once when Retry-After exceeds maxRetryAfterMs', async () => {
    const longer = await pausesOf({ maxRetryAfterMs: 60_000 }, { 'Retry-After': '61' })
    expect(longer.pauses).toEqual([])
    expect(longer.error).toMatchObject({ retryAfterMs: 61_000 })
    const endless = await pausesOf({}, { 'Retry-After': '9'.repeat(400) })
    expect(endless.pauses).toEqual([])
    const asLong = await pausesOf(
      { maxRetryAfterMs: 60_000, retry: { attempts: 2, backoffMs: 0 } },
      { 'Retry-After': '60' }
    )
    expect(asLong.pauses).toEqual([60_000])
  })

  it('may come any number of times without a pause when backoffMs is 0', async () => {
    const { pauses } = await pausesOf({ retry: { attempts: 1_200, backoffMs: 0 } }, {})
    expect(new Set(pauses)).toEqual(new Set([0]))
    expect(pauses).toHaveLength(1_199)
  })

  it('during a poll is counted from one again after each successful answer', async () => {
    const { advance, server, poll } = setting({ retry: { attempts: 3, backoffMs: 0 } })
    const call = poll()
    for (let round = 0; round < 5; round++) {
      for (const code of [503, 502]) (await server.next('GET /tasks/a')).answer(code)
      ;(await server.next('GET /tasks/a')).answer(200, { 'Retry-After': '1' }, status())
      await advance(1_100)
    }
    ;(await server.next('GET /tasks/a')).drop()
    for (const code of [503, 502]) (await server.next('GET /tasks/a')).answer(code)
    expect(await rejection(call.promise)).toMatchObject({ status: 502, ticketUrl: `${ORIGIN}/tasks/a` })
  })
})

describe('a request without an answer', () => {
  it('is sent again with the same key and body', async () => {
    const { advance, server, submit } = setting()
    const call = submit()
    const first = await server.next('POST /tasks')
    first.drop()
    await advance(250)
    const second = await server.next('POST /tasks')
    expect(second.headers.get('idempotency-key')).toBe(first.headers.get('idempotency-key'))
    expect(second.body).toBe(first.body)
    second.answer(202, { ...TICKET, 'Idempotent-Replayed': 'true' }, succeeded(1))
    expect(await call.promise).toBe(1)
  })

  it('ends the call when no attempt got one, with the last cause', async () => {
    const { server, submit } = setting({ retry: { attempts: 2, backoffMs: 0 } })
    const call = submit()
    ;(await server.next('POST /tasks')).drop()
    const reset = new Error('connection reset')
    ;(await server.next('POST /tasks')).drop(reset)
    const error = await rejection(call.promise)
    expect(error).toMatchObject({
      name: 'ServerUnreachableError',
      code: 'ERR_SERVER_UNREACHABLE',
      ticketUrl: undefined
    })
    expect((error as Error).cause).toBe(reset)
  })

  it('counts as unanswered after its time limit, and is aborted', async () => {
    const { advance, server, submit } = setting({ retry: { attempts: 2, backoffMs: 0 } })
    const call = submit()
    const first = await server.next('POST /tasks')
    await advance(29_999)
    expect(first.init.signal?.aborted).toBe(false)
    await advance(1)
    expect(first.init.signal?.aborted).toBe(true)
    await server.next('POST /tasks')
    await advance(30_000)
    expect(((await rejection(call.promise)) as Error).cause).toEqual(new Error('No answer came within 30000 ms.'))
  })

  it('has that time in addition to the time for which it may be held', async () => {
    const { advance, server, submit, accept } = setting({ longPollMs: 10_000, requestTimeoutMs: 5_000 })
    void submit()
    await accept()
    const sent = await server.next('GET /tasks/a')
    await advance(14_999)
    expect(sent.init.signal?.aborted).toBe(false)
    await advance(1)
    expect(sent.init.signal?.aborted).toBe(true)
  })

  it('counts as unanswered too when the body stops half way', async () => {
    const { advance, server, poll } = setting({ retry: { attempts: 1 } })
    const call = poll()
    const body = new ReadableStream({ start: (controller) => controller.enqueue(Buffer.from('{"id":')) })
    ;(await server.next('GET /tasks/a')).give(new Response(body))
    await advance(30_000)
    expect(await rejection(call.promise)).toMatchObject({ code: 'ERR_SERVER_UNREACHABLE' })
  })

  it('ends at its time limit even if fetch ignores the signal', async () => {
    const { advance, submit } = setting({ retry: { attempts: 1 }, fetch: () => new Promise(() => {}) })
    const call = submit()
    await advance(30_000)
    expect(await rejection(call.promise)).toMatchObject({ code: 'ERR_SERVER_UNREACHABLE' })
  })

  it('is also one that could not be sent', async () => {
    const broken = () => {
      throw new Error('no network here')
    }
    const { submit } = setting({ retry: { attempts: 1 }, fetch: broken })
    expect(await rejection(submit().promise)).toMatchObject({
      code: 'ERR_SERVER_UNREACHABLE',
      cause: new Error('no network here')
    })
  })

  it('leaves no timer, however it ends', async () => {
    const { server, submit, accept, timers } = setting()
    const call = submit()
    await accept()
    ;(await server.next('GET /tasks/a')).answer(200, {}, succeeded(1))
    await call.promise
    expect(timers()).toBe(0)
  })
})

describe('a final refusal', () => {
  it.each([400, 401, 403, 405, 409, 413, 415, 422, 501])('with %d is not tried again', async (code) => {
    const { server, submit } = setting()
    const call = submit()
    ;(await server.next('POST /tasks')).answer(code, {}, { ...FULL, status: code, code: 'NO', detail: 'Not so.' })
    expect(await rejection(call.promise)).toMatchObject({
      name: 'RequestRefusedError',
      code: 'ERR_REQUEST_REFUSED',
      status: code,
      problemCode: 'NO',
      detail: 'Not so.',
      fields: []
    })
    expect(await server.waiting()).toEqual([])
  })

  it('lists the wrong fields', async () => {
    const { server, submit } = setting()
    const call = submit()
    const errors = [{ pointer: '/width', detail: 'must be a number' }, 'no object', { pointer: 7 }]
    ;(await server.next('POST /tasks')).answer(400, {}, { code: 'INVALID_FIELD', detail: 'A field is wrong.', errors })
    expect(await rejection(call.promise)).toMatchObject({
      fields: [
        { pointer: '/width', detail: 'must be a number' },
        { pointer: '', detail: '' }
      ]
    })
  })

  it('by a page in place of a problem has its status', async () => {
    const { server, submit } = setting()
    const call = submit()
    ;(await server.next('POST /tasks')).answer(403, { 'Content-Type': 'text/html' }, '<h1>Forbidden</h1>')
    expect(await rejection(call.promise)).toMatchObject({ status: 403, problemCode: null, detail: null })
  })

  it.each([404, 410])('of a ticket, with %d, says that it is gone', async (code) => {
    const { server, poll } = setting()
    const call = poll()
    ;(await server.next('GET /tasks/a')).answer(code, {}, { code: 'TICKET_NOT_FOUND' })
    expect(await rejection(call.promise)).toMatchObject({ name: 'TicketNotFoundError', code: 'ERR_TICKET_NOT_FOUND' })
  })
})
