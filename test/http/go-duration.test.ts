import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseGoDuration } from '../../examples/demo/go-duration.js'

describe('a Go duration', () => {
  it.each([
    ['60s', 60_000],
    ['1h2m3.5s', 3_723_500],
    ['300ms', 300],
    ['0', 0],
    ['-0', 0],
    ['+0', 0],
    ['-0s', 0],
    ['0h0m0s', 0],
    ['+5s', 5_000],
    ['.5s', 500],
    ['1.s', 1_000],
    ['1.5h', 5_400_000],
    ['1us', 0.001],
    ['1µs', 0.001],
    ['1μs', 0.001],
    ['1ns', 0.000_001],
    ['1.005s', 1_005],
    ['1m1m', 120_000],
    ['1s1h', 3_601_000],
    ['2147483647ms', 2_147_483_647],
    [`${'0'.repeat(62)}1s`, 1_000]
  ])('%s is %d ms', (text, ms) => {
    expect(parseGoDuration(text)).toBe(ms)
  })

  it.each([
    ...[
      '',
      '60',
      '1d',
      '1 s',
      ' 1s',
      '1s ',
      '-5s',
      '-1ns',
      '--1s',
      '+-1s',
      '1e3s',
      '0x1s',
      's',
      '.s',
      '.',
      '1.2.3s',
      '1,5s'
    ],
    ...[
      '1S',
      '1M',
      '1hour',
      '1h2',
      '٣s',
      '1_000ms',
      'Infinitys',
      'NaNs',
      '+',
      '-',
      '00',
      '1msx',
      '2147483648ms',
      '1000000h'
    ],
    `${'0'.repeat(63)}1s`
  ])('%j is none, or out of bounds', (text) => {
    expect(parseGoDuration(text)).toBeUndefined()
  })

  it('is never negative, never beyond the timers, never NaN', () => {
    const signs = fc.constantFrom(...'0123456789.+-hmsunµμ ed')
    fc.assert(
      fc.property(fc.string({ unit: signs, maxLength: 70 }), (text) => {
        const ms = parseGoDuration(text)
        if (ms === undefined) return true
        return Object.is(ms, Math.abs(ms)) && ms < 2 ** 31
      }),
      { numRuns: 5_000 }
    )
  })

  it('reads back what it was written from', () => {
    const part = fc.nat({ max: 59 })
    fc.assert(
      fc.property(part, part, part, fc.nat({ max: 999 }), (hours, minutes, seconds, ms) => {
        const text = `${hours}h${minutes}m${seconds}.${String(ms).padStart(3, '0')}s`
        return parseGoDuration(text) === ((hours * 60 + minutes) * 60 + seconds) * 1_000 + ms
      })
    )
  })
})
