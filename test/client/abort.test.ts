/** The effect of an abort on the task and the call, at every stage. */
import { getEventListeners } from 'node:events'
import type { SubmitOptions } from 'coatcheck/client'
import { afterEach, describe, expect, it } from 'vitest'
import { type Exchange, exchange } from '../../src/client/exchange.js'
import { untilAborted } from '../../src/client/until-aborted.js'
import { ManualClock } from '../support/manual-clock.js'
import { rejection } from '../support/pools.js'
import { ORIGIN, quiet, ScriptedServer, status, succeeded, TICKET } from './support/scripted-server.js'
import { setting } from './support/setting.js'

const reason = new Error('the page was closed')

/** A client whose caller can abort. */
function leaving(options: SubmitOptions = {}) {
  const controller = new AbortController()
  const { signal } = controller
  const { submit, poll, ...rest } = setting({ signal, ...options })
  left.push(signal)
  return {
    ...rest,
    signal,
    submit,
    poll,
    leave: () => controller.abort(reason),
    listeners: () => getEventListeners(signal, 'abort').length
  }
}

const left: AbortSignal[] = []

afterEach(async () => {
  await quiet()
  for (const signal of left.splice(0)) expect(getEventListeners(signal, 'abort')).toEqual([])
})

describe('a caller of submit who aborts', () => {
  it('before anything is sent, sends nothing', async () => {
    const { server, submit, leave } = leaving()
    leave()
    expect(await rejection(submit().promise)).toBe(reason)
    expect(await server.waiting()).toEqual([])
  })

  it('before the 202 gets the rejection at once, and the task is canceled when its ticket arrives', async () => {
    const tickets: string[] = []
    const { server, submit, leave, reported } = leaving({ onAccepted: (url) => void tickets.push(url) })
    const call = submit()
    const post = await server.next('POST /tasks')
    leave()
    expect(await rejection(call.promise)).toBe(reason)
    expect(post.init.signal?.aborted).toBe(false) // it may have arrived, and its answer names the ticket to cancel
    post.answer(202, TICKET, status())
    ;(await server.next('DELETE /tasks/a')).answer(200)
    expect(await server.waiting()).toEqual([])
    expect([reported, tickets], 'nobody wants to know').toEqual([[], []])
  })

  it('before a refusal gets the rejection at once, and nothing is sent again', async () => {
    const { advance, server, submit, leave, timers } = leaving()
    const call = submit()
    const post = await server.next('POST /tasks')
    leave()
    expect(await rejection(call.promise)).toBe(reason)
    post.answer(503, { 'Retry-After': '1' })
    await advance(100_000)
    expect(await server.waiting()).toEqual([])
    expect(timers()).toBe(0)
  })

  it('before a lost answer gets the rejection at once, and nothing is sent again', async () => {
    const { advance, server, submit, leave, timers } = leaving()
    const call = submit()
    const post = await server.next('POST /tasks')
    leave()
    expect(await rejection(call.promise)).toBe(reason)
    post.drop()
    await advance(100_000)
    expect(await server.waiting()).toEqual([])
    expect(timers()).toBe(0)
  })

  it('before an answer that never arrives gets the rejection at once, and the request ends at its time limit', async () => {
    const { advance, server, submit, leave, timers } = leaving()
    const call = submit()
    const post = await server.next('POST /tasks')
    leave()
    expect(await rejection(call.promise)).toBe(reason)
    await advance(30_000)
    expect(post.init.signal?.aborted).toBe(true)
    await quiet()
    expect(timers()).toBe(0)
  })

  it('between two attempts ends the pause', async () => {
    const { server, submit, leave, timers } = leaving()
    const call = submit()
    ;(await server.next('POST /tasks')).answer(503, { 'Retry-After': '60' })
    await quiet()
    leave()
    expect(await rejection(call.promise)).toBe(reason)
    await quiet()
    expect(timers()).toBe(0)
    expect(await server.waiting()).toEqual([])
  })

  it('while a poll is held aborts it and cancels the task', async () => {
    const { server, submit, accept, leave, timers } = leaving()
    const call = submit()
    await accept()
    const sent = await server.next('GET /tasks/a')
    leave()
    expect(sent.init.signal?.aborted).toBe(true)
    expect(await rejection(call.promise)).toBe(reason)
    const cancel = await server.next('DELETE /tasks/a')
    expect(cancel.init.keepalive).toBe(true) // it outlives the page
    cancel.answer(202, {}, status({ cancelRequested: true }))
    await quiet()
    expect(timers()).toBe(0)
    expect(await server.waiting()).toEqual([])
  })

  it('between two polls cancels the task', async () => {
    const { server, submit, accept, leave } = leaving()
    const call = submit()
    await accept()
    ;(await server.next('GET /tasks/a')).answer(304, { 'Retry-After': '60' })
    await quiet()
    leave()
    expect(await rejection(call.promise)).toBe(reason)
    await server.next('DELETE /tasks/a')
  })

  it('while its listener runs cancels the task, and the listener is not called again', async () => {
    const { server, submit, accept, leave } = leaving({ onProgress: () => new Promise(() => {}) })
    const call = submit()
    await accept()
    await quiet()
    leave()
    expect(await rejection(call.promise)).toBe(reason)
    ;(await server.next('DELETE /tasks/a')).answer(200)
    expect(await server.waiting()).toEqual([])
  })

  it('inside a listener that never ends cancels the task as well', async () => {
    const service = leaving({
      onProgress: () => {
        service.leave()
        return new Promise(() => {})
      }
    })
    const call = service.submit()
    await service.accept()
    expect(await rejection(call.promise)).toBe(reason)
    ;(await service.server.next('DELETE /tasks/a')).answer(200)
    expect(await service.server.waiting()).toEqual([])
  })

  it('in the turn in which the answer arrives gets its reason, and the task is canceled', async () => {
    const { server, submit, accept, leave, reported } = leaving()
    const call = submit()
    await accept()
    const sent = await server.next('GET /tasks/a')
    sent.answer(200, {}, succeeded(1))
    leave()
    expect(await rejection(call.promise)).toBe(reason)
    ;(await server.next('DELETE /tasks/a')).answer(409)
    expect(await server.waiting()).toEqual([])
    expect(reported).toEqual(['queued'])
  })

  it('after the result changes nothing', async () => {
    const { server, submit, accept, leave, listeners } = leaving()
    const call = submit()
    await accept(TICKET, succeeded(1))
    expect(await call.promise).toBe(1)
    expect(listeners()).toBe(0)
    leave()
    expect(await server.waiting()).toEqual([])
  })

  it("without a reason gets the platform's", async () => {
    const controller = new AbortController()
    const { server, submit } = setting({ signal: controller.signal })
    const call = submit()
    await server.next('POST /tasks')
    controller.abort()
    expect(await rejection(call.promise)).toMatchObject({ name: 'AbortError' })
  })

  it('with onAbort leave aborts its request, and sends nothing more', async () => {
    const { server, submit, leave } = leaving({ onAbort: 'leave' })
    const first = submit()
    const post = await server.next('POST /tasks')
    leave()
    expect(await rejection(first.promise)).toBe(reason)
    expect(post.init.signal?.aborted).toBe(true)
    expect(await server.waiting()).toEqual([])

    const later = leaving({ onAbort: 'leave' })
    const second = later.submit()
    await later.accept()
    await later.server.next('GET /tasks/a')
    later.leave()
    expect(await rejection(second.promise)).toBe(reason)
    expect(await later.server.waiting()).toEqual([])
  })
})

describe('a caller of poll who aborts', () => {
  it('lets the task run', async () => {
    const { server, poll, leave } = leaving()
    const call = poll()
    const sent = await server.next('GET /tasks/a')
    leave()
    expect(await rejection(call.promise)).toBe(reason)
    expect(sent.init.signal?.aborted).toBe(true)
    expect(await server.waiting()).toEqual([])
  })

  it('cancels it with onAbort cancel', async () => {
    const { server, poll, leave } = leaving({ onAbort: 'cancel' })
    const call = poll()
    await server.next('GET /tasks/a')
    leave()
    expect(await rejection(call.promise)).toBe(reason)
    await server.next('DELETE /tasks/a')
  })
})

describe('a cancel', () => {
  const afterLeaving = async (options: SubmitOptions = {}) => {
    const all = leaving({ onAbort: 'cancel', ...options })
    const call = all.poll()
    await all.server.next('GET /tasks/a')
    all.leave()
    expect(await rejection(call.promise)).toBe(reason)
    return all
  }

  it('that is refused temporarily or gets no answer is sent again', async () => {
    const { advance, server, timers } = await afterLeaving()
    ;(await server.next('DELETE /tasks/a')).answer(503, { 'Retry-After': '2' })
    await advance(2_250)
    ;(await server.next('DELETE /tasks/a')).drop()
    await advance(500)
    ;(await server.next('DELETE /tasks/a')).answer(202)
    await advance(100_000)
    expect(await server.waiting()).toEqual([])
    expect(timers()).toBe(0)
  })

  it.each([200, 202, 302, 400, 403, 404, 405, 409])('is over with %d', async (code) => {
    const { advance, server, timers } = await afterLeaving()
    ;(await server.next('DELETE /tasks/a')).answer(code)
    await advance(100_000)
    expect(await server.waiting()).toEqual([])
    expect(timers()).toBe(0)
  })

  it('ends after the attempts of any request, and its error is dropped', async () => {
    const { server } = await afterLeaving({ retry: { attempts: 3, backoffMs: 0 } })
    for (let attempt = 0; attempt < 3; attempt++) (await server.next('DELETE /tasks/a')).answer(500)
    expect(await server.waiting()).toEqual([])
  })

  it('is sent to the ticket, also on a trusted origin', async () => {
    const { server, submit, leave } = leaving({ trustedOrigins: ['https://tickets.test'] })
    const call = submit()
    ;(await server.next('POST /tasks')).answer(202, { ...TICKET, Location: 'https://tickets.test/a' }, status())
    await server.next('GET https://tickets.test/a')
    leave()
    expect(await rejection(call.promise)).toBe(reason)
    await server.next('DELETE https://tickets.test/a')
  })
})

it('a signal that a thousand calls share has no listener left when they have ended', async () => {
  const controller = new AbortController()
  left.push(controller.signal)
  const { server, submit, accept } = setting({ signal: controller.signal })
  for (let call = 0; call < 1_000; call++) {
    const { promise } = submit()
    await accept(TICKET, succeeded(call))
    expect(await promise).toBe(call)
  }
  expect(await server.waiting()).toEqual([])
})

describe('a signal that sixty calls share', () => {
  const sixty = Array.from({ length: 60 })

  const shared = async () => {
    const service = leaving()
    const submits = sixty.map(() => service.submit())
    for (const _ of sixty) await service.accept(TICKET, status())
    const polls = sixty.map(() => service.poll())
    await quiet()
    expect(await service.server.waiting()).toHaveLength(120)
    expect(service.listeners()).toBe(1)
    return { ...service, calls: [...submits, ...polls] }
  }

  it('has one listener until the last of them has ended', async () => {
    const { server, listeners, calls } = await shared()
    for (const [index] of calls.entries()) {
      expect(listeners()).toBe(1)
      ;(await server.next('GET /tasks/a')).answer(200, {}, succeeded(index))
      await quiet()
      expect(calls.filter(({ state }) => state() === 'resolved')).toHaveLength(index + 1)
    }
    expect(listeners()).toBe(0)
  })

  it('ends all of them, and has no listener then', async () => {
    const { leave, listeners, calls } = await shared()
    leave()
    expect(listeners()).toBe(0)
    for (const { promise } of calls) expect(await rejection(promise)).toBe(reason)
  })

  it('has no listener when they end otherwise: an error of a listener, a refusal, a server that is gone', async () => {
    const broken = new Error('broken')
    const { server, submit, accept, listeners } = leaving({ retry: { attempts: 1 } })
    const calls = [submit({ onAccepted: () => Promise.reject(broken) }), submit(), submit()]
    await accept()
    ;(await server.next('POST /tasks')).answer(400)
    ;(await server.next('POST /tasks')).drop()
    const codes = await Promise.all(calls.map(async ({ promise }) => rejection(promise)))
    expect(codes).toMatchObject([{ message: 'broken' }, { status: 400 }, { code: 'ERR_SERVER_UNREACHABLE' }])
    expect(listeners()).toBe(0)
  })

  it('gets a listener again for a later call', async () => {
    const { server, submit, accept, listeners, leave } = leaving()
    for (const round of [1, 2]) {
      const call = submit()
      expect(listeners()).toBe(1)
      await accept(TICKET, succeeded(round))
      expect(await call.promise).toBe(round)
      expect(listeners()).toBe(0)
    }
    const last = submit()
    await server.next('POST /tasks')
    leave()
    expect(await rejection(last.promise)).toBe(reason)
  })

  it('may end one call from inside another, and is not needed by a call that begins while it aborts', async () => {
    const service = leaving()
    const inner: unknown[] = []
    const calls = [0, 1].map(() => service.submit({ onAccepted: () => new Promise<never>(() => {}) }))
    service.signal.addEventListener(
      'abort',
      () => void rejection(service.submit().promise).then((why) => inner.push(why)),
      {
        once: true
      }
    )
    for (const _ of calls) await service.accept()
    await quiet()
    service.leave()
    for (const { promise } of calls) expect(await rejection(promise)).toBe(reason)
    expect(inner).toEqual([reason])
  })
})

describe('one request', () => {
  const request: Exchange = { method: 'GET', url: `${ORIGIN}/tasks/a`, headers: {}, limitMs: 1_000 }

  it('with an aborted signal is not sent', async () => {
    const server = new ScriptedServer()
    const line = { fetch: server.fetch, clock: new ManualClock() }
    expect(await rejection(exchange(request, line, AbortSignal.abort(reason)))).toBe(reason)
    expect(await server.waiting()).toEqual([])
  })

  it('that is aborted is not a lost answer', async () => {
    const { server, leave, signal } = leaving()
    const answer = exchange(request, { fetch: server.fetch, clock: new ManualClock() }, signal)
    await server.next('GET /tasks/a')
    leave()
    expect(await rejection(answer)).toBe(reason)
  })
})

it('untilAborted leaves no listener, however the promise ends', async () => {
  const { signal } = leaving()
  expect(await untilAborted(Promise.resolve(1), signal)).toBe(1)
  expect(getEventListeners(signal, 'abort')).toEqual([])
  expect(await rejection(untilAborted(Promise.reject(reason), signal))).toBe(reason)
})
