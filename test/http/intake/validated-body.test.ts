import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { RequestRefusedError, submit } from 'coatcheck/client'
import { type AcceptingRoute, invalidField, type JsonObject, type StandardSchema, ticketRoutes } from 'coatcheck/http'
import { nodeListener } from 'coatcheck/node-http'
import { describe, expect, expectTypeOf, it, onTestFinished } from 'vitest'
import * as z from 'zod'
import { gate } from '../../support/gate.js'
import { jsonOf, requestTo } from '../support/request-of.js'
import { poolWith } from '../support/routes.js'
import { arkOrder, order, valibotOrder, zodOrder } from './schemas.js'

const LIBRARIES = ['zod', 'valibot', 'arktype'] as const

/** A server with one route for each library. */
const orders = async () => {
  const pool = poolWith({ queueCapacity: 100 })
  const submitted: { readonly due: Date; readonly pages: number | undefined }[] = []
  const errors: unknown[] = []
  const take = (input: { readonly due: Date; readonly items: readonly { readonly pages: number }[] }) => {
    submitted.push({ due: input.due, pages: input.items[0]?.pages })
    return pool.queueTask(() => 'printed')
  }
  const tickets = ticketRoutes(pool, {
    accept: [
      { path: '/zod', body: zodOrder, submit: take },
      { path: '/valibot', body: valibotOrder, submit: take },
      { path: '/arktype', body: arkOrder, submit: take }
    ],
    onError: (error) => void errors.push(error)
  })
  const server = createServer(nodeListener(tickets)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const post = async (path: string, body: unknown) => {
    const headers = { 'content-type': 'application/json' }
    const reply = await fetch(`${url}/${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
    const text = await reply.text()
    const fields = (JSON.parse(text) as { errors?: { pointer: string; detail: string }[] }).errors ?? []
    return { status: reply.status, text, fields, pointers: fields.map(({ pointer }) => pointer) }
  }
  return { url, post, submitted, errors, pool }
}

const SECRET = 'hunter2-Tr0ub4dor'

/** Bodies with a wrong value at each depth, and where it is. */
const WRONG: readonly (readonly [string, unknown, string])[] = [
  ['a field of the body', { ...order, due: { [SECRET]: SECRET } }, '/due'],
  ['an object of the body', { ...order, customer: SECRET }, '/customer'],
  ['a list of the body', { ...order, items: SECRET }, '/items'],
  ['a field of an object', { ...order, customer: { ...order.customer, email: SECRET } }, '/customer/email'],
  ['a short field of an object', { ...order, customer: { ...order.customer, pin: 'q7z' } }, '/customer/pin'],
  ['an element', { ...order, items: [...order.items, SECRET] }, '/items/1'],
  ['a choice in an element', { ...order, items: [{ ...order.items[0], kind: SECRET }] }, '/items/0/kind'],
  ['a number in an element', { ...order, items: [{ ...order.items[0], pages: -86_420.5 }] }, '/items/0/pages'],
  [
    'an element of an element',
    { ...order, items: [{ ...order.items[0], tags: ['a', { SECRET }] }] },
    '/items/0/tags/1'
  ],
  ['a member of a record', { ...order, notes: { 'a/b~c': `${SECRET}${'x'.repeat(200)}` } }, '/notes/a~1b~0c']
]

describe.each(LIBRARIES)('a body schema of %s', (library) => {
  it('gives `submit` its output, converted and with defaults', async () => {
    const { post, submitted } = await orders()
    expect(await post(library, order)).toMatchObject({ status: 202 })
    expect(submitted).toEqual([{ due: new Date(order.due), pages: 3 }])
  })

  it.each(WRONG)('refuses %s that is wrong, by its pointer and without its value', async (_, body, pointer) => {
    const { post, submitted, errors, pool } = await orders()
    const reply = await post(library, body)
    expect(reply.status).toBe(400)
    expect(reply.pointers).toContain(pointer)
    for (const value of [SECRET, SECRET.slice(0, 8), 'q7z', '86420', 'xxxx']) expect(reply.text).not.toContain(value)
    for (const { detail } of reply.fields) expect(detail).not.toBe('')
    expect(submitted).toEqual([])
    expect(pool.stats().totals.accepted).toBe(0)
    expect(errors).toEqual([])
  })

  it('lists what is missing, and a member too many', async () => {
    const { post } = await orders()
    const missing = await post(library, {})
    expect(missing.pointers).toEqual(expect.arrayContaining(['/customer', '/items', '/due']))
    const many = await post(library, { ...order, surplus: SECRET })
    expect(many).toMatchObject({ status: 400 })
    expect(many.text).toContain('surplus')
    expect(many.text).not.toContain(SECRET)
  })

  it('lists at most 20 fields', async () => {
    const { post } = await orders()
    const { fields } = await post(library, { ...order, items: Array(5_000).fill(7) })
    expect(fields).toHaveLength(20)
  })

  it('treats `__proto__` as any other member', async () => {
    const { url, submitted } = await orders()
    const body = `{"__proto__":{"polluted":true},${JSON.stringify(order).slice(1)}`
    const headers = { 'content-type': 'application/json' }
    await fetch(`${url}/${library}`, { method: 'POST', headers, body })
    expect({}).not.toHaveProperty('polluted')
    for (const input of submitted) expect(input).not.toHaveProperty('polluted')
  })

  it('is read by the client as fields', async () => {
    const { url } = await orders()
    const refused = submit(`${url}/${library}`, { ...order, customer: { email: 7, pin: '0000' } })
    const error = await refused.then(
      () => undefined,
      (error: unknown) => error
    )
    expect(error).toBeInstanceOf(RequestRefusedError)
    expect((error as RequestRefusedError).fields).toEqual([
      { pointer: '/customer/email', detail: expect.stringMatching(/string/) }
    ])
  })
})

/** A schema of no library, whose result is the test's. */
const schemaOf = (validate: (value: unknown) => unknown): StandardSchema<JsonObject> => ({
  '~standard': { version: 1, vendor: 'test', validate: validate as StandardSchema<JsonObject>['~standard']['validate'] }
})

const routeWith = (body: StandardSchema<JsonObject>) => {
  const pool = poolWith()
  const errors: unknown[] = []
  const routes = ticketRoutes(pool, {
    accept: [{ path: '/tasks', body, submit: () => pool.queueTask(() => 'done') }],
    onError: (error) => void errors.push(error)
  })
  const post = async (json: unknown, headers: Record<string, string> = {}, signal = new AbortController().signal) =>
    routes.handle(
      requestTo('POST /tasks', { json, signal, headers: { 'content-type': 'application/json', ...headers } })
    )
  return { pool, errors, post }
}

/** The details for messages about a body. */
const details = async (body: unknown, ...messages: string[]) => {
  const { post } = routeWith(schemaOf(() => ({ issues: messages.map((message) => ({ message })) })))
  const { errors } = jsonOf(await post(body)) as { errors: { detail: string }[] }
  return errors.map(({ detail }) => detail)
}

describe('the detail of a field', () => {
  it('ends before the value that a message quotes', async () => {
    expect(
      await details(
        { a: 'ab' },
        'Invalid input: expected string, received number',
        'Invalid type: Expected string but received "ab"',
        'Invalid email: Received "ab"',
        'a must be a number (was "ab")',
        'a must be a JSON string (SyntaxError: Unexpected token, "ab" is not valid JSON)',
        'a ("ab") must be...\n  ◦ an email address\n  ◦ at least length 11'
      )
    ).toEqual([
      'Invalid input: expected string',
      'Invalid type: Expected string',
      'Invalid email',
      'a must be a number',
      'a must be a JSON string',
      'a must be...\n  ◦ an email address\n  ◦ at least length 11'
    ])
  })

  it.each([
    ['a string', { a: { b: [SECRET] } }, `${SECRET} is taken`],
    ['a string of four characters', { pin: '4711' }, 'pin 4711 is wrong'],
    ['a number', { a: [{ card: 4_929_123 }] }, 'no card 4929123'],
    ['a string in another case, without white space', { a: ` ${SECRET}\n` }, `no ${SECRET.toUpperCase()}`],
    ['the beginning of a string', { a: `${SECRET}${SECRET}` }, `no ${SECRET.slice(0, 9)}…`],
    ['the middle of a string', { a: `xx${SECRET}xx` }, `Unexpected token in ..."${SECRET.slice(3, 13)}"...`],
    ['a string as JSON', { a: '"a"\n"b"' }, 'no "\\"a\\"\\n\\"b\\""']
  ])('is general when the message repeats %s', async (_, body, message) => {
    expect(await details(body, message, 'must be another')).toEqual(['is not valid', 'must be another'])
  })

  it('keeps bounds and choices that equal short values, and names of members', async () => {
    expect(await details({ width: 0 }, 'width must be above 0', '')).toEqual(['width must be above 0', 'is not valid'])
  })

  it('has at most 256 characters, and its pointer too', async () => {
    const name = 'n'.repeat(300)
    const { post } = routeWith(schemaOf(() => ({ issues: [{ message: 'm'.repeat(500), path: ['a', { key: name }] }] })))
    expect(jsonOf(await post({}))).toMatchObject({ errors: [{ pointer: '/a', detail: 'm'.repeat(256) }] })
  })
})

describe('a schema', () => {
  const bug = new Error('bug')
  it.each([
    ['throws', () => Promise.reject(bug), bug],
    [
      'throws at once',
      () => {
        throw bug
      },
      bug
    ],
    ['returns nothing', () => undefined, new TypeError('Expected the schema of `body` to return a value or issues')],
    ['fails without an issue', () => ({ issues: [] }), new TypeError('Expected at least one wrong field')]
  ])('that %s is an error of the server, and reported', async (_, validate, error) => {
    const { post, errors, pool } = routeWith(schemaOf(validate))
    const reply = await post({})
    expect(reply?.status).toBe(500)
    expect(jsonOf(reply)).toMatchObject({ code: 'INTERNAL' })
    expect(errors).toEqual([error])
    expect(pool.stats().totals.accepted).toBe(0)
  })

  it('may be asynchronous; a client that leaves meanwhile has queued nothing', async () => {
    const [validated, left] = [gate<unknown>(), new AbortController()]
    const { post, pool } = routeWith(schemaOf(() => validated.promise))
    const [stays, leaves] = [post({}), post({}, {}, left.signal)]
    left.abort()
    validated.open({ value: {} })
    expect((await leaves)?.status).toBe(400)
    expect((await stays)?.status).toBe(202)
    expect(pool.stats().totals.accepted).toBe(1)
  })

  it('is not asked again for a repeated submission', async () => {
    let isTaken = false
    const { post } = routeWith(
      schemaOf(() => {
        if (isTaken) return { issues: [{ message: 'must be free', path: ['name'] }] }
        isTaken = true
        return { value: {} }
      })
    )
    const key = { 'idempotency-key': 'k' }
    const [first, again] = [await post({ name: 'a' }, key), await post({ name: 'a' }, key)]
    expect(again?.status).toBe(202)
    expect(jsonOf(again)['id']).toBe(jsonOf(first)['id'])
    expect((await post({ name: 'a' }))?.status).toBe(400)
  })

  it('is checked when the routes are made', () => {
    const pool = poolWith()
    const accept = [
      { path: '/a', body: { parse: () => 1 } as unknown as StandardSchema, submit: () => pool.queueTask(() => 1) }
    ]
    expect(() => ticketRoutes(pool, { accept })).toThrow(/`accept\[0\]\.body` to be a Standard Schema, version 1/)
  })
})

it('types the input of `submit` as the output of the schema', () => {
  const pool = poolWith()
  const queued = (_: unknown) => pool.queueTask(() => 1)
  const sized = z.object({ size: z.string().transform(Number) })
  ticketRoutes(pool, {
    accept: [
      { path: '/a', body: sized, submit: (input) => queued(expectTypeOf(input).toEqualTypeOf<{ size: number }>()) },
      { path: '/b', submit: (input) => queued(expectTypeOf(input).toEqualTypeOf<JsonObject>()) },
      { path: '/c', body: valibotOrder, submit: (input) => queued(expectTypeOf(input.due).toEqualTypeOf<Date>()) },
      { path: '/d', body: arkOrder, submit: ({ customer }) => queued(expectTypeOf(customer.pin).toBeString()) },
      { path: '/e', body: z.unknown(), submit: (input) => queued(expectTypeOf(input).toEqualTypeOf<JsonObject>()) }
    ]
  })
  const apart: AcceptingRoute<typeof sized> = { path: '/f', body: sized, submit: ({ size }) => queued(size.toFixed()) }
  const plain: AcceptingRoute = { path: '/g', submit: queued }
  ticketRoutes(pool, { accept: [apart, plain] })
  ticketRoutes(pool, {
    accept: [
      {
        path: '/h',
        // @ts-expect-error without a schema nothing has checked the width
        submit: (input: { width: number }) => queued(input.width)
      }
    ]
  })
  // @ts-expect-error the schema gives no width
  ticketRoutes(pool, { accept: [{ path: '/i', body: sized, submit: (input) => queued(input.width) }] })
})

it('`invalidField` takes several fields', () => {
  const fields = [
    { pointer: '/a', detail: 'must be b' },
    { pointer: '', detail: 'must have a c' }
  ]
  expect(invalidField(fields).problem.errors).toEqual(fields)
  expect(() => invalidField([])).toThrow(new TypeError('Expected at least one wrong field'))
  expect(() => invalidField([{ pointer: 'a', detail: 'x' }])).toThrow(/JSON pointer/)
})
