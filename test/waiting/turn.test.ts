import { describe, expect, it } from 'vitest'
import { Turn } from '../../src/waiting/turn.js'
import { ManualClock } from '../support/manual-clock.js'

/** Counts its readings. */
class CountingClock extends ManualClock {
  reads = 0

  override now(): number {
    this.reads++
    return super.now()
  }
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1)

function setup(from?: number) {
  const clock = new CountingClock(from)
  let ends = 0
  const turn = new Turn(clock, () => ends++)
  clock.reads = 0
  return { clock, turn, ends: () => ends }
}

describe('Turn', () => {
  it('reads the clock once for all stamps of a turn, and again in the next', async () => {
    const { clock, turn, ends } = setup(1_000.25)
    clock.block(7.5)
    expect([turn.now, turn.stamp]).toEqual([7.5, 7])
    clock.block(100)
    expect([turn.now, turn.stamp, clock.reads], 'as old as the turn').toEqual([7.5, 7, 1])
    expect(turn.fresh(), 'read now').toBe(107.5)
    expect(ends()).toBe(0)
    await clock.turn()
    expect(ends()).toBe(1)
    expect(turn.now).toBe(107.5)
    await clock.turn()
    expect(ends()).toBe(2)
  })

  it('does not begin by itself, and ends once however often it is read', async () => {
    const { clock, turn, ends } = setup()
    await clock.turn()
    expect(ends()).toBe(0)
    turn.begin()
    turn.begin()
    turn.isOver()
    expect(turn.now).toBe(0)
    await clock.turn()
    expect(ends()).toBe(1)
  })

  it('can begin the next turn at the end of the last', async () => {
    const clock = new ManualClock()
    const times: number[] = []
    const turn: Turn = new Turn(clock, () => {
      clock.block(1)
      if (times.length < 3) times.push(turn.now)
    })
    turn.begin()
    await clock.turn()
    expect(times).toEqual([1, 2, 3])
  })

  it('reads the clock at each of the first sixteen steps of a turn, then at every sixteenth', async () => {
    const { clock, turn } = setup()
    const readsOf = (steps: number): number[] => {
      clock.reads = 0
      return Array.from({ length: steps }, () => {
        expect(turn.isOver()).toBe(false)
        return clock.reads
      })
    }
    const firstTurn = [...upTo(16), ...Array(15).fill(16), 17, ...Array(15).fill(17), 18]
    turn.begin()
    expect(readsOf(48)).toEqual(firstTurn)
    await clock.turn()
    expect(readsOf(17), 'the first step of a turn begins it').toEqual(upTo(17))
  })

  it('reads the clock at each of the sixteen steps that follow a slow one', () => {
    const { clock, turn } = setup()
    for (let step = 0; step < 32; step++) turn.isOver()
    clock.block(0.0625)
    for (let step = 0; turn.now === 0; step++, turn.isOver()) expect(step, 'notices it after sixteen').toBeLessThan(16)
    clock.reads = 0
    for (let step = 0; step < 16; step++) turn.isOver()
    expect(clock.reads).toBe(16)
    for (let step = 0; step < 16; step++) turn.isOver()
    expect(clock.reads).toBe(17)
  })

  it('reads the clock for the next that needs the time, once it has expired', () => {
    const { clock, turn } = setup()
    for (const read of [() => turn.now, () => turn.stamp, () => turn.step(), () => turn.isOver()]) {
      turn.begin()
      turn.expire()
      clock.reads = 0
      clock.block(5)
      read()
      read()
      expect(turn.now).toBe(turn.fresh())
    }
  })

  it('counts steps from the last reading, whoever asked for it', () => {
    const { clock, turn } = setup()
    for (let step = 0; step < 17; step++) turn.isOver()
    for (let round = 0; round < 3; round++) {
      for (let step = 0; step < 10; step++) turn.step()
      turn.refresh()
    }
    clock.reads = 0
    for (let step = 0; step < 15; step++) turn.isOver()
    expect(clock.reads).toBe(0)
  })

  it('reads the clock after each slow step', () => {
    const { clock, turn } = setup()
    turn.begin()
    clock.reads = 0
    const over: boolean[] = []
    for (let step = 0; step < 12; step++) {
      over.push(turn.isOver())
      clock.block(1)
    }
    expect(over.indexOf(true), 'its slice is used up after ten milliseconds').toBe(10)
    expect(over.slice(10)).toEqual([true, true])
  })

  it('is over after the first step that takes longer than the slice', () => {
    const { clock, turn } = setup()
    expect(turn.isOver()).toBe(false)
    clock.block(20)
    expect(turn.isOver()).toBe(true)
  })

  it('is over after its slice of slow steps, also when each of them reads the clock at its end', () => {
    const { clock, turn } = setup()
    let steps = 0
    for (; !turn.isOver(); steps++) {
      clock.block(5)
      turn.refresh()
      expect(turn.now).toBe(5 * (steps + 1))
    }
    expect(steps).toBe(2)
  })

  it('is over after about ten milliseconds of quick steps too, and not in the next turn', async () => {
    const { clock, turn } = setup()
    let steps = 0
    for (; !turn.isOver(); steps++) clock.block(0.01)
    expect(turn.fresh()).toBeGreaterThanOrEqual(10)
    expect(turn.fresh()).toBeLessThan(10.5)
    expect(steps).toBeGreaterThan(900)
    await clock.turn()
    expect(turn.isOver()).toBe(false)
  })

  it('stamps the end of a step with its time, also for a slow step after many quick ones', () => {
    const { clock, turn } = setup()
    for (let step = 0; step < 5; step++) {
      clock.block(0.125)
      turn.isOver()
    }
    clock.block(200)
    turn.refresh()
    expect([turn.now, turn.stamp]).toEqual([200.625, 200])
  })

  it('begins also by a first reading', async () => {
    const { clock, turn, ends } = setup()
    clock.block(4)
    turn.refresh()
    expect(turn.now).toBe(4)
    await clock.turn()
    expect(ends()).toBe(1)
  })
})
