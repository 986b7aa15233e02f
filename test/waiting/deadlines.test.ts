import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Timer } from '../../src/ports/clock.js'
import { Deadline, Deadlines } from '../../src/waiting/deadlines.js'
import { ManualClock } from '../support/manual-clock.js'

const MAX_DELAY_MS = 2 ** 31 - 1

/** Limits timers to 2^31 − 1 ms, like the platform, and counts their calls. */
class PlatformClock extends ManualClock {
  made = 0
  settings: number[] = []

  override timer(fire: () => void): Timer {
    this.made++
    const timer = super.timer(fire)
    return {
      ...timer,
      set: (delayMs) => {
        this.settings.push(delayMs)
        timer.set(Math.min(delayMs, MAX_DELAY_MS))
      }
    }
  }
}

function setup() {
  const clock = new PlatformClock()
  const deadlines = new Deadlines(clock)
  const fired: string[] = []
  const begin = clock.now()
  const make = (name: string): Deadline => new Deadline(() => fired.push(`${name}@${clock.now() - begin}`))
  return { clock, deadlines, fired, make }
}

describe('Deadlines', () => {
  it('fire in the order of their time, and in the order of setting at the same time', async () => {
    const { clock, deadlines, fired, make } = setup()
    for (const [name, ms] of [
      ['d', 30],
      ['a', 10],
      ['e', 30],
      ['b', 20],
      ['c', 20],
      ['now', 0]
    ] as const)
      deadlines.set(make(name), ms, true)
    expect(deadlines.size).toBe(6)
    expect(fired, 'nothing fires while it is set').toEqual([])
    await clock.advance(100)
    expect(fired).toEqual(['now@0', 'a@10', 'b@20', 'c@20', 'd@30', 'e@30'])
    expect(deadlines.size).toBe(0)
  })

  it('are cleared from any position, also twice and before they were set', async () => {
    const { clock, deadlines, fired, make } = setup()
    const all = ['a', 'b', 'c', 'd'].map(make)
    const never = make('never')
    deadlines.clear(never)
    for (const [index, deadline] of all.entries()) deadlines.set(deadline, 10 * (index + 1), true)
    deadlines.clear(all[1] as Deadline)
    deadlines.clear(all[1] as Deadline)
    deadlines.clear(all[0] as Deadline)
    expect(all.map(({ isSet }) => isSet)).toEqual([false, false, true, true])
    await clock.advance(100)
    expect(fired).toEqual(['c@30', 'd@40'])
  })

  it('are moved by setting them again, and only cleared by Infinity', async () => {
    const { clock, deadlines, fired, make } = setup()
    const [later, sooner, gone] = [make('later'), make('sooner'), make('gone')] as const
    deadlines.set(later, 10, true)
    deadlines.set(sooner, 50, true)
    deadlines.set(gone, 10, true)
    deadlines.set(later, 60, true)
    deadlines.set(sooner, 5, true)
    deadlines.set(gone, Number.POSITIVE_INFINITY, true)
    expect([deadlines.size, gone.isSet]).toEqual([2, false])
    await clock.advance(100)
    expect(fired).toEqual(['sooner@5', 'later@60'])
  })

  it('are set by a time of the clock as well', async () => {
    const { clock, deadlines, fired, make } = setup()
    deadlines.setAt(make('at'), clock.now() + 7.25, true)
    await clock.advance(7)
    expect(fired).toEqual([])
    await clock.advance(0.25)
    expect(fired).toEqual(['at@7.25'])
  })

  it('support delays beyond 2^31 milliseconds, the limit of platform timers, without firing early', async () => {
    const { clock, deadlines, fired, make } = setup()
    const ms = 3 * MAX_DELAY_MS + 5
    deadlines.set(make('far'), ms, true)
    await clock.advance(ms - 1)
    expect(fired).toEqual([])
    expect(clock.timers()).toBe(1)
    await clock.advance(1)
    expect(fired).toEqual([`far@${ms}`])
  })

  it('never fire early when the timer does', async () => {
    const early = new ManualClock()
    const timer = early.timer.bind(early)
    early.timer = (fire) => {
      const made = timer(fire)
      return { ...made, set: (delayMs) => made.set(Math.max(delayMs - 0.75, delayMs / 2)) }
    }
    const deadlines = new Deadlines(early)
    const begin = early.now()
    const times: number[] = []
    deadlines.set(new Deadline(() => times.push(early.now() - begin)), 10, true)
    await early.advance(9.999)
    expect(times).toEqual([])
    await early.advance(0.001)
    expect(times).toEqual([10])
  })

  it('C21 fire late, never not, when the loop was blocked', async () => {
    const { clock, deadlines, fired, make } = setup()
    deadlines.set(make('a'), 10, true)
    deadlines.set(make('b'), 20, true)
    clock.block(5_000)
    await clock.advance(0)
    expect(fired).toEqual(['a@5000', 'b@5000'])
  })

  it('use one timer for all, and set it only for one that is sooner than all others', async () => {
    const { clock, deadlines, make } = setup()
    expect([clock.made, clock.timers()]).toEqual([1, 0])
    for (let n = 0; n < 1_000; n++) deadlines.set(make(String(n)), 100 + n, true)
    expect(clock.settings).toEqual([100])
    const cleared = [make('first'), make('second')]
    for (const deadline of cleared) deadlines.set(deadline, 50, true)
    expect(clock.settings).toEqual([100, 50])
    for (const deadline of cleared) deadlines.clear(deadline)
    expect([clock.made, clock.timers()]).toEqual([1, 1])
    for (const ms of [50, 70]) {
      for (const deadline of cleared) deadlines.set(deadline, ms, true)
      expect(clock.settings, 'it fires by then anyway').toEqual([100, 50])
    }
    await clock.advance(2_000)
    expect([clock.made, clock.timers(), deadlines.size]).toEqual([1, 0, 0])
  })

  it('keep the process alive exactly while a keep-alive deadline is set', async () => {
    const { clock, deadlines, make } = setup()
    const [a, b, idle] = [make('a'), make('b'), make('idle')] as const
    deadlines.set(idle, 10, false)
    expect([clock.timers(), clock.timers('alive')]).toEqual([1, 0])
    deadlines.set(a, 20, true)
    deadlines.set(b, 30, true)
    expect(clock.timers('alive')).toBe(1)
    deadlines.clear(a)
    expect(clock.timers('alive')).toBe(1)
    deadlines.set(b, 40, false)
    expect(clock.timers('alive')).toBe(0)
    deadlines.set(b, 40, true)
    expect(clock.timers('alive')).toBe(1)
    await clock.advance(100)
    deadlines.set(idle, 10, false)
    expect([clock.timers(), clock.timers('alive')], 'I15 the last vital one has fired').toEqual([1, 0])
  })

  it('may set and clear each other while they fire', async () => {
    const { clock, deadlines, fired, make } = setup()
    const victim = make('victim')
    const again = new Deadline(() => {
      fired.push('again')
      if (fired.length < 4) deadlines.set(again, 0, true)
    })
    const killer = new Deadline(() => {
      fired.push('killer')
      deadlines.clear(victim)
      deadlines.set(again, 0, true)
    })
    deadlines.set(killer, 10, true)
    deadlines.set(victim, 10, true)
    await clock.advance(10)
    expect(fired).toEqual(['killer', 'again', 'again', 'again'])
    expect(clock.settings, 'all in one go').toEqual([10])
    expect(clock.timers()).toBe(0)
  })

  it('yield to the event loop when deadlines of the same time take long', async () => {
    const { clock, deadlines } = setup()
    const begin = clock.now()
    let fired = 0
    for (let n = 0; n < 200; n++) {
      deadlines.set(
        new Deadline(() => {
          fired++
          clock.block(1)
        }),
        10,
        true
      )
    }
    const counts: number[] = []
    const { settings } = clock
    while (fired < 200) {
      const before = settings.length
      await clock.advance(counts.length === 0 ? 10 : 0)
      counts.push(settings.length - before)
    }
    expect(clock.now() - begin).toBe(210)
    expect(settings, 'armed once at first, then once for each slice that was left').toEqual([10, 0, 0, 0])
  })

  it('fire all deadlines of the same time in one slice when they are quick', async () => {
    const { clock, deadlines } = setup()
    let fired = 0
    for (let n = 0; n < 1_000; n++) deadlines.set(new Deadline(() => fired++), 10, true)
    await clock.advance(10)
    expect([fired, clock.settings]).toEqual([1_000, [10]])
  })

  it('clear the timer at the end', () => {
    const { clock, deadlines, make } = setup()
    deadlines.set(make('a'), 10, true)
    deadlines.end()
    expect(clock.timers()).toBe(0)
  })

  it('agree with a list that is sorted at each step', async () => {
    const step = fc.record({ which: fc.nat(9), ms: fc.oneof(fc.nat(50), fc.constant(-1)), pass: fc.nat(20) })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { size: 'max', maxLength: 40 }), async (steps) => {
        const clock = new ManualClock(0)
        const deadlines = new Deadlines(clock)
        const fired: string[] = []
        const all = Array.from({ length: 10 }, (_, n) => new Deadline(() => fired.push(`${n}@${clock.now()}`)))
        const model = new Map<number, { at: number; order: number }>()
        const expected: string[] = []
        for (const [order, { which, ms, pass }] of steps.entries()) {
          if (ms < 0) deadlines.clear(all[which] as Deadline)
          else deadlines.set(all[which] as Deadline, ms, true)
          if (ms < 0) model.delete(which)
          else model.set(which, { at: clock.now() + ms, order })
          await clock.advance(pass)
          const due = [...model].filter(([, { at }]) => at <= clock.now())
          due.sort(([, a], [, b]) => a.at - b.at || a.order - b.order)
          for (const [n, { at }] of due) {
            model.delete(n)
            expected.push(`${n}@${at}`)
          }
        }
        expect(fired).toEqual(expected)
        expect(deadlines.size).toBe(model.size)
        expect(clock.timers('alive') === 1 || model.size === 0).toBe(true)
      }),
      { numRuns: 20 }
    )
  })
})
