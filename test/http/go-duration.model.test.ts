import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseGoDuration } from '../../examples/demo/go-duration.js'
import { LONG, textOf } from './support/parsing.js'

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
