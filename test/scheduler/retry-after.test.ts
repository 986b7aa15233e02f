import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { RetryAfter } from '../../src/scheduler/retry-after.js'

const ranFor = (...runs: number[]): RetryAfter => {
  const retryAfter = new RetryAfter()
  for (const ms of runs) retryAfter.observe(ms)
  return retryAfter
}

describe('RetryAfter', () => {
  it('A5 estimates one second without data, however many tasks wait', () => {
    expect(ranFor().estimate(0, 1)).toBe(1_000)
    expect(ranFor().estimate(1_000_000, 1)).toBe(1_000)
  })

  it('A5 estimates one second for tasks that take no time', () => {
    expect(ranFor(0, 0, 0).estimate(1_000, 1)).toBe(1_000)
  })

  it('A5 estimates one minute for tasks of an hour', () => {
    expect(ranFor(3_600_000).estimate(0, 1)).toBe(60_000)
  })

  it('is the average run time, times the waiting tasks plus one, divided by the workers, rounded up', () => {
    expect(ranFor(2_000).estimate(0, 1)).toBe(2_000)
    expect(ranFor(2_000).estimate(4, 1)).toBe(10_000)
    expect(ranFor(2_000).estimate(4, 2)).toBe(5_000)
    expect(ranFor(2_000).estimate(4, 3)).toBe(3_334)
  })

  it('is a moving average in which the newest run time has a weight of a tenth', () => {
    const retryAfter = ranFor(10_000, 20_000)
    expect(retryAfter.estimate(0, 1)).toBe(11_000)
    for (let n = 0; n < 100; n++) retryAfter.observe(2_000)
    expect(retryAfter.estimate(0, 1)).toBeGreaterThanOrEqual(2_000)
    expect(retryAfter.estimate(0, 1)).toBeLessThanOrEqual(2_001)
  })

  it('counts a first run that took no time like any other', () => {
    expect(ranFor(0, 100_000).estimate(0, 1)).toBe(10_000)
  })

  it('A5 is an integer from 1,000 to 60,000 whatever happened', () => {
    const run = fc.oneof(fc.double({ min: 0, max: 1e6, noNaN: true }), fc.constantFrom(0, 5e-324, 1e300))
    fc.assert(
      fc.property(
        fc.array(run, { size: 'max', maxLength: 50 }),
        fc.nat(),
        fc.integer({ min: 1, max: 2 ** 53 - 1 }),
        (runs, held, concurrency) => {
          const ms = ranFor(...runs).estimate(held, concurrency)
          expect(Number.isInteger(ms) && ms >= 1_000 && ms <= 60_000).toBe(true)
        }
      )
    )
  })
})
