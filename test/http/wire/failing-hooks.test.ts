/** Errors in an application's hooks, which affect neither the reply nor the process. */
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { type Task, WorkerPool } from 'coatcheck'
import { expressTickets } from 'coatcheck/express'
import {
  type AcceptingRoute,
  type HttpReply,
  type OwnBody,
  replyWith,
  type TicketRoutes,
  type TicketRoutesOptions,
  ticketRoutes
} from 'coatcheck/http'
import { nodeListener } from 'coatcheck/node-http'
import express from 'express'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ticketServer } from '../../../examples/demo/ticket-server.js'
import { gate } from '../../support/gate.js'
import { exchange, request } from '../support/raw.js'
import { jsonOf, requestTo } from '../support/request-of.js'

const open: WorkerPool[] = []
const unhandled: unknown[] = []
const seeUnhandled = (reason: unknown): void => void unhandled.push(reason)

/** Waits for a turn of the event loop, after which Node has reported unhandled rejections. */
const turned = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

beforeEach(() => {
  process.on('unhandledRejection', seeUnhandled)
})

afterEach(async () => {
  await Promise.all(open.splice(0).map((pool) => pool.stop({ graceMs: 0, forceMs: 0 })))
  await turned()
  process.off('unhandledRejection', seeUnhandled)
  expect(unhandled.splice(0)).toEqual([])
})

/** One task runs, the next is refused. */
const service = (route: Partial<AcceptingRoute> = {}, options: TicketRoutesOptions = {}) => {
  const pool = new WorkerPool({ concurrency: 1, queueCapacity: 0, onUnobservedError: () => {} }).start()
  open.push(pool)
  const errors: unknown[] = []
  const routes = ticketRoutes(pool, {
    accept: [{ path: '/tasks', submit: () => pool.queueTask(() => gate().promise), ...route }],
    random: () => 0,
    onError: (error) => void errors.push(error),
    ...options
  })
  const post = (): Promise<HttpReply | undefined> => routes.handle(requestTo('POST /tasks', { json: {} }))
  return { pool, routes, errors, post }
}

const circular: Record<string, unknown> = {}
circular['self'] = circular

const hostile = {
  get body(): never {
    throw new TypeError('getter')
  }
}

/** Results of a hook that cannot be sent, and the reported error. */
const useless: readonly (readonly [name: string, answer: unknown, message: string])[] = [
  ['a bigint in the body', { body: { id: 1n } }, 'BigInt'],
  ['a circular body', { body: circular }, 'circular'],
  ['a function as body', { body: () => 1 }, '`body` to be text or what has a JSON form'],
  ['a body whose toJSON gives nothing', { body: { toJSON: () => undefined } }, '`body` to be text or what has a JSON'],
  ['no body', {}, '`body` to be text or what has a JSON form'],
  ['a body that throws when it is read', hostile, 'getter'],
  ['null', null, '`answer` to be an object with a body, got `null`'],
  ['text', 'done', '`answer` to be an object with a body, got `"done"`'],
  ['nothing', undefined, '`answer` to be an object with a body, got `undefined`'],
  ['a type with a line break', { body: 'x', contentType: 'text/plain\r\nX-Evil: 1' }, '`Content-Type` to be text that'],
  ['a type that no header can hold', { body: 'x', contentType: 'text/plain; a=€' }, '`Content-Type` to be text that'],
  ['a type that is no text', { body: 'x', contentType: 7 }, '`Content-Type` to be text that'],
  ['a time with a line break', { body: 'x', retryAfterSeconds: '1\r\nX-Evil: 1' }, '`retryAfterSeconds` to be'],
  ['a time that is no number', { body: 'x', retryAfterSeconds: Number.NaN }, '`retryAfterSeconds` to be'],
  ['a promise', Promise.resolve({ body: 'x' }), 'to answer at once, got a promise']
]

describe("an application's own body", () => {
  it.each(useless)(
    'gives way to the usual one when the hook says %s, which the log is told',
    async (_, own, message) => {
      const hook = (): OwnBody => own as OwnBody
      const { post, errors, pool } = service({ accepted: hook, refused: hook })
      const accepted = await post()
      expect(accepted?.status).toBe(202)
      expect(accepted?.headers).toMatchObject({ ETag: expect.any(String), 'Retry-After': '1' })
      expect(pool.task(String(jsonOf(accepted)['id']))?.state).toBe('running')
      const refused = await post()
      expect(refused?.status).toBe(503)
      expect(refused?.headers).toMatchObject({
        'Content-Type': 'application/problem+json',
        'Retry-After': expect.stringMatching(/^\d+$/)
      })
      expect(jsonOf(refused)).toMatchObject({ code: 'QUEUE_FULL' })
      expect(errors).toEqual([expect.any(Error), expect.any(Error)])
      for (const error of errors) expect(String(error)).toContain(message)
    }
  )

  it('is not awaited: the error of an async hook is reported, and the default body is sent', async () => {
    const bug = new Error('bug')
    const late = async (): Promise<never> => {
      throw bug
    }
    const hook = late as unknown as () => OwnBody
    const { post, errors } = service({ accepted: hook, refused: hook })
    expect(await post()).toMatchObject({ status: 202, headers: { ETag: expect.any(String) } })
    expect(jsonOf(await post())).toMatchObject({ code: 'QUEUE_FULL' })
    await turned()
    expect(errors.map(String).sort()).toEqual([
      'Error: bug',
      'Error: bug',
      'TypeError: Expected `accepted` to answer at once, got a promise',
      'TypeError: Expected `refused` to answer at once, got a promise'
    ])
  })
})

describe("an application's own reply", () => {
  it('is refused by name when it cannot be sent', () => {
    expect(() => replyWith(200, { body: () => 1 })).toThrow('Expected `body` to be text or what has a JSON form')
    expect(() => replyWith(200, { body: Symbol('x') })).toThrow(TypeError)
    expect(() => replyWith(200, { headers: { 'X-A': 'a\nb' } })).toThrow('Expected `X-A` to be text that can stand in')
    expect(() => replyWith(200, { headers: { 'X-A': 'a\rb' } })).toThrow(TypeError)
    expect(replyWith(200, { body: 'x', headers: { 'X-A': 'tab\tand é' } }).headers['X-A']).toBe('tab\tand é')
  })
})

describe('hooks that are async', () => {
  const bug = new Error('bug')
  const late = async (): Promise<never> => {
    throw bug
  }

  it('and report errors may fail: their own error is dropped', async () => {
    const { post } = service({ submit: late }, { onError: late })
    expect(jsonOf(await post())).toMatchObject({ code: 'INTERNAL' })
  })

  it('and describe errors are ignored, and reported', async () => {
    const { pool, routes, errors } = service({}, { describeError: late as unknown as () => undefined })
    const { id } = await pool.queueTask(() => Promise.reject(new Error('secret'))).settled()
    const reply = await routes.handle(requestTo(`GET /tasks/${id}`))
    expect(jsonOf(reply)).toMatchObject({ error: { code: 'TASK_FAILED', message: 'the task failed' } })
    await turned()
    expect(errors).toHaveLength(2)
    expect(errors).toContain(bug)
    expect(errors.map(String)).toContain('TypeError: Expected `describeError` to answer at once, got a promise')
  })

  it('and return whether the server is closing count as no, and are reported', async () => {
    const { routes, errors } = service({}, { closing: late as unknown as () => boolean })
    expect(await routes.handle(requestTo('GET /livez'))).toMatchObject({ status: 200, close: false })
    await turned()
    expect(errors).toContain(bug)
    expect(errors.map(String)).toContain('TypeError: Expected `closing` to answer at once, got a promise')
  })

  it('do not matter when the description of an error throws on access', async () => {
    const said = {
      get code(): never {
        throw bug
      }
    }
    const { pool, routes, errors } = service({}, { describeError: () => said })
    const { id } = await pool.queueTask(() => Promise.reject(new Error('secret'))).settled()
    expect(await routes.handle(requestTo(`GET /tasks/${id}`))).toMatchObject({ status: 200 })
    expect(errors).toEqual([bug])
  })
})

describe('a task that throws a promise', () => {
  const called: unknown[] = []
  const thrown: readonly (readonly [name: string, thrown: unknown])[] = [
    ['a promise that never settles', gate().promise],
    ['a promise with a value', Promise.resolve('value')],
    // biome-ignore lint/suspicious/noThenProperty: a thenable that must not be called
    ['a thenable', { then: (...given: unknown[]) => void called.push(given) }],
    [
      'an object whose `then` throws',
      {
        // biome-ignore lint/suspicious/noThenProperty: a trap for whoever looks whether it is one
        get then(): never {
          throw new Error('trap')
        }
      }
    ]
  ]

  it.each(thrown)(
    '(%s) has failed like any other: its ticket says so, and nobody waits for what it threw',
    async (_, what) => {
      const described: unknown[] = []
      const { pool, routes, errors } = service(
        {},
        {
          describeError: (error) => {
            described.push([error]) // wrapped, since the test must not await it either
            return undefined
          }
        }
      )
      const task: Task = pool.queueTask(() => {
        throw what
      })
      await task.settled()
      const reply = await routes.handle(requestTo(`GET /tasks/${task.id}`))
      expect(reply?.status).toBe(200)
      expect(jsonOf(reply)).toMatchObject({
        status: 'failed',
        error: { code: 'TASK_FAILED', message: 'the task failed' }
      })
      expect(described).toHaveLength(1)
      expect((described[0] as unknown[])[0]).toBe(what)
      expect(called).toEqual([])
      expect(errors).toEqual([])
    }
  )
})

describe('a reply that cannot be sent', () => {
  const unsendable: HttpReply = { status: 202, headers: { 'X-A': 'a\r\nb' }, body: 'x', close: false }
  const carriers = [
    ['node:http', (routes: Pick<TicketRoutes, 'handle'>) => ticketServer(nodeListener(routes))],
    ['Express', (routes: Pick<TicketRoutes, 'handle'>) => ticketServer(express().use(expressTickets(routes)))]
  ] as const

  it.each(carriers)('ends its connection on %s, and the server goes on', async (_, carry) => {
    const replies = [unsendable, replyWith(200, { body: 'fine' })]
    const server = carry({ handle: async () => replies.shift() })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    try {
      await expect(exchange(port, request('GET /'))).rejects.toThrow('no reply, but ""')
      expect((await exchange(port, request('GET /'))).body).toBe('fine')
    } finally {
      server.close()
      server.closeAllConnections()
    }
  })
})
