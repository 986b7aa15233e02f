import { isUtf8 } from 'node:buffer'
import type { HttpRequest } from 'coatcheck/http'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { idleRoutes, LONG } from '../support/parsing.js'
import { jsonOf } from '../support/request-of.js'

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

  /** The bytes in chunks, as a network may deliver them. */
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

  it('arrives as it was sent, field by field, in whatever chunks', async () => {
    const { send, inputs } = idleRoutes()
    await fc.assert(
      fc.asyncProperty(object, fc.constantFrom(undefined, 1, '\t', '\r\n'), cuts, async (sent, space, where) => {
        const text = JSON.stringify(sent, undefined, space)
        const { status } = await send('POST /tasks', { headers, body: inPieces(Buffer.from(text), where) })
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

  it('is accepted if and only if it is one object by the grammar, in UTF-8, at most 64 levels deep', async () => {
    const { send, inputs } = idleRoutes()
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
        const reply = await send('POST /tasks', { headers, body: inPieces(bytes, where) })
        expect(reply.status, bytes.toString()).toBe(expected)
        if (expected === 400) expect(jsonOf(reply)['code']).toBe('INVALID_BODY')
        expect(inputs.splice(0)).toHaveLength(expected === 202 ? 1 : 0)
      }),
      { numRuns: 3_000 }
    )
    expect(count[202]).toBeGreaterThan(300)
    expect(count[400]).toBeGreaterThan(300)
  })

  it('is 413 exactly above its limit, with a correct, a wrong or no Content-Length', async () => {
    const limit = 40
    const { send, inputs } = idleRoutes([], { maxBodyBytes: limit })
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
        const reply = await send('POST /tasks', {
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
