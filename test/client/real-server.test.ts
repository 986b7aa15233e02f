/** The client and the server of this package, with sockets between them. */
import { poll, type SubmitOptions, submit, type TicketStatus } from 'coatcheck/client'
import type { TicketStatus as ServedStatus } from 'coatcheck/http'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { gate } from '../support/gate.js'
import { ManualClock } from '../support/manual-clock.js'
import { rejection } from '../support/pools.js'
import { realServer, until } from './support/real-server.js'
import { quiet } from './support/scripted-server.js'

/** A clock of the client's own, which stands still. */
const still = (): SubmitOptions & { readonly clock: ManualClock } => ({ clock: new ManualClock() })

/** The platform's `fetch`, and a way to wait until the client has handled so many answers. */
function counting() {
  let count = 0
  return {
    fetch: async (url: string, init: RequestInit): Promise<Response> => {
      const response = await fetch(url, init)
      const text = await response.text()
      count++
      return new Response(text === '' ? null : text, response)
    },
    answered: async (answers: number): Promise<void> => {
      await until(() => count === answers)
      await quiet()
    }
  }
}

describe('a task', () => {
  it('runs and resolves with its result while the clock stands still: polls are held until the status changes', async () => {
    const { url, begun, lines } = await realServer()
    const seen: TicketStatus[] = []
    const call = submit<{ width: number }>(
      url,
      { width: 200 },
      { ...still(), onProgress: (each) => void seen.push(each) }
    )
    await until(() => begun.length === 1 && lines.length === 2)
    const [task] = begun
    expect(task?.input).toEqual({ width: 200 })
    task?.open({ width: task.input['width'] })
    expect(await call).toEqual({ width: 200 })
    expect(seen.map(({ status }) => status).at(-1)).toBe('succeeded')
    expect(lines[0]).toBe('POST /tasks')
    expect(new Set(lines.slice(1))).toEqual(new Set(['GET /tasks/ticket']))
  })

  it('is followed and canceled at its Location, also below another path than that of the POST', async () => {
    const { url, begun, lines } = await realServer({ ticketPath: '/reports' })
    const call = submit(url, {}, still())
    await until(() => begun.length === 1 && lines.length === 2)
    begun.pop()?.open('done')
    expect(await call).toBe('done')
    const page = new AbortController()
    const left = rejection(submit(url, {}, { ...still(), signal: page.signal, onAccepted: () => page.abort() }))
    expect(await left).toMatchObject({ name: 'AbortError' })
    await until(() => lines.includes('DELETE /reports/ticket'))
    expect(new Set(lines)).toEqual(new Set(['POST /tasks', 'GET /reports/ticket', 'DELETE /reports/ticket']))
  })

  it('reports its progress', async () => {
    const { url, begun, lines } = await realServer()
    const clock = new ManualClock()
    const seen: (number | undefined)[] = []
    const call = submit(url, {}, { clock, onProgress: ({ progress }) => void seen.push(progress?.ratio) })
    await until(() => begun.length === 1 && lines.length === 2)
    for (const ratio of [0.25, 0.5]) {
      begun[0]?.context.progress(ratio, 'on its way')
      await until(() => seen.at(-1) === ratio)
      await quiet()
      await clock.advance(250) // changed or not, it polls no sooner
    }
    begun[0]?.open(null)
    expect(await call).toBeNull()
  })

  it('that fails rejects with its code, and with its message if that may be shown', async () => {
    const { url, begun } = await realServer()
    for (const [error, taskCode, message] of [
      [Object.assign(new Error('no space on /var/lib/db'), { code: 'DISK_FULL' }), 'DISK_FULL', 'the task failed'],
      [Object.assign(new Error('the picture is too wide'), { expose: true }), 'TASK_FAILED', 'the picture is too wide']
    ] as const) {
      const call = rejection(submit(url, {}, still()))
      await until(() => begun.length === 1)
      begun.pop()?.fail(error)
      expect(await call).toMatchObject({ code: 'ERR_TASK_FAILED', taskCode, message })
    }
  })

  it('whose result has no JSON form rejects with the reason', async () => {
    const { url, begun } = await realServer()
    const call = rejection(submit(url, {}, still()))
    await until(() => begun.length === 1)
    begun[0]?.open(() => {})
    expect(await call).toMatchObject({ code: 'ERR_RESULT_OMITTED', message: expect.stringContaining('a function') })
  })

  it('is canceled when its caller aborts while it runs', async () => {
    const { url, begun, pool, lines } = await realServer()
    const controller = new AbortController()
    const call = rejection(submit(url, {}, { ...still(), signal: controller.signal }))
    await until(() => begun.length === 1 && lines.length === 2)
    controller.abort('enough')
    expect(await call).toBe('enough')
    await until(() => begun[0]?.context.signal.aborted === true)
    await until(() => pool.stats().totals.canceled === 1)
  })

  it('is canceled when its caller aborts while it is queued, and never runs', async () => {
    const { url, begun, pool, lines } = await realServer()
    const busy = submit(url, {}, still())
    await until(() => begun.length === 1)
    const controller = new AbortController()
    const call = rejection(submit(url, {}, { ...still(), signal: controller.signal }))
    await until(() => pool.stats().queued === 1 && lines.filter((line) => line.startsWith('GET')).length === 2)
    controller.abort()
    await call
    await until(() => pool.stats().totals.canceled === 1)
    begun[0]?.open(1)
    expect(await busy).toBe(1)
    expect(begun).toHaveLength(1)
  })

  it('keeps running when a caller of poll aborts, and can be polled again', async () => {
    const { url, begun, pool, lines } = await realServer()
    let ticket = ''
    const first = new AbortController()
    const onAccepted = (each: string): void => {
      ticket = each
    }
    const call = rejection(submit(url, {}, { ...still(), onAccepted, onAbort: 'leave', signal: first.signal }))
    await until(() => begun.length === 1 && lines.length === 2)
    first.abort()
    await call
    const again = poll(ticket, still())
    await until(() => lines.length >= 4)
    begun[0]?.open('still there')
    expect(await again).toBe('still there')
    expect(pool.stats().totals.canceled).toBe(0)
    expect(lines).not.toContain('DELETE /tasks/ticket')
  })

  it('that another client cancels rejects with the reason', async () => {
    const { url, begun, pool, lines } = await realServer()
    const call = rejection(submit(url, {}, still()))
    await until(() => begun.length === 1 && lines.length === 2)
    pool.cancel(begun[0]?.context.id ?? '')
    expect(await call).toMatchObject({ code: 'ERR_TASK_CANCELED', reason: 'user', started: true })
  })

  it('that the stop of the server cancels rejects with that reason', async () => {
    const { url, begun, pool, lines } = await realServer()
    const call = rejection(submit(url, {}, still()))
    await until(() => begun.length === 1 && lines.length === 2)
    await pool.stop({ graceMs: 0 })
    expect(await call).toMatchObject({ code: 'ERR_TASK_CANCELED', reason: 'pool_stopped', started: true })
  })

  it('that the server has evicted is not found', async () => {
    const { url, begun, pool } = await realServer({ longPolls: { total: 0 } }, { retention: { count: 0 } })
    const clock = new ManualClock()
    const { fetch, answered } = counting()
    const call = rejection(submit(url, {}, { clock, fetch }))
    await until(() => begun.length === 1)
    await answered(2)
    begun[0]?.open(1)
    await until(() => pool.stats().totals.succeeded === 1)
    await clock.advance(1_100)
    expect(await call).toMatchObject({ code: 'ERR_TICKET_NOT_FOUND' })
  })
})

describe('a lost answer', () => {
  /** Loses the answers to these requests, counted from 1, after the server has sent them. */
  const losing = (...lost: readonly number[]) => {
    let sent = 0
    return async (url: string, init: RequestInit): Promise<Response> => {
      const isLost = lost.includes(++sent)
      const response = await fetch(url, init)
      if (!isLost) return response
      await response.text()
      throw new TypeError('fetch failed')
    }
  }
  const retry = { backoffMs: 0 }

  it('leads to no second task for the same work', async () => {
    const { url, begun, pool, lines } = await realServer()
    const call = submit(url, { width: 200 }, { ...still(), retry, fetch: losing(1, 2) })
    await until(() => lines.length === 4)
    begun[0]?.open('once')
    expect(await call).toBe('once')
    expect(lines.slice(0, 3)).toEqual(['POST /tasks', 'POST /tasks', 'POST /tasks'])
    expect(begun).toHaveLength(1)
    expect(pool.stats().totals.submitted).toBe(1)
  })

  it('leads to no second task when the whole call is repeated with its key, as after a reload', async () => {
    const { url, begun, pool, lines } = await realServer()
    const options = { idempotencyKey: 'order-17', retry: { attempts: 1 } }
    const first = submit(url, {}, { ...still(), ...options, fetch: losing(1) })
    expect(await rejection(first)).toMatchObject({ code: 'ERR_SERVER_UNREACHABLE' })
    const second = submit(url, {}, { ...still(), ...options })
    await until(() => lines.length === 3)
    begun[0]?.open('once')
    expect(await second).toBe('once')
    expect(pool.stats().totals.submitted).toBe(1)
  })

  it('leaves no task running when the caller aborts meanwhile', async () => {
    const { url, begun, pool } = await realServer()
    const controller = new AbortController()
    const call = rejection(submit(url, {}, { ...still(), signal: controller.signal }))
    await until(() => begun.length === 1) // the 202 has not arrived yet
    controller.abort('enough')
    expect(await call).toBe('enough')
    await until(() => pool.stats().totals.canceled === 1)
  })

  it('does not get its retry refused; another body with the same key does', async () => {
    const { url } = await realServer()
    void submit(url, { width: 1 }, { ...still(), idempotencyKey: 'k' }).catch(() => {})
    const call = submit(url, { width: 2 }, { ...still(), idempotencyKey: 'k' })
    expect(await rejection(call)).toMatchObject({ status: 422, problemCode: 'IDEMPOTENCY_KEY_REUSED' })
  })
})

describe('a server', () => {
  it('without room gets the request again after Retry-After, until there is room', async () => {
    const { url, begun, pool } = await realServer()
    const [running, queued] = [gate(), gate()]
    for (const { promise } of [running, queued]) pool.queueTask(() => promise)
    const clock = new ManualClock()
    const { fetch, answered } = counting()
    const call = submit(url, {}, { clock, fetch })
    await answered(1)
    expect(pool.stats().totals).toMatchObject({ accepted: 2, refused: 1 })
    running.open()
    await until(() => pool.stats().queued === 0)
    await clock.advance(1_249)
    await quiet()
    expect(pool.stats().totals.submitted).toBe(3)
    await clock.advance(1) // Retry-After, and half of the backoff on top
    await until(() => pool.stats().queued === 1)
    queued.open()
    await until(() => begun.length === 1)
    begun[0]?.open('at last')
    await answered(3)
    await clock.advance(250)
    expect(await call).toBe('at last')
  })

  it('that holds no polls is polled again after Retry-After', async () => {
    const { url, begun, lines } = await realServer({ longPolls: { total: 0 }, pollAfterMs: 3_000 })
    const clock = new ManualClock()
    const { fetch, answered } = counting()
    const call = submit(url, {}, { clock, fetch })
    await until(() => begun.length === 1)
    await answered(2)
    begun[0]?.open('done')
    await clock.advance(2_999)
    await quiet()
    expect(lines).toHaveLength(2)
    await clock.advance(301)
    expect(await call).toBe('done')
    expect(lines).toEqual(['POST /tasks', 'GET /tasks/ticket', 'GET /tasks/ticket'])
  })

  it('that answers a held poll without a change is polled again at once', async () => {
    const { url, begun, lines, clock } = await realServer()
    const own = new ManualClock()
    const call = submit(url, {}, { clock: own })
    await until(() => begun.length === 1 && lines.length === 2)
    await own.advance(25_000)
    await clock.advance(25_000)
    await until(() => lines.length >= 3)
    begun[0]?.open('done')
    expect(await call).toBe('done')
  })

  it('that refuses a request states the wrong fields', async () => {
    const { url } = await realServer({ maxBodyBytes: 10 })
    expect(await rejection(submit(url, { text: 'x'.repeat(100) }, still()))).toMatchObject({
      code: 'ERR_REQUEST_REFUSED',
      status: 413,
      problemCode: 'BODY_TOO_LARGE'
    })
    expect(await rejection(submit(url, [1], still()))).toMatchObject({ status: 400, problemCode: 'INVALID_BODY' })
    expect(await rejection(submit(`${url}x`, {}, still()))).toMatchObject({ status: 404, problemCode: 'NOT_FOUND' })
  })

  it('with another public URL gets the polls there once it is trusted', async () => {
    const publicUrl = 'https://tickets.example.org'
    const { url, begun, origin } = await realServer({ publicUrl })
    expect(await rejection(submit(url, {}, still()))).toMatchObject({ code: 'ERR_UNEXPECTED_ANSWER' })
    begun[0]?.open(1)
    const inside = (sent: string, init: RequestInit) => fetch(sent.replace(publicUrl, origin), init)
    const call = submit(url, {}, { ...still(), fetch: inside, trustedOrigins: [publicUrl] })
    await until(() => begun.length === 2)
    begun[1]?.open('found')
    expect(await call).toBe('found')
  })
})

it('the client reads what the server writes, key by key', () => {
  expectTypeOf<ServedStatus>().toExtend<TicketStatus>()
  expectTypeOf<keyof TicketStatus>().toEqualTypeOf<keyof ServedStatus>()
})
