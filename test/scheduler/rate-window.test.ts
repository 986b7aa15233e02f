import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { RateWindow } from '../../src/scheduler/rate-window.js'

/** A start whose function is called at once. */
const start = (rate: RateWindow, now: number): void => {
  rate.take()
  rate.called(now)
}

describe('RateWindow', () => {
  it('says when so many more can have started', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 4 }),
        fc.array(fc.nat(30), { maxLength: 20 }),
        fc.integer({ min: 1, max: 20 }),
        (starts, gaps, wanted) => {
          const window = new RateWindow(starts, 100)
          let now = 0
          for (const gap of gaps) {
            now += gap
            if (!window.allows(now)) continue
            window.take()
            window.called(now)
          }
          const expected = window.opensAfter(wanted, now)
          let at = now
          for (let n = 0; n < wanted; n++) {
            while (!window.allows(at)) at++
            window.take()
            window.called(at)
          }
          expect(expected).toBe(at)
        }
      )
    )
  })

  it('opens, once its rate is lowered, when enough of the starts in the window have left it', () => {
    const rate = new RateWindow(4, 100)
    for (const now of [0, 10, 20, 30]) start(rate, now)
    rate.resize(2, 100)
    expect([rate.allows(40), rate.opensAt()]).toEqual([false, 120])
    expect([rate.allows(119), rate.allows(120)]).toEqual([false, true])
  })

  it('allows the given number of starts, then none until the oldest has left the window', () => {
    const rate = new RateWindow(2, 100)
    expect(rate.allows(0)).toBe(true)
    start(rate, 0)
    expect(rate.allows(30)).toBe(true)
    start(rate, 30)
    expect(rate.allows(30)).toBe(false)
    expect(rate.opensAt()).toBe(100)
    expect(rate.allows(99)).toBe(false)
    expect(rate.allows(100)).toBe(true)
    start(rate, 100)
    expect(rate.allows(100)).toBe(false)
    expect(rate.opensAt()).toBe(130)
  })

  it('counts a start that was not called yet in every window', () => {
    const rate = new RateWindow(1, 100)
    rate.take()
    expect(rate.allows(1_000_000)).toBe(false)
    expect(rate.opensAt(), 'nobody knows yet').toBe(Number.POSITIVE_INFINITY)
    rate.called(1_000_000)
    expect(rate.allows(1_000_099)).toBe(false)
    expect(rate.opensAt()).toBe(1_000_100)
  })

  it('takes back a start that will not be called', () => {
    const rate = new RateWindow(1, 100)
    rate.take()
    rate.giveBack()
    expect(rate.allows(0)).toBe(true)
    expect(rate.opensAt()).toBe(Number.POSITIVE_INFINITY)
  })

  it('opens exactly at the time of opensAt, to the last bit of the clock', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 1e7, noNaN: true }),
        fc.double({ min: 1e-3, max: 1e7, noNaN: true }),
        (time, intervalMs) => {
          const rate = new RateWindow(1, intervalMs)
          start(rate, time)
          expect(rate.allows(rate.opensAt())).toBe(true)
        }
      )
    )
  })

  it('never exceeds the starts in any window of its length, and wastes none', () => {
    const step = fc.record({
      passMs: fc.nat(40),
      what: fc.constantFrom('take', 'take', 'take', 'call', 'call', 'giveBack')
    })
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 100 }),
        fc.array(step, { size: 'max', maxLength: 300 }),
        (starts, intervalMs, steps) => {
          const rate = new RateWindow(starts, intervalMs)
          const calls: number[] = []
          let taken = 0
          let now = 0
          for (const { passMs, what } of steps) {
            now += passMs
            const inWindow = calls.filter((time) => time > now - intervalMs).length
            expect(rate.allows(now)).toBe(inWindow + taken < starts)
            if (what === 'take' && rate.allows(now)) {
              rate.take()
              taken++
            } else if (what === 'call' && taken > 0) {
              rate.called(now)
              taken--
              calls.push(now)
            } else if (what === 'giveBack' && taken > 0) {
              rate.giveBack()
              taken--
            }
          }
          for (const [index, time] of calls.entries()) {
            const later = calls[index + starts]
            if (later !== undefined) expect(later - time).toBeGreaterThanOrEqual(intervalMs)
          }
        }
      )
    )
  })
})
