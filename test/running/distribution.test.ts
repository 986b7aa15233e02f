import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Distribution } from '../../src/running/distribution.js'

/** The smallest value that the given part of all values does not exceed. */
function exact(values: readonly number[], part: number): number {
  return [...values].sort((a, b) => a - b)[Math.ceil(part * values.length) - 1] as number
}

function statsOf(values: readonly number[]) {
  const distribution = new Distribution()
  for (const value of values) distribution.record(value, 0)
  return distribution.stats(0)
}

/** Within 6 % of the exact value, or within the unit of a hundredth of a millisecond. */
function expectClose(actual: number, truth: number, what: string): void {
  expect(Math.abs(actual - truth), `${what}: ${actual} for ${truth}`).toBeLessThanOrEqual(Math.max(truth * 0.06, 0.01))
}

function expectPrecise(values: readonly number[]): void {
  const stats = statsOf(values)
  for (const [name, part] of [
    ['p50', 0.5],
    ['p95', 0.95],
    ['p99', 0.99]
  ] as const)
    expectClose(stats[name], exact(values, part), name)
  expect(stats.max).toBe(Math.max(...values))
  expect(stats.mean).toBeCloseTo(values.reduce((sum, value) => sum + value, 0) / values.length, 6)
  expect(stats.p50 <= stats.p95 && stats.p95 <= stats.p99 && stats.p99 <= stats.max).toBe(true)
}

describe('Distribution', () => {
  it('is 0 without data', () => {
    const { buckets, ...stats } = new Distribution().stats(0)
    expect(stats).toEqual({ mean: 0, p50: 0, p95: 0, p99: 0, max: 0, count: 0, sum: 0 })
    expect(buckets.map(({ count }) => count)).toEqual(buckets.map(() => 0))
  })

  it('moves its percentiles with the last minute or two, and keeps mean, maximum, count and sum', () => {
    const distribution = new Distribution()
    for (let n = 0; n < 10_000; n++) distribution.record(0.1, n)
    for (let n = 0; n < 400; n++) distribution.record(500, 70_000 + n)
    expect(distribution.stats(71_000).p95, 'the quick ones are still in the window').toBeLessThan(1)
    for (let n = 0; n < 400; n++) distribution.record(500, 140_000 + n)
    const { p50, p95, max, count, sum } = distribution.stats(141_000)
    expectClose(p50, 500, 'p50')
    expectClose(p95, 500, 'p95')
    expect({ max, count }).toEqual({ max: 500, count: 10_800 })
    expect(sum).toBeCloseTo(401_000, 3)
  })

  it('has percentiles of 0 when nothing was recorded for two minutes, and new ones from the next value on', () => {
    const distribution = new Distribution()
    distribution.record(50, 1_000)
    expectClose(distribution.stats(119_999).p95, 50, 'p95')
    expect(distribution.stats(240_000)).toMatchObject({ p50: 0, p95: 0, p99: 0, max: 50, mean: 50, count: 1 })
    distribution.record(7, 10_000_000)
    expectClose(distribution.stats(10_000_001).p50, 7, 'p50')
  })

  it('counts in cumulative buckets since the start', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 1e8, noNaN: true }), { size: 'max', maxLength: 200 }), (values) => {
        const distribution = new Distribution()
        for (const [n, ms] of values.entries()) distribution.record(ms, n * 1_000)
        const { buckets, count } = distribution.stats(1e6)
        expect(count).toBe(values.length)
        expect(buckets[0]?.leMs).toBeCloseTo(1.28, 9)
        for (const { leMs, count: below } of buckets)
          expect(below).toBe(values.filter((ms) => ms / 0.01 < leMs / 0.01).length)
      })
    )
  })

  it('returns plain data, a copy each time', () => {
    const distribution = new Distribution()
    distribution.record(5, 0)
    const before = distribution.stats(0)
    distribution.record(50, 0)
    expect(before).toMatchObject({ mean: 5, p50: 5, p95: 5, p99: 5, max: 5 })
    expect(distribution.stats(0).max).toBe(50)
  })

  it('is exact if all values are equal', () => {
    for (const ms of [0, 0.01, 0.07, 0.15, 1, 17, 60_000, 86_400_000]) {
      expect(statsOf(Array.from({ length: 99 }, () => ms)).max).toBe(ms)
      expectPrecise(Array.from({ length: 99 }, () => ms))
    }
  })

  it('is within 6 % of the exact percentiles of any data', () => {
    const ms = fc.oneof(
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.double({ min: 0, max: 10_000, noNaN: true }),
      fc.double({ min: 0, max: 1e9, noNaN: true }),
      fc.integer({ min: 0, max: 1_000_000 })
    )
    fc.assert(
      fc.property(fc.array(ms, { minLength: 1, maxLength: 300, size: 'max' }), (values) => expectPrecise(values)),
      { numRuns: 100 }
    )
  })

  it('is within 6 % at every size from a hundredth of a millisecond to a hundred years', () => {
    for (let ms = 0.01; ms < 3.2e12; ms *= 1.013) {
      const stats = statsOf([ms, ms, ms * 10]) // the median is below the maximum, so the maximum does not clamp it
      expectClose(stats.p50, ms, 'p50')
    }
  })

  it('is continuous where the unit becomes coarser, after about six hours', () => {
    const edge = 2 ** 31 * 0.01
    for (const ms of [edge * 0.999, edge - 0.01, edge, edge + 0.01, edge * 1.001]) expectPrecise([ms, ms, ms * 2])
  })

  it('accepts durations of zero, and of the smallest and the largest size', () => {
    expect(statsOf([0, 0, 0])).toMatchObject({ mean: 0, p50: 0, p95: 0, p99: 0, max: 0 })
    expect(statsOf([Number.MIN_VALUE]).p99).toBe(0)
    const endless = statsOf([1, 1, 1, Number.MAX_VALUE])
    expectClose(endless.p50, 1, 'p50')
    expect(endless.max).toBe(Number.MAX_VALUE)
    expect(endless.p99).toBeGreaterThan(1e13)
  })

  it('counts a million values correctly', () => {
    const distribution = new Distribution()
    for (let n = 0; n < 1_000_000; n++) distribution.record(n % 1_000, n % 100)
    const { mean, p50, p95, p99, max } = distribution.stats(0)
    expect([mean, max]).toEqual([499.5, 999])
    expectClose(p50, 499, 'p50')
    expectClose(p95, 949, 'p95')
    expectClose(p99, 989, 'p99')
  })
})
