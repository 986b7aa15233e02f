import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cut, describeError, frozen, oneLine, read, resultOf, textOf } from '../../src/contract/task-record.js'

const boom = (): never => {
  throw new Error('boom')
}

/** A proxy whose every trap throws. */
const hostile = (): object =>
  new Proxy(
    () => {},
    Object.fromEntries(
      Reflect.ownKeys(Reflect)
        .filter((key) => typeof key === 'string')
        .map((trap) => [trap, boom])
    )
  )

const revoked = (): object => {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}

class HttpError extends Error {
  readonly code = 'E_HTTP'
  override name = 'HttpError'
}

const errorWith = (properties: PropertyDescriptorMap): Error =>
  Object.defineProperties(new Error('message'), properties)

describe('describeError', () => {
  it.each<[string, unknown, object]>([
    ['an Error', new Error('no'), { name: 'Error', message: 'no' }],
    ['a TypeError', new TypeError('no'), { name: 'TypeError', message: 'no' }],
    ['an error class with a code', new HttpError('no'), { name: 'HttpError', code: 'E_HTTP', message: 'no' }],
    [
      'a code that is a number',
      Object.assign(new Error('no'), { code: 404 }),
      { name: 'Error', code: '404', message: 'no' }
    ],
    ['a code that is no text', Object.assign(new Error('no'), { code: {} }), { name: 'Error', message: 'no' }],
    [
      'an empty code and name',
      errorWith({ message: { value: '' }, code: { value: '' }, name: { value: '' } }),
      { name: 'Error', message: '' }
    ],
    ['an error of another realm', runInNewContext('new RangeError("far")'), { name: 'RangeError', message: 'far' }],
    ['a plain object with a message', { message: 'plain' }, { name: 'Error', message: 'plain' }],
    ['a function with a message', Object.assign(() => {}, { message: 'f' }), { name: 'Error', message: 'f' }],
    ['an object whose message is not a string', { message: 7 }, { name: 'Error', message: '[object Object]' }],
    ['a platform error', new DOMException('gone', 'AbortError'), { name: 'AbortError', code: '20', message: 'gone' }],
    ['E2 undefined', undefined, { name: 'Error', message: 'undefined' }],
    ['E2 null', null, { name: 'Error', message: 'null' }],
    ['E2 0', 0, { name: 'Error', message: '0' }],
    ['E2 a string', 'text', { name: 'Error', message: 'text' }],
    ['E2 a symbol', Symbol('s'), { name: 'Error', message: 'Symbol(s)' }],
    ['E2 a BigInt', 10n ** 30n, { name: 'Error', message: '1000000000000000000000000000000' }],
    ['E2 a proxy that fails at everything', hostile(), { name: 'Error', message: 'a value without a string form' }],
    ['E2 a proxy that was revoked', revoked(), { name: 'Error', message: 'a value without a string form' }],
    [
      'an object without a string form',
      Object.create(null),
      { name: 'Error', message: 'a value without a string form' }
    ],
    [
      'an object whose toString returns no string',
      { toString: () => ({}) },
      { name: 'Error', message: 'a value without a string form' }
    ],
    [
      'an object whose toString throws',
      { toString: boom },
      { name: 'Error', message: 'a value without a string form' }
    ],
    [
      'E3 a message getter that throws',
      errorWith({ message: { get: boom } }),
      { name: 'Error', message: 'a value without a string form' }
    ],
    ['E3 a name getter that throws', errorWith({ name: { get: boom } }), { name: 'Error', message: 'message' }],
    ['E3 a code getter that throws', errorWith({ code: { get: boom } }), { name: 'Error', message: 'message' }],
    ['E3 a stack getter that throws', errorWith({ stack: { get: boom } }), { name: 'Error', message: 'message' }],
    ['E3 a cause getter that throws', errorWith({ cause: { get: boom } }), { name: 'Error', message: 'message' }]
  ])('describes %s', (_what, error, record) => {
    expect(describeError(error)).toEqual(record)
  })

  it('E2 describes a function by its string form', () => {
    expect(describeError(boom)).toEqual({ name: 'Error', message: String(boom) })
  })

  it('keeps at most 2,000 characters of the message and 200 of name and code', () => {
    const error = Object.assign(new Error('m'.repeat(1_000_000)), { name: 'n'.repeat(300), code: 'c'.repeat(300) })
    expect(describeError(error)).toEqual({ name: 'n'.repeat(200), code: 'c'.repeat(200), message: 'm'.repeat(2_000) })
    expect(describeError('t'.repeat(3_000)).message).toBe('t'.repeat(2_000))
  })

  it('returns JSON data and never throws, whatever was thrown', () => {
    fc.assert(
      fc.property(fc.anything({ withBigInt: true, withNullPrototype: true, withSparseArray: true }), (error) => {
        const record = describeError(error)
        expect(JSON.parse(JSON.stringify(record))).toEqual(record)
        expect([typeof record.name, typeof record.message]).toEqual(['string', 'string'])
        expect(record.message.length).toBeLessThanOrEqual(2_000)
      })
    )
  })
})

describe('cut', () => {
  it('returns a short text unchanged', () => {
    expect(cut('x'.repeat(2_000))).toBe('x'.repeat(2_000))
    expect(cut('', 5)).toBe('')
    expect(cut('12345', 5)).toBe('12345')
    expect(cut('1234\ud800', 5), 'also where half a character ends it').toBe('1234\ud800')
  })

  it('does not split a surrogate pair', () => {
    expect(cut('123456', 5)).toBe('12345')
    for (const character of ['🎈', '\u{10000}', '\u{10ffff}']) expect(cut(`1234${character}`, 5)).toBe('1234')
    expect(cut('123🎈5', 5)).toBe('123🎈')
    expect(cut('1234\udc00x', 5), 'a lone half stays a lone half').toBe('1234\udc00')
    expect(cut('1234\ud800x', 5), 'it may belong to the next').toBe('1234')
    expect(cut('1234\ue000x', 5)).toBe('1234\ue000')
  })
})

describe('oneLine', () => {
  it('returns a text without line breaks unchanged', () => {
    expect(oneLine('all well – 🎈')).toBe('all well – 🎈')
  })

  it('replaces control characters by one space, so that no text can start a new line', () => {
    expect(oneLine('a\nb\r\nc\u2028d\u2029e\u0085f\tg\0h\u001b[31mi\u007fj')).toBe('a b c d e f g h [31mi j')
  })
})

describe('read and textOf', () => {
  it('read a property of any value, undefined if it is absent or throws', () => {
    expect(read({ a: 1 }, 'a')).toBe(1)
    expect(
      read(
        Object.assign(() => {}, { a: 2 }),
        'a'
      )
    ).toBe(2)
    for (const value of [
      null,
      undefined,
      1,
      'text',
      Symbol('s'),
      1n,
      hostile(),
      revoked(),
      {
        get length() {
          return boom()
        }
      }
    ])
      expect(read(value, 'length')).toBeUndefined()
  })

  it('return the string form of any value', () => {
    expect([textOf(Symbol('s')), textOf(-0), textOf([1, [2]]), textOf(hostile())]).toEqual([
      'Symbol(s)',
      '0',
      '1,2',
      'a value without a string form'
    ])
  })
})

describe('resultOf', () => {
  const circular: Record<string, unknown> = {}
  circular['self'] = circular
  class Money {
    readonly amount = 5
    readonly currency = 'EUR'
    toString(): string {
      return '5 €'
    }
  }

  it.each<[string, unknown, unknown]>([
    ['null', null, null],
    ['false', false, false],
    ['a number', 1.5, 1.5],
    ['NaN, as JSON does', Number.NaN, null],
    ['a text', 'text', 'text'],
    ['a text with a lone surrogate', '\ud800', '\ud800'],
    ['an array', [1, 'two', [null]], [1, 'two', [null]]],
    ['a class instance by its data', new Money(), { amount: 5, currency: 'EUR' }],
    ['a date', new Date(0), '1970-01-01T00:00:00.000Z'],
    ['what toJSON says', { toJSON: () => ({ a: 1 }) }, { a: 1 }],
    ['an object without what JSON leaves out', { a: undefined, b: () => {}, [Symbol('s')]: 1, c: 1 }, { c: 1 }],
    ['a map, as JSON does', new Map([[1, 2]]), {}],
    [
      'K4 an own __proto__ as data',
      JSON.parse('{"__proto__": {"polluted": true}}'),
      JSON.parse('{"__proto__": {"polluted": true}}')
    ]
  ])('E10 copies %s', (_what, value, result) => {
    expect(resultOf(value)).toEqual({ result })
  })

  it('has no entry for undefined', () => {
    expect(resultOf(undefined)).toEqual({})
  })

  it.each<[string, unknown, RegExp]>([
    ['a function', () => {}, /^a function has no JSON form$/],
    ['a symbol', Symbol('s'), /^a symbol has no JSON form$/],
    ['a BigInt', 5n, /BigInt/],
    ['a BigInt deep inside', { a: [{ b: 5n }] }, /BigInt/],
    ['a circle', circular, /circular structure/],
    [
      'a getter that throws',
      {
        get a() {
          return boom()
        }
      },
      /^its JSON form cannot be made: boom$/
    ],
    ['a toJSON that throws', { toJSON: boom }, /^its JSON form cannot be made: boom$/],
    [
      'a toJSON that throws undefined',
      {
        toJSON: () => {
          throw undefined
        }
      },
      /^its JSON form cannot be made: undefined$/
    ],
    [
      'a toJSON that returns nothing',
      { toJSON: () => undefined },
      /^an object whose toJSON returns nothing has no JSON form$/
    ],
    ['a proxy that fails at everything', hostile(), /no JSON form|boom/],
    ['a proxy that was revoked', revoked(), /revoked/]
  ])('E10 says why there is no JSON form of %s', (_what, value, why) => {
    const record = resultOf(value)
    expect(Object.keys(record)).toEqual(['resultOmitted'])
    expect((record as { resultOmitted: string }).resultOmitted).toMatch(why)
  })

  it('E10 has what is nested 100,000 deep, frozen to the bottom, or says that the engine cannot write it', () => {
    const depth = 100_000
    const record = resultOf(Array.from({ length: depth }).reduce<unknown[]>((inner) => [inner], []))
    if ('resultOmitted' in record) return expect(record.resultOmitted).toMatch(/stack/)
    let value: unknown = (record as { result: unknown }).result
    for (let level = 0; level < depth; level++) {
      if (!Object.isFrozen(value)) throw new Error(`level ${level} is not frozen`)
      value = (value as unknown[])[0]
    }
    expect(value).toEqual([])
  })

  it('explains an omitted result in at most 2,000 characters', () => {
    const record = resultOf({
      toJSON: () => {
        throw new Error('x'.repeat(5_000))
      }
    })
    const { resultOmitted } = record as { readonly resultOmitted: string }
    expect(resultOmitted).toHaveLength(2_000)
    expect(resultOmitted).toMatch(/^its JSON form cannot be made: x+$/)
  })

  it('E10 copies a huge result', () => {
    const text = 'x'.repeat(5_000_000)
    expect(resultOf([text])).toEqual({ result: [text] })
  })

  it('is a deeply frozen copy', () => {
    const value = { list: [{ deep: 1 }] }
    const { result } = resultOf(value) as { result: { list: { deep: number }[] } }
    value.list.push({ deep: 2 })
    expect(result).toEqual({ list: [{ deep: 1 }] })
    expect([result, result.list, result.list[0]].every(Object.isFrozen)).toBe(true)
    expect(() => result.list.push({ deep: 3 })).toThrow(TypeError)
  })
})

describe('frozen', () => {
  it('returns the deeply frozen value of a JSON text', () => {
    expect(frozen('null')).toBeNull()
    expect(frozen('"text"')).toBe('text')
    const value = frozen('{"a": [1, {"b": null}]}') as { a: [number, object] }
    expect(value).toEqual({ a: [1, { b: null }] })
    expect([value, value.a, value.a[1]].every(Object.isFrozen)).toBe(true)
  })

  it('is not affected by changes of Object.prototype', () => {
    const value = frozen('{"__proto__": {"admin": true}}') as object
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype)
    expect('admin' in value).toBe(false)
    expect(Object.keys(value)).toEqual(['__proto__'])
  })
})
