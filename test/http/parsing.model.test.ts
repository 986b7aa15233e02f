/**
 * What the routes read of a request, against oracles that read it another way: the grammars of the standards as they
 * stand there, exact arithmetic, parsers of the platform. Everything goes through the door; no oracle knows what is
 * behind it.
 */
import { isUtf8 } from 'node:buffer'
import { MIMEType } from 'node:util'
import { WorkerPool } from 'coatcheck'
import { type HttpReply, type HttpRequest, type JsonObject, ticketRoutes } from 'coatcheck/http'
import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { parseGoDuration } from '../../examples/demo/go-duration.js'
import { ManualClock } from '../support/manual-clock.js'
import { bytesOf, jsonOf, requestTo } from './support/request-of.js'

// Thousands of runs each, on a machine that may have more to do.
/** As long as the bounds below allow: by default what is made is short, and proves little. */
const LONG = { size: 'max' } as const

/** Text of these characters. */
const textOf = (characters: string, maxLength: number) =>
  fc.string({ unit: fc.constantFrom(...characters), maxLength, ...LONG })

/** Every character that can stand in a header as a server gets it, and those that mean something more often. */
const headerText = (characters: string, maxLength: number) =>
  fc
    .array(
      fc.oneof(
        { arbitrary: fc.constantFrom(...characters), weight: 20 },
        {
          arbitrary: fc
            .integer({ min: 0x20, max: 0xff })
            .filter((code) => code !== 0x7f)
            .map((code) => String.fromCharCode(code)),
          weight: 1
        }
      ),
      { maxLength, ...LONG }
    )
    .map((parts) => parts.join(''))

const pools: WorkerPool[] = []

afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => pool.stop({ forceMs: 0 })))
})

/** A desk whose tasks wait for ever, with a task for each of the ids. */
function desk(
  ids: readonly string[] = [],
  options: { readonly maxBodyBytes?: number; readonly pollAfterMs?: number } = {}
) {
  const pool = new WorkerPool({ concurrency: 1, queueCapacity: Number.POSITIVE_INFINITY, clock: new ManualClock() })
  pools.push(pool)
  const inputs: JsonObject[] = []
  const routes = ticketRoutes(pool, {
    ...options,
    accept: [
      {
        path: '/tasks',
        submit: (input) => {
          inputs.push(input)
          const task = pool.queueTask(() => {})
          task.cancel() // or the queue grows with each run
          return task
        }
      }
    ]
  })
  for (const id of ids) pool.queueTask(() => {}, { id })
  const ask = async (line: string, parts: Partial<HttpRequest> = {}): Promise<HttpReply> => {
    const reply = await routes.handle(requestTo(line, parts))
    if (reply === undefined) throw new Error(`${line} is none of the routes`)
    return reply
  }
  return { pool, inputs, ask }
}

describe('a Go duration', () => {
  const NANOSECONDS: Readonly<Record<string, bigint>> = {
    ns: 1n,
    us: 1_000n,
    µs: 1_000n,
    μs: 1_000n,
    ms: 1_000_000n,
    s: 1_000_000_000n,
    m: 60_000_000_000n,
    h: 3_600_000_000_000n
  }
  const LIMIT = 2n ** 31n * 1_000_000n
  const SCALE = 10n ** 64n
  const WHOLE = /^[+-]?(?:0|(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:ns|us|µs|μs|ms|s|m|h))+)$/
  const PART = /([0-9]*)\.?([0-9]*)(ns|us|µs|μs|ms|s|m|h)/g

  /** What the text says, in 10^-64 nanoseconds, and whether any part of it is finer than a nanosecond. */
  const exact = (text: string) => {
    if (text.length > 64 || !WHOLE.test(text)) return undefined
    let scaled = 0n
    let isFiner = false
    for (const [, whole = '', fraction = '', unit = ''] of text.matchAll(PART)) {
      const times = NANOSECONDS[unit]!
      const part = BigInt(`0${fraction}`) * times * 10n ** BigInt(64 - fraction.length)
      scaled += BigInt(`0${whole}`) * times * SCALE + part
      if (part % SCALE !== 0n) isFiner = true
    }
    return { scaled, isFiner, isNegative: text.startsWith('-') }
  }

  const part = fc
    .tuple(
      textOf('0123456789', 12),
      fc.constantFrom('', '.'),
      textOf('0123456789', 12),
      fc.constantFrom(...Object.keys(NANOSECONDS), '', 'd', 'S')
    )
    .map((parts) => parts.join(''))
  const sign = fc.constantFrom('', '', '', '+', '-')
  const plausible = fc.tuple(sign, fc.array(part, { maxLength: 5, ...LONG })).map(([a, parts]) => a + parts.join(''))
  const atTheLimit = fc.constantFrom('2147483648ms', '2147483647.999999ms', '596h31m23.648s', '596h31m23.647999999s')
  const wholeNanoseconds = fc
    .tuple(
      fc.integer({ min: 0, max: 2_147_483 }),
      fc.integer({ min: 0, max: 999_999_999 }),
      fc.integer({ min: 0, max: 9 })
    )
    .map(([seconds, fraction, digits]) => `${seconds}.${String(fraction).padStart(9, '0').slice(0, digits)}s`)

  it('is read as the grammar of Go says, to the nanosecond', () => {
    fc.assert(
      fc.property(fc.oneof(plausible, wholeNanoseconds, atTheLimit, textOf('0123456789.+-nuµμmsh ', 70)), (text) => {
        const oracle = exact(text)
        const ms = parseGoDuration(text)
        if (oracle === undefined) {
          expect(ms, text).toBeUndefined()
          return
        }
        const { scaled, isFiner, isNegative } = oracle
        const isOut = (slack: bigint): boolean => scaled >= LIMIT * SCALE + slack || (isNegative && scaled > slack)
        // What is finer than a nanosecond may be cut off or rounded, once in each part.
        const slack = isFiner ? 5n * SCALE : 0n
        if (isOut(slack)) expect(ms, text).toBeUndefined()
        else if (!isFiner) expect(ms, text).toBe(Number(scaled / SCALE) / 1_000_000)
        else if (!isOut(-slack)) {
          const difference = BigInt(Math.round((ms ?? Number.NaN) * 1_000_000)) * SCALE - scaled
          expect(difference < slack && difference > -slack, `${text} is read as ${ms} ms`).toBe(true)
        }
      }),
      { numRuns: 3_000 }
    )
  })
})

describe('a duration in milliseconds', () => {
  const numbers = fc.oneof(
    fc.double(),
    fc.constantFrom(0, -0, 1, 0.1, 999.999, 1_000, 1_000.001, 2 ** 31, 2 ** 53, 1e21, 1e24, 1e300, -1, Number.MIN_VALUE)
  )

  it('is taken as it is or refused by name, and is told in whole seconds, rounded up', async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(numbers, fc.anything()), async (pollAfterMs) => {
        const isGiven = pollAfterMs !== undefined
        const isGood = typeof pollAfterMs === 'number' && Number.isFinite(pollAfterMs) && pollAfterMs > 0
        if (isGiven && !isGood) {
          const kind = typeof pollAfterMs === 'number' ? RangeError : TypeError
          expect(() => desk([], { pollAfterMs: pollAfterMs as number })).toThrow(kind)
          expect(() => desk([], { pollAfterMs: pollAfterMs as number })).toThrow('`pollAfterMs`')
          return
        }
        const ms = isGood ? pollAfterMs : 1_000
        const reply = await desk(['a'], isGood ? { pollAfterMs } : {}).ask('GET /tasks/a')
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

describe('a ticket in a path', () => {
  const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:-'
  const id = textOf(ALPHABET, 128).filter((text) => text !== '' && text !== '.' && text !== '..')

  /** One octet after the other: each is one of the alphabet, plain or as %XX, and there is no second decoding. */
  const octets = (segment: string): string | undefined => {
    let decoded = ''
    for (let rest = segment; rest !== ''; ) {
      const code = /^%[0-9A-Fa-f]{2}/.exec(rest)?.[0]
      decoded += code === undefined ? rest[0] : String.fromCharCode(Number.parseInt(code.slice(1), 16))
      rest = rest.slice(code?.length ?? 1)
    }
    const isTicket =
      decoded.length >= 1 && decoded.length <= 128 && [...decoded].every((each) => ALPHABET.includes(each))
    return isTicket && decoded !== '.' && decoded !== '..' ? decoded : undefined
  }

  it('finds its task however its characters are written', async () => {
    const written = (text: string, how: readonly number[]): string =>
      [...text]
        .map((each, index) => {
          const hex = each.charCodeAt(0).toString(16)
          return [each, `%${hex}`, `%${hex.toUpperCase()}`][(how[index] ?? 0) % 3]
        })
        .join('')
    const ways = fc.array(fc.nat({ max: 2 }), { maxLength: 128, ...LONG })
    await fc.assert(
      fc.asyncProperty(id, ways, async (text, how) => {
        const segment = written(text, how)
        const reply = await desk([text]).ask(`GET /tasks/${segment}`)
        expect(reply.status, segment).toBe(200)
        expect(jsonOf(reply)['id']).toBe(text)
      }),
      { numRuns: 300 }
    )
  })

  it('is 200 for the ticket that its octets spell, and one and the same 404 for everything else', async () => {
    const known = ['a', 'A', '%', '2', '2e', '.a', '...', 'a.b', '-', '_', ':', 'a'.repeat(128)].filter(octets)
    const { ask } = desk(known)
    const unknown = JSON.stringify(await ask('GET /tasks/nobody'))
    const twice = fc
      .constantFrom(...known)
      .map((text) => [...text].map((each) => `%25${each.charCodeAt(0).toString(16)}`).join(''))
    const soup = fc.oneof(
      { arbitrary: textOf('%2eEaA.:-_61567fF0é\u0000\n😀\ud800', 24), weight: 4 },
      { arbitrary: textOf('%61aA', 400), weight: 4 },
      { arbitrary: textOf('a%61', 8), weight: 4 },
      { arbitrary: twice, weight: 1 }
    )
    await fc.assert(
      fc.asyncProperty(soup, async (segment) => {
        const spelled = octets(segment)
        const reply = await ask(`GET /tasks/x`, { target: `/tasks/${segment}` })
        if (spelled === undefined || !known.includes(spelled)) expect(JSON.stringify(reply)).toBe(unknown)
        else expect([reply.status, jsonOf(reply)['id']]).toEqual([200, spelled])
      }),
      { numRuns: 3_000 }
    )
  })
})

describe('If-None-Match', () => {
  /** RFC 9110, sections 5.6.1.2 and 13.1.2: a list in which a recipient takes empty elements too. */
  const TAG = String.raw`(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"`
  const LIST = new RegExp(String.raw`^[ \t]*(?:,[ \t]*)*${TAG}(?:[ \t]*,[ \t]*(?:${TAG})?)*[ \t]*$`)
  const opaque = (tag: string): string => tag.replace(/^W\//, '')

  /** What weak comparison says; `undefined` for what the grammar does not have. */
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

  it('is 304 for a list that names the revision, whatever else is in it, else 200', async () => {
    const { pool, ask } = desk(['a'])
    const held = { etag: '', count: { named: 0, other: 0, malformed: 0 } }
    for (const act of [() => {}, () => pool.cancel('a')]) {
      act()
      held.etag = (await ask('GET /tasks/a')).headers['ETag'] ?? ''
      expect(held.etag).toMatch(/^W\/"[0-9]"$/)
      await fc.assert(
        fc.asyncProperty(field, fc.constantFrom('GET', 'HEAD'), async (text, method) => {
          const expected = matches(text, held.etag)
          held.count[expected === undefined ? 'malformed' : expected ? 'named' : 'other']++
          const reply = await ask(`${method} /tasks/a`, {
            headers: { 'if-none-match': text, 'cache-control': 'no-cache' }
          })
          expect(reply.headers['ETag']).toBe(held.etag)
          // A field that is broken must never hide a change.
          if (expected !== undefined) expect(reply.status, text).toBe(expected ? 304 : 200)
          else if (reply.status === 304) expect(text).toContain(opaque(held.etag))
          else expect(reply.status).toBe(200)
        }),
        { numRuns: 2_000 }
      )
    }
    for (const many of Object.values(held.count)) expect(many).toBeGreaterThan(300)
  })

  it('says the same when it comes as several fields', async () => {
    const { ask } = desk(['a'])
    const etag = (await ask('GET /tasks/a')).headers['ETag'] ?? ''
    await fc.assert(
      fc.asyncProperty(fc.array(tag, { minLength: 1, maxLength: 5, ...LONG }), async (tags) => {
        const reply = await ask('GET /tasks/a', { headers: { 'if-none-match': tags } })
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

  /** Another tag than that of the ticket: nothing is held, and the answer says what it would have been held for. */
  const appliedTo = async ({ ask }: ReturnType<typeof desk>, prefer: HttpRequest['headers'][string]) => {
    const { headers } = await ask('GET /tasks/a', { headers: { prefer, 'if-none-match': '"another"' } })
    return headers['Preference-Applied']
  }

  it('is held for as many seconds as its first wait says, at most 25, whatever else it asks for', async () => {
    const open = desk(['a'])
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

  it('with a wait that is no whole number is as if it were not there', async () => {
    const open = desk(['a'])
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

describe('Idempotency-Key', () => {
  const PRINTABLE = Array.from({ length: 95 }, (_, index) => String.fromCharCode(0x20 + index)).join('')
  /** RFC 8941, section 3.3.3. */
  const STRING = /^"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"$/

  const post = async ({ ask }: ReturnType<typeof desk>, key: string): Promise<HttpReply> =>
    ask('POST /tasks', { headers: { 'content-type': 'application/json', 'idempotency-key': key }, body: bytesOf('{}') })

  const spelled = (key: string): string => `"${key.replaceAll(/["\\]/g, '\\$&')}"`

  it('is one key bare and in quotes, and another for every other text', async () => {
    const open = desk()
    const tickets = new Map<string, string>()
    await fc.assert(
      fc.asyncProperty(fc.oneof(textOf(PRINTABLE, 255), textOf('a"\\', 4)), fc.boolean(), async (key, isQuoted) => {
        fc.pre(key !== '' && (isQuoted || (!key.startsWith('"') && key.trim() === key)))
        const reply = await post(open, isQuoted ? spelled(key) : key)
        expect(reply.status, key).toBe(202)
        const { id } = jsonOf(reply)
        expect(reply.headers['Idempotent-Replayed']).toBe(tickets.has(key) ? 'true' : undefined)
        expect(id).toBe(tickets.get(key) ?? id)
        tickets.set(key, String(id))
      }),
      { numRuns: 1_000 }
    )
    expect(new Set(tickets.values()).size).toBe(tickets.size)
  })

  it('that is empty, too long, not printable or not closed is refused, and nothing is queued', async () => {
    const open = desk()
    const count = { good: 0, bad: 0 }
    const soup = fc.oneof(
      headerText('"\\a', 6),
      textOf('"\\ab', 4),
      textOf('a', 260),
      textOf('a', 254).map((text) => `"${text}\\""`)
    )
    await fc.assert(
      fc.asyncProperty(soup, async (field) => {
        fc.pre(field === field.trim())
        const inside = STRING.exec(field)?.[1]?.replaceAll(/\\(.)/g, '$1')
        const key = field.startsWith('"') ? inside : field
        const isGood =
          key !== undefined &&
          key.length >= 1 &&
          key.length <= 255 &&
          [...key].every((each) => PRINTABLE.includes(each))
        count[isGood ? 'good' : 'bad']++
        const reply = await post(open, field)
        expect(reply.status, field).toBe(isGood ? 202 : 400)
        if (!isGood) expect(jsonOf(reply)['code']).toBe('INVALID_IDEMPOTENCY_KEY')
        open.inputs.splice(0)
      }),
      { numRuns: 2_000 }
    )
    expect(Math.min(count.good, count.bad)).toBeGreaterThan(100)
    expect(open.pool.stats().queued).toBe(0)
  })
})

describe('a content type', () => {
  /** What the platform reads, by the rules that browsers have. */
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

  const statusOf = async ({ ask }: ReturnType<typeof desk>, headers: HttpRequest['headers']): Promise<number> =>
    (await ask('POST /tasks', { headers, body: bytesOf('{}') })).status

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

  it('of JSON in UTF-8 is taken, whatever its case, spaces and other parameters', async () => {
    const open = desk()
    await fc.assert(
      fc.asyncProperty(essence, parameters, separator, async (type, list, between) => {
        const text = [type, ...list].join(between)
        fc.pre(text.length <= 100)
        expect(await statusOf(open, { 'content-type': text }), text).toBe(202)
      }),
      { numRuns: 1_000 }
    )
  })

  it('is taken only when a browser, too, would read it as JSON in UTF-8', async () => {
    const open = desk()
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

  it('is of no use to a body with any content encoding', async () => {
    const open = desk()
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

describe('a JSON body', () => {
  const MAX_DEPTH = 64
  const LEXEME =
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the grammar excludes them
    /[ \t\n\r]+|"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9A-Fa-f]{4}))*"|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|true|false|null|[[\]{},:]/y

  /**
   * RFC 8259 by reduction. Strings become `s` and other scalars `v`; then arrays (`a`) and objects (`o`) without any
   * inside are taken away, again and again. Each round is one level; what is left at last is the kind of the body.
   */
  const judge = (text: string): { readonly kind: string; readonly depth: number } => {
    let rest = ''
    for (let at = 0; at < text.length; at = LEXEME.lastIndex) {
      LEXEME.lastIndex = at
      const [lexeme] = LEXEME.exec(text) ?? []
      if (lexeme === undefined) return { kind: 'broken', depth: 0 }
      const [first = ''] = lexeme
      if ('[]{},:'.includes(first)) rest += first
      else if (first === '"') rest += 's'
      else if (!' \t\n\r'.includes(first)) rest += 'v'
    }
    const LEAF = /\[(?:[svao](?:,[svao])*)?\]|\{(?:s:[svao](?:,s:[svao])*)?\}/g
    for (let depth = 0; ; depth++) {
      const next = rest.replaceAll(LEAF, (leaf) => (leaf.startsWith('[') ? 'a' : 'o'))
      if (next === rest) return { kind: rest, depth }
      rest = next
    }
  }

  const expectedOf = (bytes: Uint8Array): 202 | 400 => {
    if (!isUtf8(bytes)) return 400
    const { kind, depth } = judge(Buffer.from(bytes).toString())
    return kind === 'o' && depth <= MAX_DEPTH ? 202 : 400
  }

  /** The bytes, in pieces as they might come over the network. */
  const inPieces = (bytes: Uint8Array, cuts: readonly number[]): HttpRequest['body'] =>
    async function* () {
      const ends = [...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].sort((a, b) => a - b)
      let start = 0
      for (const end of ends) {
        yield bytes.subarray(start, end)
        start = end
      }
    }

  const headers = { 'content-type': 'application/json' }
  const cuts = fc.array(fc.nat({ max: 70_000 }), { maxLength: 6, ...LONG })
  const keys = fc.oneof(
    fc.constantFrom('', '__proto__', 'constructor', 'prototype', 'toString', 'then', 'a'),
    fc.string({ unit: 'binary', maxLength: 6 })
  )
  const { value } = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 5 },
      fc.constantFrom(null, true, false),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.string({ unit: 'binary', maxLength: 8 }),
      fc.array(tie('value'), { maxLength: 4 }),
      fc.array(fc.tuple(keys, tie('value')), { maxLength: 4 }).map((entries) => Object.fromEntries(entries))
    )
  }))
  const object = fc
    .array(fc.tuple(keys, value), { maxLength: 5, ...LONG })
    .map((entries) => Object.fromEntries(entries))

  it('comes through as it was sent, field by field, however it was cut on the way', async () => {
    const { ask, inputs } = desk()
    await fc.assert(
      fc.asyncProperty(object, fc.constantFrom(undefined, 1, '\t', '\r\n'), cuts, async (sent, space, where) => {
        const text = JSON.stringify(sent, undefined, space)
        const { status } = await ask('POST /tasks', { headers, body: inPieces(Buffer.from(text), where) })
        expect(status).toBe(202)
        const input = inputs.pop()!
        // Own fields, `__proto__` among them: by a walk over the text of both, since a copy might lose them.
        expect(JSON.stringify(input)).toBe(JSON.stringify(JSON.parse(text)))
        for (const key of Object.keys(sent)) expect(Object.hasOwn(input, key)).toBe(true)
        expect(Object.getPrototypeOf(input)).toBe(Object.prototype)
      }),
      { numRuns: 1_000 }
    )
  })

  it('is taken if and only if it is one object by the grammar, in UTF-8, at most 64 levels deep', async () => {
    const { ask, inputs } = desk()
    const scraps = fc.constantFrom(
      ...[
        '{',
        '}',
        '[',
        ']',
        ',',
        ':',
        '"',
        '\\',
        '"a"',
        '"a":',
        '0',
        '-',
        '1',
        '.5',
        'e1',
        'E+2',
        '01',
        'true',
        'null'
      ],
      ...[
        'NaN',
        ' ',
        '\n',
        '\u00a0',
        '\ufeff',
        '\u2028',
        '\u0000',
        '\\u00e',
        '"\\ud800"',
        '"\t"',
        '{}',
        '[]',
        '{"b":1}'
      ]
    )
    const soup = fc.array(scraps, { maxLength: 12, ...LONG }).map((parts) => Buffer.from(parts.join('')))
    const wrapped = soup.map((bytes) => Buffer.concat([Buffer.from('{"a":'), bytes, Buffer.from('}')]))
    const whole = fc.oneof(object, value).map((each) => Buffer.from(JSON.stringify(each)))
    const cut = fc.tuple(whole, fc.nat()).map(([bytes, at]) => bytes.subarray(0, at % (bytes.length + 1)))
    const bent = fc.tuple(whole, fc.nat(), fc.nat({ max: 255 })).map(([bytes, at, octet]) => {
      const copy = Buffer.from(bytes)
      copy[at % copy.length] = octet
      return copy
    })
    const marked = whole.map((bytes) => Buffer.concat([Buffer.from('\ufeff'), bytes]))
    const joined = fc.tuple(whole, scraps, whole).map(([a, b, c]) => Buffer.concat([a, Buffer.from(b), c]))
    const deep = fc
      .tuple(fc.integer({ min: 60, max: 68 }), fc.constantFrom('', '"[{[{"', '{}', '"\\"["'), fc.boolean())
      .map(([depth, middle, isArray]) => {
        const [open, close] = isArray ? ['[', ']'] : ['{"a":', '}']
        return Buffer.from(`{"a":${open.repeat(depth - 1)}${middle || '0'}${close.repeat(depth - 1)}}`)
      })
    const count = { 202: 0, 400: 0 }
    await fc.assert(
      fc.asyncProperty(fc.oneof(soup, wrapped, whole, cut, bent, marked, joined, deep), cuts, async (bytes, where) => {
        const expected = expectedOf(bytes)
        count[expected]++
        const reply = await ask('POST /tasks', { headers, body: inPieces(bytes, where) })
        expect(reply.status, bytes.toString()).toBe(expected)
        if (expected === 400) expect(jsonOf(reply)['code']).toBe('INVALID_BODY')
        expect(inputs.splice(0)).toHaveLength(expected === 202 ? 1 : 0)
      }),
      { numRuns: 3_000 }
    )
    expect(count[202]).toBeGreaterThan(300)
    expect(count[400]).toBeGreaterThan(300)
  })

  it('is 413 exactly above its limit, whether its length is told, not told, or a lie', async () => {
    const limit = 40
    const { ask, inputs } = desk([], { maxBodyBytes: limit })
    const size = fc.integer({ min: limit - 12, max: limit + 12 })
    const told = fc.oneof(
      fc.constant(undefined),
      fc.constant('so many'),
      fc.integer({ min: 0, max: 2 ** 53 }).map(String)
    )
    await fc.assert(
      fc.asyncProperty(size, told, cuts, async (bytes, length, where) => {
        const sent = Buffer.from('{}'.padEnd(bytes, ' '))
        const told = length === 'so many' ? String(bytes) : length
        const reply = await ask('POST /tasks', {
          headers: told === undefined ? headers : { ...headers, 'content-length': told },
          body: inPieces(sent, where)
        })
        const isOver = bytes > limit || Number(told ?? 0) > limit
        expect(reply.status).toBe(isOver ? 413 : 202)
        expect(reply.close).toBe(isOver)
        expect(inputs.splice(0)).toHaveLength(isOver ? 0 : 1)
      }),
      { numRuns: 1_000 }
    )
  })
})
