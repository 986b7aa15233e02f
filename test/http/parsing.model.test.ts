/**
 * What the routes read of a request, against oracles that read it another way: the grammars of the standards as they
 * stand there, exact arithmetic, parsers of the platform. Everything goes through the door; no oracle knows what is
 * behind it.
 */
import { isUtf8 } from 'node:buffer'
import { WorkerPool } from 'coatcheck'
import { type HttpReply, type HttpRequest, type JsonObject, ticketRoutes } from 'coatcheck/http'
import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { parseGoDuration } from '../../examples/demo/go-duration.js'
import { ManualClock } from '../support/manual-clock.js'
import { jsonOf, requestTo } from './support/request-of.js'

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
      { numRuns: 5_000 }
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
      { numRuns: 5_000 }
    )
    expect(count[202]).toBeGreaterThan(500)
    expect(count[400]).toBeGreaterThan(500)
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
