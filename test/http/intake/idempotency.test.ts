/** `Idempotency-Key`: a repeated submission queues no second task. */
import { getEventListeners } from 'node:events'
import type { Task } from 'coatcheck'
import { type HttpReply, invalidField, type JsonObject, type OwnedRequest } from 'coatcheck/http'
import { describe, expect, it } from 'vitest'
import { gate } from '../../support/gate.js'
import { jsonOf, requestTo } from '../support/request-of.js'
import { type ServiceOptions, service } from '../support/service.js'

type Submit = (input: JsonObject, request: OwnedRequest) => Task | Promise<Task>

/** A service with two accepting routes; a header names the client. */
const accepting = (options: ServiceOptions = {}, own?: Submit) => {
  let queued = 0
  const opened = service({
    owner: ({ headers }) => headers['x-user'] as string | undefined,
    accept: ['/tasks', '/reports'].map((path) => ({
      path,
      submit: (input, request) => {
        queued++
        return own?.(input, request) ?? opened.pool.queueTask(() => gate().promise)
      }
    })),
    ...options
  })

  const post = async (key: string | undefined, body: unknown = {}, more: PostMore = {}): Promise<HttpReply> => {
    const { path = '/tasks', user, signal } = more
    const headers = {
      'content-type': 'application/json',
      ...(key === undefined ? {} : { 'idempotency-key': key }),
      ...(user === undefined ? {} : { 'x-user': user })
    }
    const parts = { json: body, headers, ...(signal === undefined ? {} : { signal }) }
    return (await opened.routes.handle(requestTo(`POST ${path}`, parts))) as HttpReply
  }

  return { ...opened, post, queued: () => queued }
}

interface PostMore {
  readonly path?: string
  readonly user?: string
  readonly signal?: AbortSignal
}

const idOf = (reply: HttpReply): unknown => jsonOf(reply)['id']
const isReplayed = (reply: HttpReply): boolean => reply.headers['Idempotent-Replayed'] === 'true'

describe('the same key', () => {
  it('K13 with the same body gets the current status of the same ticket, and queues no second task', async () => {
    const { post, pool, clock, queued } = accepting()
    const first = await post('a', { n: 1 })
    expect(first.headers).not.toHaveProperty('Idempotent-Replayed')
    await clock.turn()
    pool.task(String(idOf(first)))?.cancel()
    const again = await post('a', { n: 1 })
    expect(again).toMatchObject({ status: 202, close: false })
    expect(again.headers).toMatchObject({
      'Idempotent-Replayed': 'true',
      Location: first.headers['Location'],
      'Content-Location': first.headers['Location'],
      'Operation-Location': first.headers['Location'],
      'Retry-After': '1'
    })
    expect(jsonOf(again)).toMatchObject({ id: idOf(first), cancelRequested: true })
    expect(again.headers['ETag']).toBe(`W/"${jsonOf(again)['revision']}"`)
    expect(queued()).toBe(1)
    expect(pool.stats().totals.submitted).toBe(1)
  })

  it('K13 with another body is refused, also when that is equivalent JSON', async () => {
    const { post, pool } = accepting()
    const first = await post('a', { n: 1, m: 1 })
    for (const body of [{ n: 1 }, {}, { n: 1, m: 2 }, { m: 1, n: 1 }]) {
      const reply = await post('a', body)
      expect(reply).toMatchObject({ status: 422, close: false })
      expect(jsonOf(reply)).toMatchObject({
        code: 'IDEMPOTENCY_KEY_REUSED',
        title: 'Unprocessable Content',
        detail: 'This Idempotency-Key was sent before, with another body or by another client.'
      })
    }
    const again = await post('a', { n: 1, m: 1 })
    expect(isReplayed(again)).toBe(true)
    expect(idOf(again)).toBe(idOf(first))
    expect(pool.stats().totals.submitted).toBe(1)
  })

  it('is another key for another owner, another route, and no owner', async () => {
    const { post } = accepting({ pool: { queueCapacity: 20 } })
    const replies = [
      await post('a'),
      await post('a', {}, { user: 'ada' }),
      await post('a', {}, { user: 'bob' }),
      await post('a', {}, { user: 'null' }),
      await post('a', {}, { path: '/reports' }),
      await post('b'),
      await post('A'),
      await post(undefined),
      await post(undefined)
    ]
    expect(replies.map(({ status }) => status)).toEqual(replies.map(() => 202))
    expect(new Set(replies.map(idOf)).size).toBe(replies.length)
    expect(replies.filter(isReplayed)).toEqual([])
    expect(isReplayed(await post('a', {}, { user: 'ada' }))).toBe(true)
    expect(isReplayed(await post('a', {}, { path: '/tasks?x=1' }))).toBe(true)
  })

  it('is the same bare and quoted', async () => {
    const { post } = accepting()
    const first = await post(String.raw`a\"b"c`)
    expect(idOf(await post(String.raw`"a\\\"b\"c"`))).toBe(idOf(first))
    expect(idOf(await post('"a b"'))).toBe(idOf(await post('a b')))
  })

  it('is one list when it is sent several times', async () => {
    const { post, routes } = accepting()
    const first = await post('a, b')
    const headers = { 'content-type': 'application/json', 'idempotency-key': ['a', 'b'] }
    const again = await routes.handle(requestTo('POST /tasks', { json: {}, headers }))
    expect(again?.headers['Idempotent-Replayed']).toBe('true')
    expect(jsonOf(again)['id']).toBe(idOf(first))
  })

  it('is looked up before capacity is checked', async () => {
    const { post } = accepting({ pool: { concurrency: 1, queueCapacity: 0 } })
    const first = await post('a')
    expect((await post('b')).status).toBe(503)
    expect(idOf(await post('a'))).toBe(idOf(first))
  })

  it('is looked up after the body is parsed, and not at all once the pool stops', async () => {
    const { post, pool, clock } = accepting()
    await post('a')
    expect(jsonOf(await post('a', []))).toMatchObject({ code: 'INVALID_BODY' })
    expect(jsonOf(await post('', []))).toMatchObject({ code: 'INVALID_BODY' })
    void pool.stop({ graceMs: 1_000 })
    expect(jsonOf(await post('a'))).toMatchObject({ code: 'POOL_STOPPED' })
    await clock.advance(10_000)
  })
})

describe('a key', () => {
  const longest = 'x'.repeat(255)

  it.each([longest, `"${longest}"`, 'a', ' ', "!#$%&'()*+,-./:;<=>?@[]^_`{|}~", String.raw`a"b\c`, 'a, b'])(
    'may be %j',
    async (key) => {
      const { post } = accepting()
      const first = await post(key)
      expect(first.status).toBe(202)
      expect(isReplayed(await post(key))).toBe(true)
    }
  )

  it.each([
    '',
    '""',
    '"',
    '"a',
    '"a"b"',
    '"a"; p=1',
    String.raw`"a\"`,
    String.raw`"a\b"`,
    `${longest}x`,
    `"${longest}x"`,
    'x'.repeat(100_000),
    `"${'\\'.repeat(100_000)}"`,
    'é',
    'a\tb',
    'a\u007f',
    '"\u0080"'
  ])('may not be %j', async (key) => {
    const { post, pool } = accepting()
    const reply = await post(key)
    expect(reply.status).toBe(400)
    expect(jsonOf(reply)).toMatchObject({ code: 'INVALID_IDEMPOTENCY_KEY' })
    expect(pool.stats().totals.submitted).toBe(0)
  })

  it('does not lead to a newer task with the same id', async () => {
    const { post, pool, clock } = accepting({ pool: { retention: { count: 0 } } }, () =>
      pool.queueTask(() => 1, { id: 'order-7' })
    )
    const first = await post('a')
    await clock.turn()
    const other = pool.queueTask(() => gate().promise, { id: 'order-7', name: 'secret' }) // in the same millisecond
    for (const ms of [0, 1_000]) {
      await clock.advance(ms)
      const again = await post('a')
      expect(isReplayed(again)).toBe(true)
      expect(jsonOf(again)).toMatchObject({ id: idOf(first), name: null, status: 'succeeded' })
    }
    other.cancel()
  })

  it('is evicted beyond the limit, the oldest first', async () => {
    const { post, queued } = accepting({ maxIdempotencyKeys: 2, pool: { queueCapacity: 20 } })
    for (const key of ['a', 'b', 'a', 'c']) await post(key)
    expect(queued()).toBe(3)
    expect(isReplayed(await post('b'))).toBe(true)
    expect(isReplayed(await post('c'))).toBe(true)
    expect(isReplayed(await post('a'))).toBe(false)
    expect(isReplayed(await post('b'))).toBe(false)
  })

  it('is one of 10,000 by default', async () => {
    const { post } = accepting({ pool: { queueCapacity: 20_000 } })
    for (let count = 0; count < 10_001; count++) await post(`key ${count}`)
    expect(isReplayed(await post('key 1'))).toBe(true)
    expect(isReplayed(await post('key 0'))).toBe(false)
  })

  it('of a route with its own body gets that body again', async () => {
    const { post, pool } = accepting({
      accept: [
        {
          path: '/tasks',
          submit: () => pool.queueTask(() => gate().promise),
          accepted: (task) => ({ body: { took: task.id } })
        }
      ]
    })
    const first = await post('a')
    const again = await post('a')
    expect(again.body).toBe(first.body)
    expect(again.headers).toEqual({ ...first.headers, 'Idempotent-Replayed': 'true' })
    expect(first.headers).not.toHaveProperty('Idempotent-Replayed')
  })
})

describe('a refused submission', () => {
  it('is not remembered', async () => {
    let isWrong = true
    const { post, pool } = accepting({ pool: { concurrency: 1, queueCapacity: 0 } }, ({ n }) => {
      if (isWrong && n === 1) throw invalidField('/n', 'must not be 1')
      return pool.queueTask(() => gate().promise)
    })
    expect((await post('a', { n: 1 })).status).toBe(400)
    isWrong = false
    const first = await post('a', { n: 2 })
    expect(first.status).toBe(202)
    expect(isReplayed(first)).toBe(false)
    expect((await post('b', { n: 1 })).status).toBe(503)
    pool.resize({ queueCapacity: 1 })
    expect((await post('b', { n: 1 })).status).toBe(202)
  })

  it('is not remembered when its store failed', async () => {
    let isBroken = true
    const { post, pool, errors } = accepting({}, () => {
      const task = pool.queueTask(() => gate().promise)
      if (!isBroken) return task
      return Object.create(task, {
        record: { value: () => task.record() },
        recorded: { get: () => Promise.reject(new Error('disk')) }
      }) as Task
    })
    expect(jsonOf(await post('a'))).toMatchObject({ code: 'STORE_UNAVAILABLE' })
    expect(errors).toMatchObject([{ message: 'disk' }])
    isBroken = false
    const next = await post('a')
    expect(next.status).toBe(202)
    expect(isReplayed(next)).toBe(false)
  })
})

describe('submissions at the same time', () => {
  /** A service whose submissions wait for the test. */
  const waiting = (options: ServiceOptions = {}) => {
    const gates: ReturnType<typeof gate<boolean>>[] = []
    const opened = accepting(options, async (_, { signal }) => {
      const mayGoOn = gate<boolean>()
      gates.push(mayGoOn)
      const left = new Promise<never>((_resolve, reject) =>
        signal.addEventListener('abort', () => reject(signal.reason))
      )
      if (!(await Promise.race([mayGoOn.promise, left]))) throw invalidField('/n', 'must be another')
      return opened.pool.queueTask(() => gate().promise)
    })
    return { ...opened, gates }
  }

  it('K13 with one key queue one task', async () => {
    const { post, gates, clock, pool } = waiting()
    const replies = Array.from({ length: 20 }, () => post('a', { n: 1 }))
    await clock.turn()
    expect(gates).toHaveLength(1)
    gates[0]?.open(true)
    const all = await Promise.all(replies)
    expect(all.map(({ status }) => status)).toEqual(all.map(() => 202))
    expect(new Set(all.map(idOf)).size).toBe(1)
    expect(all.filter(isReplayed)).toHaveLength(19)
    expect(pool.stats().totals.submitted).toBe(1)
  })

  it('K13 queue one task even when its ticket is forgotten at once', async () => {
    const { post, pool, queued } = accepting({ pool: { retention: { count: 0 } } }, async () => {
      const task = pool.queueTask(() => 1)
      await task.settled()
      return task
    })
    const all = await Promise.all(Array.from({ length: 20 }, () => post('a')))
    expect(new Set(all.map(idOf)).size).toBe(1)
    expect(queued()).toBe(1)
  })

  it('K13 with another body are refused at once', async () => {
    const { post, gates, clock } = waiting()
    const first = post('a', { n: 1 })
    await clock.turn()
    expect((await post('a', { n: 2 })).status).toBe(422)
    gates[0]?.open(true)
    expect((await first).status).toBe(202)
  })

  it('K13 queue one after another when the first is refused', async () => {
    const { post, gates, clock, pool } = waiting()
    const replies = Array.from({ length: 4 }, () => post('a'))
    await clock.turn()
    gates[0]?.open(false)
    await clock.turn()
    expect(gates).toHaveLength(2)
    gates[1]?.open(false)
    await clock.turn()
    expect(gates).toHaveLength(3)
    gates[2]?.open(true)
    const all = await Promise.all(replies)
    expect(all.map(({ status }) => status).sort()).toEqual([202, 202, 400, 400])
    expect(all.filter(isReplayed)).toHaveLength(1)
    expect(pool.stats().totals.submitted).toBe(1)
  })

  it('K11 continue when the client of the first leaves, and leave no listener when their own clients leave', async () => {
    const { post, gates, clock, pool, errors } = waiting()
    const clients = Array.from({ length: 3 }, () => new AbortController())
    const replies = clients.map(({ signal }) => post('a', {}, { signal }))
    await clock.turn()
    expect(getEventListeners(clients[1]!.signal, 'abort')).toHaveLength(1)
    clients[1]?.abort()
    expect(await replies[1]).toMatchObject({ status: 400, close: true })
    expect(getEventListeners(clients[1]!.signal, 'abort')).toHaveLength(0)
    clients[0]?.abort()
    expect(await replies[0]).toMatchObject({ status: 400, close: true })
    await clock.turn()
    expect(gates).toHaveLength(2)
    gates[1]?.open(true)
    expect(await replies[2]).toMatchObject({ status: 202 })
    expect(pool.stats().totals.submitted).toBe(1)
    expect(errors).toEqual([])
  })

  it('K11 do not wait when their client has left already', async () => {
    const { post, gates, clock } = waiting()
    const first = post('a')
    await clock.turn()
    expect(await post('a', {}, { signal: AbortSignal.abort() })).toMatchObject({ status: 400, close: true })
    gates[0]?.open(true)
    expect((await first).status).toBe(202)
  })

  it('leave no listener on the signals of their clients', async () => {
    const { post, gates, clock } = waiting()
    const client = new AbortController()
    const first = post('a')
    const second = post('a', {}, { signal: client.signal })
    await clock.turn()
    gates[0]?.open(true)
    await Promise.all([first, second])
    expect(getEventListeners(client.signal, 'abort')).toHaveLength(0)
  })
})
