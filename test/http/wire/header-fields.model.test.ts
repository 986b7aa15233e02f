import { MIMEType } from 'node:util'
import type { HttpRequest } from 'coatcheck/http'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { headerText, idleRoutes, LONG, textOf } from '../support/parsing.js'
import { bytesOf, jsonOf } from '../support/request-of.js'

describe('a duration in milliseconds', () => {
  const numbers = fc.oneof(
    fc.double(),
    fc.constantFrom(0, -0, 1, 0.1, 999.999, 1_000, 1_000.001, 2 ** 31, 2 ** 53, 1e21, 1e24, 1e300, -1, Number.MIN_VALUE)
  )

  it('is used as it is or refused by name, and sent in whole seconds, rounded up', async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(numbers, fc.anything()), async (pollAfterMs) => {
        const isGiven = pollAfterMs !== undefined
        const isGood = typeof pollAfterMs === 'number' && Number.isFinite(pollAfterMs) && pollAfterMs > 0
        if (isGiven && !isGood) {
          const kind = typeof pollAfterMs === 'number' ? RangeError : TypeError
          expect(() => idleRoutes([], { pollAfterMs: pollAfterMs as number })).toThrow(kind)
          expect(() => idleRoutes([], { pollAfterMs: pollAfterMs as number })).toThrow('`pollAfterMs`')
          return
        }
        const ms = isGood ? pollAfterMs : 1_000
        const reply = await idleRoutes(['a'], isGood ? { pollAfterMs } : {}).send('GET /tasks/a')
        expect(jsonOf(reply)['pollAfterMs']).toBe(ms)
        const { 'Retry-After': seconds = '' } = reply.headers
        expect(seconds).toMatch(/^[1-9][0-9]*$/)
        if (ms > Number.MAX_SAFE_INTEGER) return // no longer to the millisecond
        const whole = BigInt(Math.ceil(ms))
        expect([BigInt(seconds) * 1_000n >= whole, (BigInt(seconds) - 1n) * 1_000n < whole]).toEqual([true, true])
      }),
      { numRuns: 500 }
    )
  })
})

describe('If-None-Match', () => {
  /** RFC 9110, sections 5.6.1.2 and 13.1.2: a list in which a recipient takes empty elements too. */
  const TAG = String.raw`(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"`
  const LIST = new RegExp(String.raw`^[ \t]*(?:,[ \t]*)*${TAG}(?:[ \t]*,[ \t]*(?:${TAG})?)*[ \t]*$`)
  const opaque = (tag: string): string => tag.replace(/^W\//, '')

  /** The result of weak comparison; `undefined` for a field outside the grammar. */
  const matches = (field: string, etag: string): boolean | undefined => {
    if (/^[ \t]*\*[ \t]*$/.test(field)) return true
    if (!LIST.test(field)) return undefined
    return (field.match(new RegExp(TAG, 'g')) ?? []).some((tag) => opaque(tag) === opaque(etag))
  }

  const numbers = fc.nat({ max: 3 }).map(String)
  const etagc = headerText('W/,*;0123', 8).map((text) => text.replaceAll(/[ "]/g, ''))
  const tag = fc.tuple(fc.constantFrom('', 'W/'), fc.oneof(numbers, etagc)).map(([weak, text]) => `${weak}"${text}"`)
  const element = fc.oneof({ arbitrary: tag, weight: 4 }, { arbitrary: fc.constant(''), weight: 1 })
  const comma = fc.constantFrom(',', ', ', ' ,', '\t,\t ', ',,')
  const list = fc
    .array(fc.tuple(element, comma), { minLength: 1, maxLength: 12, ...LONG })
    .map((parts) => parts.flat().slice(0, -1).join(''))
  const field = fc.oneof(list, fc.constantFrom('*', ' * ', '\t*'), headerText('W/"0123, \t*', 20))

  it('is 304 for a list that contains the revision, whatever else is in it, else 200', async () => {
    const { pool, send } = idleRoutes(['a'])
    const held = { etag: '', count: { named: 0, other: 0, malformed: 0 } }
    for (const act of [() => {}, () => pool.cancel('a')]) {
      act()
      held.etag = (await send('GET /tasks/a')).headers['ETag'] ?? ''
      expect(held.etag).toMatch(/^W\/"[0-9]"$/)
      await fc.assert(
        fc.asyncProperty(field, fc.constantFrom('GET', 'HEAD'), async (text, method) => {
          const expected = matches(text, held.etag)
          held.count[expected === undefined ? 'malformed' : expected ? 'named' : 'other']++
          const reply = await send(`${method} /tasks/a`, {
            headers: { 'if-none-match': text, 'cache-control': 'no-cache' }
          })
          expect(reply.headers['ETag']).toBe(held.etag)
          // A malformed field must never hide a change.
          if (expected !== undefined) expect(reply.status, text).toBe(expected ? 304 : 200)
          else if (reply.status === 304) expect(text).toContain(opaque(held.etag))
          else expect(reply.status).toBe(200)
        }),
        { numRuns: 2_000 }
      )
    }
    for (const many of Object.values(held.count)) expect(many).toBeGreaterThan(300)
  })

  it('means the same in several fields', async () => {
    const { send } = idleRoutes(['a'])
    const etag = (await send('GET /tasks/a')).headers['ETag'] ?? ''
    await fc.assert(
      fc.asyncProperty(fc.array(tag, { minLength: 1, maxLength: 5, ...LONG }), async (tags) => {
        const reply = await send('GET /tasks/a', { headers: { 'if-none-match': tags } })
        expect(reply.status).toBe(tags.some((each) => opaque(each) === opaque(etag)) ? 304 : 200)
      }),
      { numRuns: 500 }
    )
  })
})

describe('Prefer', () => {
  const token = fc.constantFrom('respond-async', 'handling', 'return', 'x', 'waiting', 'wait-a-bit')
  const quoted = fc
    .oneof(textOf('ab ,;=', 6), fc.constantFrom('wait=3', 'a, wait=3', '"; wait=3, "', '\\'))
    .map((text) => `"${text.replaceAll(/["\\]/g, '\\$&')}"`)
  const value = fc.oneof(
    fc.constant(''),
    fc.constant('=minimal'),
    quoted.map((text) => `=${text}`)
  )
  const parameters = fc
    .array(fc.tuple(fc.constantFrom(';', '; ', ' ; '), fc.constantFrom('foo', 'wait'), value), { maxLength: 2 })
    .map((list) => list.flat().join(''))
  const other = fc.tuple(token, value, parameters).map((parts) => ({ text: parts.join(''), wait: undefined }))
  const whole = fc.oneof(fc.nat({ max: 40 }), fc.nat(), fc.bigInt({ min: 0n, max: 10n ** 30n })).map(String)
  const wait = fc
    .tuple(fc.constantFrom('wait', 'Wait', 'WAIT'), fc.constantFrom('=', ' =', '= ', '\t=\t'), whole, parameters)
    .map(([name, equals, seconds, rest]) => ({ text: name + equals + seconds + rest, wait: BigInt(seconds) }))
  const comma = fc.constantFrom(',', ', ', ' ,\t', ',,')
  const field = fc.array(fc.tuple(fc.oneof(other, wait), comma), { minLength: 1, maxLength: 5, ...LONG })

  /** With another tag than the ticket's nothing is held, and the answer states the time that would have been used. */
  const appliedTo = async ({ send }: ReturnType<typeof idleRoutes>, prefer: HttpRequest['headers'][string]) => {
    const { headers } = await send('GET /tasks/a', { headers: { prefer, 'if-none-match': '"another"' } })
    return headers['Preference-Applied']
  }

  it('is honoured for the seconds of its first wait, at most 25, with whatever other preferences', async () => {
    const open = idleRoutes(['a'])
    const count = { applied: 0, not: 0 }
    await fc.assert(
      fc.asyncProperty(field, async (parts) => {
        const text = parts
          .flatMap(([{ text }, separator]) => [text, separator])
          .slice(0, -1)
          .join('')
        const first = parts.map(([each]) => each.wait).find((seconds) => seconds !== undefined)
        count[first === undefined ? 'not' : 'applied']++
        const expected = first === undefined ? undefined : `wait=${first < 25n ? first : 25n}`
        expect(await appliedTo(open, text), text).toBe(expected)
        expect(
          await appliedTo(
            open,
            parts.map(([each]) => each.text)
          ),
          text
        ).toBe(expected)
      }),
      { numRuns: 1_000 }
    )
    expect(Math.min(count.applied, count.not)).toBeGreaterThan(100)
  })

  it('with a wait that is not a whole number is ignored', async () => {
    const open = idleRoutes(['a'])
    const broken = textOf('0123456789.+-e x"', 6).filter((text) => !/^ *[0-9]+ *$/.test(text))
    await fc.assert(
      fc.asyncProperty(broken, async (seconds) => {
        expect(await appliedTo(open, `wait=${seconds}`), seconds).toBeUndefined()
      }),
      { numRuns: 500 }
    )
    expect(await appliedTo(open, 'wait')).toBeUndefined()
  })
})

describe('a content type', () => {
  /** The platform's parser, with the rules of browsers. */
  const read = (text: string): MIMEType | undefined => {
    try {
      return new MIMEType(text)
    } catch {
      return undefined
    }
  }

  const isJson = ({ type, subtype, params }: MIMEType): boolean => {
    const charset = params.get('charset')?.toLowerCase() ?? 'utf-8'
    return type === 'application' && (subtype === 'json' || subtype.endsWith('+json')) && /^utf-?8$/.test(charset)
  }

  const statusOf = async ({ send }: ReturnType<typeof idleRoutes>, headers: HttpRequest['headers']): Promise<number> =>
    (await send('POST /tasks', { headers, body: bytesOf('{}') })).status

  const mixedCase = (text: string) =>
    fc
      .array(fc.boolean(), { minLength: text.length, maxLength: text.length })
      .map((up) => [...text].map((each, index) => (up[index] === true ? each.toUpperCase() : each)).join(''))
  const TOKEN = "abcXYZ019!#$%&'*+-.^_`|~"
  const token = textOf(TOKEN, 8).filter((text) => text !== '')
  const decoy = fc.constantFrom('; charset=latin1', ';charset=utf-16', '"; charset=latin1; x="')
  const quoted = fc
    .oneof(textOf(`${TOKEN} \t;=,/\\"`, 8), decoy)
    .map((text) => `"${text.replaceAll(/["\\]/g, '\\$&')}"`)
  const harmless = fc
    .tuple(token, fc.constant('='), fc.oneof(token, quoted))
    .filter(([name]) => name.toLowerCase() !== 'charset')
    .map((parts) => parts.join(''))
  const utf8 = fc
    .tuple(mixedCase('charset'), mixedCase('utf-8'), fc.boolean())
    .map(([name, value, isQuoted]) => `${name}=${isQuoted ? `"${value}"` : value}`)
  const separator = fc.constantFrom(';', '; ', ' ;', ' ; ', '\t;\t')
  const essence = fc.oneof(
    mixedCase('application/json'),
    fc.tuple(mixedCase('application/'), token, mixedCase('+json')).map((parts) => parts.join(''))
  )
  const parameters = fc
    .tuple(fc.array(harmless, { maxLength: 3, ...LONG }), fc.array(utf8, { maxLength: 1 }))
    .chain(([others, charset]) =>
      fc.shuffledSubarray([...others, ...charset], { minLength: others.length + charset.length })
    )

  it('of JSON in UTF-8 is accepted, whatever its case, spaces and other parameters', async () => {
    const open = idleRoutes()
    await fc.assert(
      fc.asyncProperty(essence, parameters, separator, async (type, list, between) => {
        const text = [type, ...list].join(between)
        fc.pre(text.length <= 100)
        expect(await statusOf(open, { 'content-type': text }), text).toBe(202)
      }),
      { numRuns: 1_000 }
    )
  })

  it('is accepted only when a browser, too, reads it as JSON in UTF-8', async () => {
    const open = idleRoutes()
    const words = fc.constantFrom(
      ...['application/json', 'text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data', 'text/html'],
      ...['application/', '+json', 'json', 'charset', 'charset=', 'utf-8', 'utf8', 'utf-16', 'latin1', 'Charset=UTF-8'],
      ...[';', '=', '"', '\\', ',', ' ', '\t', '\u00a0', '/', '*', 'x', ';charset=', '; charset="']
    )
    const soup = fc.array(words, { maxLength: 9, ...LONG }).map((parts) => parts.join(''))
    const nearly = fc
      .tuple(essence, fc.array(words, { maxLength: 5, ...LONG }))
      .map(([type, parts]) => `${type};${parts.join('')}`)
    await fc.assert(
      fc.asyncProperty(fc.oneof(soup, nearly, headerText('application/json;charset="utf-8', 60)), async (text) => {
        const type = read(text)
        if (type !== undefined && isJson(type)) return
        expect(await statusOf(open, { 'content-type': text }), text).toBe(415)
      }),
      { numRuns: 3_000 }
    )
  })

  it('is refused with any content encoding', async () => {
    const open = idleRoutes()
    const codings = fc.oneof(fc.constantFrom('gzip', 'identity', 'br', 'gzip, identity', ','), token)
    await fc.assert(
      fc.asyncProperty(codings, async (coding) => {
        const headers = { 'content-type': 'application/json', 'content-encoding': coding }
        expect(await statusOf(open, headers)).toBe(415)
      }),
      { numRuns: 100 }
    )
  })
})
