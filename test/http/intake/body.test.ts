import type { HttpReply } from 'coatcheck/http'
import { describe, expect, it } from 'vitest'
import { bytesOf, jsonOf, requestTo } from '../support/request-of.js'
import { routesWith } from '../support/routes.js'

describe('bodies', () => {
  it('may be a function or an iterable, with header fields as lists', async () => {
    const { routes } = routesWith()
    const headers = { 'content-type': ['application/json'], 'content-length': undefined }
    for (const body of [bytesOf('{}'), () => bytesOf('{}')]) {
      expect((await routes.handle(requestTo('POST /tasks', { headers, body })))?.status).toBe(202)
    }
  })

  it('have the limit of the application', async () => {
    const { routes } = routesWith(undefined, { maxBodyBytes: 9 })
    expect((await routes.handle(requestTo('POST /tasks', { json: { a: 123 } })))?.status).toBe(202)
    const reply = await routes.handle(requestTo('POST /tasks', { json: { a: 1234 } }))
    expect(reply).toMatchObject({ status: 413, close: true })
    expect(jsonOf(reply)['detail']).toBe('The body is larger than the 9 bytes that this resource takes.')
  })

  it('are read only up to the chunk that exceeds the limit', async () => {
    const { routes } = routesWith(undefined, { maxBodyBytes: 9 })
    let chunks = 0
    const body = async function* (): AsyncGenerator<Uint8Array> {
      for (; chunks < 100; chunks++) yield Buffer.from('     ')
    }
    const reply = await routes.handle(requestTo('POST /tasks', { json: {}, body }))
    expect(reply).toMatchObject({ status: 413, close: true })
    expect(chunks).toBe(1) // the second exceeds the limit, and no third is read
  })

  it('with a Content-Length over the limit are not read', async () => {
    const { routes } = routesWith(undefined, { maxBodyBytes: 10 })
    let isRead = false
    const body = (): AsyncIterable<Uint8Array> => {
      isRead = true
      return bytesOf('{}')
    }
    const post = (length: number): Promise<HttpReply | undefined> => {
      const headers = { 'content-type': 'application/json', 'content-length': String(length) }
      return routes.handle(requestTo('POST /tasks', { headers, body }))
    }
    expect(await post(11)).toMatchObject({ status: 413, close: true })
    expect(isRead).toBe(false)
    expect((await post(10))?.status).toBe(202)
    expect(isRead).toBe(true)
  })

  const nested = (levels: number): string => `${'{"a":'.repeat(levels - 1)}{}${'}'.repeat(levels - 1)}`

  it.each([
    ['', 'The body is empty.'],
    ['\ufeff{}', 'The body begins with a byte order mark.'],
    [nested(65), 'The body is nested deeper than 64 levels.'],
    ['{', 'The body is not JSON.'],
    ['[]', 'The body is JSON, but not an object.'],
    ['null', 'The body is JSON, but not an object.'],
    ['"a"', 'The body is JSON, but not an object.'],
    [Buffer.from([0x7b, 0xff, 0x7d]), 'The body is not UTF-8.']
  ])('%j is refused without repeating it', async (sent, detail) => {
    const { routes, errors } = routesWith()
    const body = async function* (): AsyncGenerator<Uint8Array> {
      yield Buffer.from(sent)
    }
    const reply = await routes.handle(requestTo('POST /tasks', { json: {}, body }))
    expect(reply).toMatchObject({ status: 400, close: false })
    expect(jsonOf(reply)).toMatchObject({ code: 'INVALID_BODY', detail })
    expect(errors).toEqual([])
  })

  it.each([
    nested(64),
    `{"a":"${'['.repeat(100)}"}`,
    `{"a":"\\"${'['.repeat(100)}"}`,
    `{"a":"\\\\","b":[[]]}`,
    `{"a":[${'[],'.repeat(100)}{}]}`
  ])('of at most 64 levels is accepted: %s', async (text) => {
    const { routes } = routesWith()
    expect((await routes.handle(requestTo('POST /tasks', { json: {}, body: bytesOf(text) })))?.status).toBe(202)
  })

  const typed = async (contentType: string, more = {}): Promise<number | undefined> => {
    const headers = { 'content-type': contentType, ...more }
    return (await routesWith().routes.handle(requestTo('POST /tasks', { json: {}, headers })))?.status
  }

  it.each([
    'application/json',
    'Application/JSON',
    'application/problem+json',
    'application/json; charset=utf-8',
    'application/json;charset="UTF-8"',
    'application/json ; Charset=utf8',
    'application/json; charset="u\\tf-8"',
    'application/json;',
    'application/json; x=y; charset=utf-8',
    `application/json; x=${'y'.repeat(236)}`
  ])('may be of type %s', async (contentType) => {
    expect(await typed(contentType)).toBe(202)
    expect(await typed(contentType, { 'content-encoding': '' })).toBe(202)
    expect(await typed(contentType, { 'content-encoding': 'gzip' })).toBe(415)
  })

  it.each([
    '',
    'json',
    'text/json',
    'application/jsonx',
    'application/xjson',
    'application/json x',
    ' application/json',
    'application/json; charset=latin1',
    'application/json; charset=""',
    'application/json; charset=utf-8; charset=latin1',
    'application/json; charset',
    'application/json, text/plain',
    `application/json; x=${'y'.repeat(237)}`
  ])('may not be of type %j', async (contentType) => {
    expect(await typed(contentType)).toBe(415)
  })

  it('that end early are refused', async () => {
    const { routes, errors } = routesWith()
    const body = async function* (): AsyncGenerator<Uint8Array> {
      yield Buffer.from('{')
      throw new Error('reset')
    }
    const reply = await routes.handle(requestTo('POST /tasks', { json: {}, body: body() }))
    expect(reply).toMatchObject({ status: 400, close: true })
    expect(jsonOf(reply)).toMatchObject({ code: 'INVALID_BODY', detail: 'The body ended too soon.' })
    expect(errors).toEqual([])
  })

  it('that come as decoded text are not read beyond the first piece', async () => {
    const { routes, errors } = routesWith()
    let pieces = 0
    const body = async function* (): AsyncGenerator<never> {
      for (; ; pieces++) yield '{"secret":' as never
    }
    const reply = await routes.handle(requestTo('POST /tasks', { json: {}, body: body() }))
    expect(jsonOf(reply)).toMatchObject({ code: 'INTERNAL' })
    expect(pieces).toBe(0)
    expect(errors).toMatchObject([{ name: 'TypeError', message: expect.stringContaining('to give bytes') }])
  })
})
