/** The requests of a client, their times, and the use of the answers. */
import { isClientError, type TicketStatus } from 'coatcheck/client'
import { describe, expect, it } from 'vitest'
import { gate } from '../support/gate.js'
import { rejection } from '../support/pools.js'
import { ORIGIN, status, succeeded, TICKET } from './support/scripted-server.js'
import { setting } from './support/setting.js'

describe('submit', () => {
  it('posts the body as JSON with a key, and resolves with the result of the task', async () => {
    const { server, submit } = setting()
    const call = submit()
    const post = await server.next('POST /tasks')
    expect(post.body).toBe('{"width":200}')
    expect(post.headers.get('content-type')).toBe('application/json')
    expect(post.headers.get('accept')).toBe('application/json')
    expect(post.headers.get('idempotency-key')).toMatch(/^[0-9a-f]{32}$/)
    expect(post.init.keepalive).toBe(false) // a page may send only 64 KiB so
    post.answer(202, TICKET, status())
    ;(await server.next('GET /tasks/a')).answer(200, { ETag: 'W/"3"' }, succeeded({ url: '/a.png' }))
    expect(await call.promise).toEqual({ url: '/a.png' })
    expect(await server.waiting()).toEqual([])
  })

  it("uses a tag only with a status, which an application's own body is not", async () => {
    const { server, submit, accept } = setting()
    const call = submit()
    await accept(TICKET, { id: 'a', status: 'task queued successfully' })
    const first = await server.next('GET /tasks/a')
    expect(first.headers.has('if-none-match')).toBe(false)
    first.answer(200, { ETag: 'W/"3"' }, succeeded(42))
    expect(await call.promise).toBe(42)
  })

  it('sends no poll when the ticket is done already', async () => {
    const { server, submit, accept, reported } = setting()
    const call = submit()
    await accept(TICKET, succeeded(42))
    expect(await call.promise).toBe(42)
    expect(reported).toEqual(['succeeded'])
    expect(await server.waiting()).toEqual([])
  })

  it('makes another key for each call, and sends a given one as it is', async () => {
    const { server, submit } = setting()
    for (const options of [{}, {}, { idempotencyKey: 'order-17' }]) void submit(options)
    const keys = [1, 2, 3].map(async () => (await server.next('POST /tasks')).headers.get('idempotency-key'))
    const [first, second, third] = await Promise.all(keys)
    expect(first).not.toBe(second)
    expect(third).toBe('order-17')
  })

  it('sends the given header fields with every request, but its own in place of those of the same name', async () => {
    const headers = { Authorization: 'Bearer secret', 'Content-Type': 'text/plain' }
    const controller = new AbortController()
    const { server, submit } = setting({ headers, signal: controller.signal })
    const call = submit()
    const post = await server.next('POST /tasks')
    expect([post.headers.get('authorization'), post.headers.get('content-type')]).toEqual([
      'Bearer secret',
      'application/json'
    ])
    post.answer(202, TICKET, status())
    expect((await server.next('GET /tasks/a')).headers.get('authorization')).toBe('Bearer secret')
    controller.abort()
    expect(await rejection(call.promise)).toBe(controller.signal.reason)
    expect((await server.next('DELETE /tasks/a')).headers.get('authorization')).toBe('Bearer secret')
  })

  it.each([
    ['Location', { Location: '/tasks/a', 'Operation-Location': '/other' }, status({ links: { self: '/third' } })],
    ['Operation-Location', { 'Operation-Location': `${ORIGIN}/tasks/a` }, status({ links: { self: '/third' } })],
    ['the links of the status, where a browser shows no headers', {}, status()],
    ['Location, relative to the path', { Location: 'tasks/a#top' }, { status: 'task queued successfully' }]
  ])('finds the ticket by %s', async (_, headers, body) => {
    const { advance, server, submit, accept } = setting()
    void submit()
    await accept(headers, body)
    await advance(1_000)
    await server.next('GET /tasks/a')
  })

  it('reports the URL of the ticket before the first poll, and waits for the listener', async () => {
    const heard = gate()
    const reported: string[] = []
    const { server, submit, accept } = setting({
      onAccepted: (url) => {
        reported.push(url)
        return heard.promise
      }
    })
    void submit()
    await accept()
    expect(await server.waiting()).toEqual([])
    expect(reported).toEqual([`${ORIGIN}/tasks/a`])
    heard.open()
    await server.next('GET /tasks/a')
  })
})

describe('the polls of a client', () => {
  it('are held by the server until the status changes, and sent one after the other', async () => {
    const { advance, server, submit, accept } = setting()
    const call = submit()
    await accept()
    const first = await server.next('GET /tasks/a')
    expect([first.headers.get('prefer'), first.headers.get('if-none-match')]).toEqual(['wait=25', 'W/"1"'])
    expect(first.headers.get('accept')).toBe('application/json')
    await advance(25_000)
    first.answer(304, { ETag: 'W/"1"', 'Preference-Applied': 'wait=25', 'Retry-After': '1' })
    const second = await server.next('GET /tasks/a')
    expect(second.headers.get('if-none-match')).toBe('W/"1"')
    await advance(3_000)
    second.answer(200, { ETag: 'W/"2"', 'Preference-Applied': 'wait=3' }, status({ status: 'running', revision: 2 }))
    const third = await server.next('GET /tasks/a')
    expect(third.headers.get('if-none-match')).toBe('W/"2"')
    third.answer(200, { ETag: 'W/"3"', 'Preference-Applied': 'wait=0' }, succeeded(1))
    expect(await call.promise).toBe(1)
  })

  it('follow Retry-After when the server does not hold them', async () => {
    const { advance, server, submit, accept } = setting()
    const call = submit()
    await accept()
    for (const round of [1, 2, 3]) {
      const sent = await server.next('GET /tasks/a')
      expect(sent.headers.get('prefer')).toBe('wait=25') // the next one may be held
      if (round === 2) sent.answer(304, { ETag: 'W/"1"', 'Retry-After': '7' })
      else sent.answer(200, { ETag: 'W/"1"', 'Retry-After': '7' }, status())
      await advance(7_349) // up to a tenth more than Retry-After, so that clients spread
      expect(await server.waiting()).toEqual([])
      await advance(1)
    }
    ;(await server.next('GET /tasks/a')).answer(200, {}, succeeded(1))
    expect(await call.promise).toBe(1)
  })

  it.each([
    ['with a status', status()],
    ['without a status', { status: 'task queued successfully' }]
  ])('are not held with a small longPollMs, and then the first one, %s, follows Retry-After too', async (_, body) => {
    const { advance, server, submit, accept } = setting({ longPollMs: 999 })
    void submit()
    await accept({ ...TICKET, 'Retry-After': '3' }, body)
    await advance(2_999)
    expect(await server.waiting()).toEqual([])
    await advance(1)
    expect((await server.next('GET /tasks/a')).headers.get('prefer')).toBeNull()
  })

  it('ask to be held for longPollMs, in whole seconds, and at most an hour', async () => {
    for (const [longPollMs, prefer] of [
      [1_999, 'wait=1'],
      [10_000, 'wait=10'],
      [Number.POSITIVE_INFINITY, 'wait=3600']
    ] as const) {
      const { server, submit, accept } = setting({ longPollMs })
      void submit()
      await accept()
      expect((await server.next('GET /tasks/a')).headers.get('prefer')).toBe(prefer)
    }
  })

  it('are sent at once, and not held, as long as the status is unknown', async () => {
    const { advance, server, submit, accept } = setting()
    const call = submit()
    await accept({ Location: '/tasks/a', 'Retry-After': '1' }, { status: 'task queued successfully', id: 'a' })
    const first = await server.next('GET /tasks/a')
    expect([first.headers.get('prefer'), first.headers.get('if-none-match')]).toEqual([null, null])
    first.answer(200, { ETag: 'W/"1"', 'Retry-After': '1' }, status())
    const held = await server.next('GET /tasks/a') // at once, since it can be held now
    expect([held.headers.get('prefer'), held.headers.get('if-none-match')]).toEqual(['wait=25', 'W/"1"'])
    await advance(400)
    held.answer(200, { ETag: 'W/"3"', 'Preference-Applied': 'wait=0' }, succeeded(1))
    expect(await call.promise).toBe(1)
  })

  it('are held as soon as there is a tag', async () => {
    const { advance, server, submit, accept } = setting()
    void submit()
    await accept({ Location: '/tasks/a', 'Retry-After': '3' })
    await advance(3_000)
    const first = await server.next('GET /tasks/a')
    expect(first.headers.get('prefer')).toBeNull()
    first.answer(200, { ETag: 'W/"1"', 'Retry-After': '3' }, status())
    expect((await server.next('GET /tasks/a')).headers.get('prefer')).toBe('wait=25')
  })

  it('follow the body where no header can be read, and a second by default', async () => {
    const { advance, server, submit, accept } = setting()
    void submit()
    await accept({ Location: '/tasks/a' }, status({ pollAfterMs: 4_000 })) // without a tag nothing can be held
    await advance(3_999)
    expect(await server.waiting()).toEqual([])
    await advance(1)
    ;(await server.next('GET /tasks/a')).answer(200, {}, status({ pollAfterMs: null }))
    await advance(999)
    expect(await server.waiting()).toEqual([])
    await advance(101)
    await server.next('GET /tasks/a')
  })

  it.each<[string, (sent: number) => readonly [number, string | undefined]]>([
    ['always has news', (sent) => [200, `W/"x${sent}"`]],
    ['always says that it held the question', () => [304, 'W/"1"']],
    ['has a tag every other time', (sent) => [200, sent % 2 === 0 ? `W/"x${sent}"` : undefined]]
  ])('are at most four a second, even to a server that %s', async (_, answer) => {
    const { advance, server, submit, accept } = setting()
    void submit()
    await accept()
    let sent = 0
    const answerAll = async (): Promise<void> => {
      while ((await server.waiting()).length > 0) {
        const [code, tag] = answer(++sent)
        const headers = {
          'Preference-Applied': 'wait=25',
          'Retry-After': '0',
          ...(tag === undefined ? {} : { ETag: tag })
        }
        ;(await server.next('GET /tasks/a')).answer(code, headers, code === 304 ? null : status({ revision: sent }))
      }
    }
    await answerAll()
    for (let ms = 0; ms < 10_000; ms += 50) {
      await advance(50)
      await answerAll()
    }
    expect(sent).toBeGreaterThan(20)
    expect(sent).toBeLessThanOrEqual(41)
  })

  it('count as held only after a change or a second', async () => {
    const { advance, server, submit, accept } = setting()
    void submit()
    await accept()
    ;(await server.next('GET /tasks/a')).answer(304, { 'Preference-Applied': 'wait=25', 'Retry-After': '5' })
    await advance(5_249)
    expect(await server.waiting()).toEqual([])
    await advance(1)
    const second = await server.next('GET /tasks/a')
    await advance(1_000)
    second.answer(304, { 'Preference-Applied': 'respond-async, wait=1', 'Retry-After': '5' })
    await server.next('GET /tasks/a')
  })
})

describe('the progress of a task', () => {
  it('is each changed status, once, the last one included', async () => {
    const seen: TicketStatus[] = []
    const { advance, server, submit, accept } = setting({ onProgress: (each) => void seen.push(each) })
    const call = submit()
    await accept()
    const running = status({ status: 'running', revision: 2, progress: { ratio: 0.5, message: 'half way' } })
    const answers = [
      [304, undefined],
      [200, status()],
      [200, running],
      [200, running],
      [304, undefined],
      [200, succeeded('done')]
    ] as const
    for (const [code, body] of answers) {
      ;(await server.next('GET /tasks/a')).answer(code, { ETag: 'W/"same"', 'Retry-After': '1' }, body)
      await advance(1_100)
    }
    expect(await call.promise).toBe('done')
    expect(seen).toEqual([status(), running, succeeded('done')].map((each) => ({ ...each })))
  })

  it('is reported before the next poll is sent', async () => {
    const heard = gate()
    const { server, submit, accept } = setting({ onProgress: () => heard.promise })
    void submit()
    await accept()
    expect(await server.waiting()).toEqual([])
    heard.open()
    await server.next('GET /tasks/a')
  })

  it.each([
    [
      'throws',
      () => {
        throw new Error('no page')
      }
    ],
    ['rejects', () => Promise.reject(new Error('no page'))]
  ])('ends the call when the listener %s, and cancels the task', async (_, onProgress) => {
    const { server, submit, accept } = setting({ onProgress })
    const call = submit()
    await accept()
    expect(await rejection(call.promise)).toEqual(new Error('no page'))
    ;(await server.next('DELETE /tasks/a')).answer(202)
    expect(await server.waiting()).toEqual([])
  })

  it('does not cancel a settled task when the listener throws', async () => {
    const { server, submit, accept } = setting({
      onProgress: ({ done }) => {
        if (done) throw new Error('no page')
      }
    })
    const call = submit()
    await accept(TICKET, succeeded(1))
    expect(await rejection(call.promise)).toEqual(new Error('no page'))
    expect(await server.waiting()).toEqual([])
  })

  it('cancels the task when onAccepted throws', async () => {
    const { server, submit, accept } = setting({ onAccepted: () => Promise.reject(new Error('disk full')) })
    const call = submit()
    await accept()
    expect(await rejection(call.promise)).toEqual(new Error('disk full'))
    await server.next('DELETE /tasks/a')
  })
})

describe('a task without a result', () => {
  const endOf = async (fields: Readonly<Record<string, unknown>>): Promise<unknown> => {
    const { submit, accept } = setting()
    const call = submit()
    await accept(TICKET, status({ done: true, pollAfterMs: null, ...fields }))
    const error = await rejection(call.promise)
    expect(isClientError(error) && error.ticketUrl).toBe(`${ORIGIN}/tasks/a`)
    return error
  }

  it('that failed rejects with its own code and message', async () => {
    const error = await endOf({ status: 'failed', error: { code: 'DISK_FULL', message: 'no space left' } })
    expect(error).toMatchObject({
      name: 'TaskFailedError',
      code: 'ERR_TASK_FAILED',
      taskCode: 'DISK_FULL',
      message: 'no space left'
    })
  })

  it('that was canceled rejects with the reason, and states whether it had started', async () => {
    expect(await endOf({ status: 'canceled', reason: 'queue_timeout' })).toMatchObject({
      name: 'TaskCanceledError',
      code: 'ERR_TASK_CANCELED',
      reason: 'queue_timeout',
      started: false,
      message: 'The task was canceled (queue_timeout).'
    })
    const began = { status: 'canceled', reason: 'user', startedAt: '2030-01-01T00:00:01.000Z' }
    expect(await endOf(began)).toMatchObject({ reason: 'user', started: true })
  })

  it('whose result cannot be sent rejects instead of resolving with null', async () => {
    const fields = { status: 'succeeded', resultOmitted: 'a function has no JSON form' }
    expect(await endOf(fields)).toMatchObject({
      name: 'ResultOmittedError',
      code: 'ERR_RESULT_OMITTED',
      message: 'The task succeeded, but its result cannot be sent: a function has no JSON form.'
    })
  })

  it('that succeeded without one resolves with null', async () => {
    const { submit, accept } = setting()
    const call = submit()
    await accept(TICKET, succeeded(null))
    expect(await call.promise).toBeNull()
  })
})

describe('poll', () => {
  it('polls at once without being held, then as submit does', async () => {
    const { server, poll, reported } = setting()
    const call = poll()
    const first = await server.next('GET /tasks/a')
    expect([first.headers.get('prefer'), first.headers.get('idempotency-key')]).toEqual([null, null])
    first.answer(200, { ETag: 'W/"2"', 'Retry-After': '1' }, status({ status: 'running' }))
    const second = await server.next('GET /tasks/a')
    expect(second.headers.get('prefer')).toBe('wait=25')
    second.answer(200, {}, succeeded([1, 2]))
    expect(await call.promise).toEqual([1, 2])
    expect(reported).toEqual(['running', 'succeeded'])
  })
})
