import { describe, expect, it } from 'vitest'
import { RateMeter } from '../../src/dashboard/rates.js'

const totalsOf = (settled: number, refused = 0) => ({
  ...{ submitted: settled + refused, accepted: settled, started: settled, retried: 0, snoozed: 0 },
  ...{ succeeded: settled, failed: 0, canceled: 0, refused }
})

/** Reads at the end of each of these seconds, at a constant rate. */
const measured = (perSecond: number, seconds: readonly number[], lateMs = 0): RateMeter => {
  const meter = new RateMeter(500, totalsOf(0))
  for (const second of seconds) {
    const ms = second * 1_000 + lateMs
    meter.read(500 + ms, totalsOf(Math.floor((perSecond * ms) / 1_000)))
  }
  return meter
}

const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1)

describe('the rates of the dashboard', () => {
  it('are unknown until a whole second is measured, and then those of that second', () => {
    const meter = measured(8, [])
    expect(meter.rates()).toMatchObject({ mean: null, overSeconds: 0 })
    expect(meter.rates().settled).toEqual(new Array(60).fill(null))
    meter.read(1_500, totalsOf(8))
    expect(meter.rates()).toMatchObject({ mean: { settled: 8, succeeded: 8, refused: 0 }, overSeconds: 1 })
    expect(meter.rates().settled).toEqual([...new Array(59).fill(null), 8])
  })

  it.each([1, 2, 3, 10, 59, 60, 61, 1_000])('at a constant eight a second are eight after %i seconds', (count) => {
    const { mean, overSeconds, settled } = measured(8, upTo(count)).rates()
    expect(mean).toMatchObject({ settled: 8 })
    expect(overSeconds).toBe(Math.min(count, 10))
    expect(settled).toEqual([
      ...new Array(60 - Math.min(count, 60)).fill(null),
      ...new Array(Math.min(count, 60)).fill(8)
    ])
  })

  it('are those of the first of two readings of a second', () => {
    const meter = measured(8, [1])
    meter.read(1_900, totalsOf(100))
    expect(meter.rates()).toMatchObject({ mean: { settled: 8 }, overSeconds: 1 })
  })

  it('stay right when the timer is late: they are over the time that has passed', () => {
    expect(measured(1_000, upTo(20), 130).rates().mean).toMatchObject({ settled: 1_000 })
  })

  it('have no value for seconds that nobody measured, and a mean that covers them', () => {
    const { mean, settled } = measured(8, [1, 2, 3, 7, 8]).rates()
    expect(settled.slice(-9)).toEqual([null, 8, 8, 8, null, null, null, null, 8])
    expect(mean).toMatchObject({ settled: 8 })
  })

  it('forget everything after a long interruption, but not the totals', () => {
    const meter = measured(8, [...upTo(30), 500])
    expect(meter.rates()).toMatchObject({ mean: null, overSeconds: 0, settled: new Array(60).fill(null) })
    meter.read(501_500, totalsOf(4_008))
    expect(meter.rates()).toMatchObject({ mean: { settled: 8 }, overSeconds: 1 })
  })

  it('cover the last ten seconds and no more', () => {
    const meter = new RateMeter(0, totalsOf(0))
    for (let second = 1; second <= 40; second++) meter.read(second * 1_000, totalsOf(second <= 30 ? second * 5 : 150))
    expect(meter.rates().mean).toMatchObject({ settled: 0 })
    expect(meter.rates().settled.filter((value) => value === 5)).toHaveLength(30)
  })

  it('are due at the ends of seconds, whenever the last reading was', () => {
    const meter = new RateMeter(250, totalsOf(0))
    expect(meter.dueIn(250)).toBe(1_000)
    meter.read(1_380, totalsOf(0))
    expect(meter.dueIn(1_380)).toBe(870)
    meter.read(2_249.6, totalsOf(0)) // a timer that fires a little early
    expect(meter.dueIn(2_249.6)).toBeCloseTo(1_000.4)
    expect(meter.dueIn(9_000)).toBe(0)
  })

  it('count what was refused in the last ten seconds up to now, between two readings too', () => {
    const meter = new RateMeter(0, totalsOf(0))
    expect(meter.refusedLately(totalsOf(0, 3))).toBe(3)
    for (let second = 1; second <= 9; second++) meter.read(second * 1_000, totalsOf(0, 3))
    expect(meter.refusedLately(totalsOf(0, 4))).toBe(4)
    for (let second = 10; second <= 12; second++) meter.read(second * 1_000, totalsOf(0, 4))
    expect(meter.refusedLately(totalsOf(0, 4))).toBe(1)
  })
})
