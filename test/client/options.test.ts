/** Refused arguments, and the errors of the client. */
import {
  ClientError,
  isClientError,
  type PollOptions,
  poll,
  RequestRefusedError,
  ResultOmittedError,
  ServerUnavailableError,
  ServerUnreachableError,
  type SubmitOptions,
  submit,
  TaskCanceledError,
  TaskFailedError,
  TicketNotFoundError,
  UnexpectedAnswerError
} from 'coatcheck/client'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { ManualClock } from '../support/manual-clock.js'
import { rejection } from '../support/pools.js'
import { ORIGIN, ScriptedServer } from './support/scripted-server.js'

afterEach(() => {
  vi.unstubAllGlobals()
})

const URL_HERE = `${ORIGIN}/tasks`

/** Abandoned calls leave no timer of the platform. */
const onPage = ({ fetch }: ScriptedServer): PollOptions => ({ fetch, clock: new ManualClock() })

describe('the arguments of a call', () => {
  const server = new ScriptedServer()
  const refusal = async (call: Promise<unknown>): Promise<string> => {
    const error = await rejection(call)
    expect(error instanceof TypeError || error instanceof RangeError).toBe(true)
    expect(await server.waiting()).toEqual([])
    return String(error)
  }

  it.each([
    'no url',
    '/tasks',
    '',
    'ftp://server.test/',
    'http://me:secret@server.test/',
    'http://me@server.test/',
    'http://:secret@server.test/',
    17,
    null,
    {}
  ])('the URL %j is refused by name', async (url) => {
    const wrong = url as string
    const message = '`url` to be an http or https URL without credentials'
    expect(await refusal(submit(wrong, {}, { fetch: server.fetch }))).toContain(message)
    expect(await refusal(poll(wrong, { fetch: server.fetch }))).toContain(message)
  })

  it('a URL with a password is refused without repeating it', async () => {
    const said = await refusal(poll('https://me:secret@server.test/tasks/a', { fetch: server.fetch }))
    expect(said).toContain('https://server.test')
    expect(said).not.toContain('secret')
  })

  it('a URL may be relative to the page, where there is one, and loses its fragment', async () => {
    vi.stubGlobal('location', { href: `${ORIGIN}/shop/index.html` })
    const page = new ScriptedServer()
    void submit('../tasks#top', {}, { ...onPage(page) })
    void poll(new URL(`${ORIGIN}/tasks/a#top`), { ...onPage(page) })
    await page.next('POST /tasks')
    await page.next('GET /tasks/a')
    expect(await refusal(poll(17 as never, { ...onPage(page) }))).toContain('`url`')
  })

  const circle: unknown[] = []
  circle.push(circle)

  it.each([
    ['nothing', undefined],
    ['a function', () => {}],
    ['a symbol', Symbol('s')],
    ['a BigInt', 7n],
    ['a circle', circle]
  ])('a body without a JSON form is refused by name: %s', async (_, body) => {
    expect(await refusal(submit(URL_HERE, body, { fetch: server.fetch }))).toContain(
      '`body` to be what has a JSON form'
    )
  })

  const key = '`idempotencyKey` to be 1 to 255 printable ASCII characters without spaces'
  const origin = '`trustedOrigins[0]` to be an origin such as "https://example.org"'
  const ms = 'to be a number of milliseconds from 0'

  it.each<[string, unknown, string]>([
    ['idempotencyKey', '', key],
    ['idempotencyKey', 'a b', key],
    ['idempotencyKey', ' ab', key],
    ['idempotencyKey', 'ab ', key],
    ['idempotencyKey', 'schlüssel', key],
    ['idempotencyKey', 'k'.repeat(256), key],
    ['idempotencyKey', 17, key],
    ['onAccepted', 'no function', '`onAccepted` to be a function'],
    ['onProgress', {}, '`onProgress` to be a function'],
    ['onAbort', 'stay', "`onAbort` to be one of 'cancel', 'leave'"],
    ['signal', {}, '`signal` to be an AbortSignal'],
    ['fetch', 'fetch', '`fetch` to be a function'],
    ['trustedOrigins', ORIGIN, '`trustedOrigins` to be an array of origins'],
    ['trustedOrigins', [`${ORIGIN}/`], origin],
    ['trustedOrigins', ['server.test'], origin],
    ['trustedOrigins', [17], origin],
    ['longPollMs', -1, `\`longPollMs\` ${ms}`],
    ['longPollMs', Number.NaN, `\`longPollMs\` ${ms}`],
    ['requestTimeoutMs', '30', `\`requestTimeoutMs\` ${ms}`],
    ['maxRetryAfterMs', null, `\`maxRetryAfterMs\` ${ms}`],
    ['retry', null, '`retry` to be an object'],
    ['retry', 3, '`retry` to be an object'],
    ['retry', { tries: 3 }, '`tries`'],
    ['retry', { attempts: 0 }, '`retry.attempts` to be an integer from 1'],
    ['retry', { attempts: 1.5 }, '`retry.attempts` to be an integer from 1'],
    ['retry', { backoffMs: -1 }, `\`retry.backoffMs\` ${ms}`],
    ['timeoutMs', 17, '`timeoutMs`']
  ])('`%s: %j` is refused by name', async (name, value, message) => {
    const options = { fetch: server.fetch, [name]: value } as SubmitOptions
    expect(await refusal(submit(URL_HERE, {}, options))).toContain(message)
  })

  it('unknown options are refused by submit and by poll, and those of submit by poll', async () => {
    for (const options of [null, 17] as never[]) {
      expect(await refusal(submit(URL_HERE, {}, options))).toContain('`options` to be an object')
      expect(await refusal(poll(URL_HERE, options))).toContain('`options` to be an object')
    }
    for (const name of ['idempotencyKey', 'onAccepted']) {
      const options = { fetch: server.fetch, [name]: undefined }
      expect(await refusal(poll(URL_HERE, options))).toContain(`\`${name}\``)
    }
  })

  it.each([{ 'X-Name': 'a\r\nsecret' }, { Authorization: 'sēcret' }, { 'a b': 'c' }, 17, null])(
    'header fields that cannot be sent are refused by name, and not repeated: %j',
    async (headers) => {
      const said = await refusal(submit(URL_HERE, {}, { fetch: server.fetch, headers: headers as never }))
      expect(said).toContain('`headers` to be header fields that can be sent')
      expect(said).not.toMatch(/s[eē]cret/)
    }
  )

  it('`undefined` means the default', async () => {
    const names = ['signal', 'onProgress', 'onAbort', 'headers', 'trustedOrigins', 'longPollMs', 'requestTimeoutMs']
    const more = ['maxRetryAfterMs', 'retry', 'clock']
    const none = Object.fromEntries([...names, ...more].map((name) => [name, undefined])) as PollOptions
    const page = new ScriptedServer()
    void submit(URL_HERE, {}, { ...none, idempotencyKey: undefined, onAccepted: undefined, ...onPage(page) })
    void poll(`${URL_HERE}/a`, { ...none, ...onPage(page) })
    await page.next('POST /tasks')
    await page.next('GET /tasks/a')
  })

  it('a key of 255 printable characters is sent', async () => {
    const page = new ScriptedServer()
    void submit(URL_HERE, {}, { ...onPage(page), idempotencyKey: '~'.repeat(255) })
    expect((await page.next('POST /tasks')).headers.get('idempotency-key')).toHaveLength(255)
  })

  it('header fields may be a Headers object', async () => {
    const page = new ScriptedServer()
    const headers = new Headers({ Authorization: 'Bearer secret' })
    void submit(URL_HERE, {}, { ...onPage(page), headers: headers as never })
    expect((await page.next('POST /tasks')).headers.get('authorization')).toBe('Bearer secret')
  })
})

describe('the errors of the client', () => {
  const refusal = { status: 400, problemCode: 'INVALID_FIELD', detail: 'A field is wrong.' }
  const everyError = (): readonly ClientError[] => [
    new TaskFailedError({ code: 'DISK_FULL', message: 'no space' }, URL_HERE),
    new TaskCanceledError({ reason: null, startedAt: null }, URL_HERE),
    new ResultOmittedError('a function has no JSON form', URL_HERE),
    new TicketNotFoundError(URL_HERE),
    new RequestRefusedError({ ...refusal, fields: [] }, undefined),
    new ServerUnavailableError({ status: 502, problemCode: null, detail: null, retryAfterMs: null }, undefined),
    new ServerUnreachableError(new Error('reset'), undefined),
    new UnexpectedAnswerError('its status is 204', 204, undefined)
  ]

  it('differ in class, name and code', () => {
    const errors = everyError()
    for (const error of errors) {
      expect(error).toBeInstanceOf(ClientError)
      expect(isClientError(error)).toBe(true)
      expect(error.name).toBe(error.constructor.name)
    }
    expect(new Set(errors.map(({ code }) => code)).size).toBe(errors.length)
  })

  it('may be given another name, as any error may', () => {
    for (const error of everyError()) {
      const { name } = error
      const keys = Object.keys(error)
      error.name = 'OfThisProgram'
      expect([error.name, String(error), error.toJSON()['name']]).toEqual([
        'OfThisProgram',
        `OfThisProgram: ${error.message}`,
        'OfThisProgram'
      ])
      expect(Object.keys(error)).toEqual(keys)
      error.name = name
      expect(error.name).toBe(name)
      expect(Reflect.deleteProperty(error, 'name')).toBe(true)
      expect(error.name).toBe(name)
    }
  })

  it("have a message with the server's text", () => {
    expect(everyError().map(({ message }) => message)).toEqual([
      'no space',
      'The task was canceled (no reason was given).',
      'The task succeeded, but its result cannot be sent: a function has no JSON form.',
      'The server has no such ticket, or no longer.',
      'The server refused the request with 400 INVALID_FIELD: A field is wrong.',
      'The server answers with 502.',
      'The server could not be reached, or its answer did not arrive.',
      'The server gave an answer that cannot be used: its status is 204.'
    ])
  })

  it('give their fields to a log, but not the URL of the ticket', () => {
    const [failed] = everyError()
    expect(failed?.ticketUrl).toBe(URL_HERE)
    expect(JSON.parse(JSON.stringify(failed))).toEqual({
      name: 'TaskFailedError',
      code: 'ERR_TASK_FAILED',
      message: 'no space',
      taskCode: 'DISK_FULL'
    })
    for (const error of everyError()) expect(JSON.stringify(error)).not.toContain(URL_HERE)
  })

  it('are recognised across copies of the package, and no other values are', () => {
    const copy = Object.defineProperty(new Error('from another copy'), Symbol.for('coatcheck.ClientError'), {
      value: true
    })
    expect(isClientError(copy)).toBe(true)
    const hostile = new Proxy(
      {},
      {
        get: () => {
          throw new Error('no')
        }
      }
    )
    const branded = Object.assign(() => 1, { [Symbol.for('coatcheck.ClientError')]: true })
    for (const other of [new Error('no'), branded, null, undefined, 'ERR_TASK_FAILED', {}, hostile]) {
      expect(isClientError(other)).toBe(false)
    }
  })
})
