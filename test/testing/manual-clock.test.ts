import { WorkerPool } from 'coatcheck'
import { manualClock } from 'coatcheck/testing'
import { describe, expect, it, vi } from 'vitest'
import { thrown, untilAborted } from '../support/pools.js'

describe('the manual clock', () => {
  it('begins where the test says', () => {
    const clock = manualClock({ now: 5, date: 1_000, random: () => 0.25 })
    expect([clock.now(), clock.date(), clock.random()]).toEqual([5, 1_000, 0.25])
    expect(clock.randomBytes(3)).toHaveLength(3)
    expect(clock.randomBytes(16)).not.toEqual(clock.randomBytes(16))
  })

  it('moves the time of a pool and of its records', async () => {
    const clock = manualClock({ date: Date.UTC(2026, 0, 1) })
    const pool = new WorkerPool({ concurrency: 1, queueCapacity: 1, taskTimeoutMs: 60_000, clock }).start()
    const task = pool.queueTask(untilAborted)
    const result = task.result().catch((error: unknown) => error)
    await clock.advance(59_999)
    expect(task.state).toBe('running')
    await clock.advance(1)
    expect(task.record()).toMatchObject({ state: 'failed', settledAt: '2026-01-01T00:01:00.000Z' })
    expect(await result).toMatchObject({ code: 'ERR_TASK_TIMEOUT' })
    await pool.stop({ graceMs: 0 })
    expect(clock.timers()).toBe(0)
  })

  it('fires each timer at its time, and settles what it causes before the next', async () => {
    const clock = manualClock({ now: 0 })
    const seen: string[] = []
    const late = clock.timer(() => seen.push(`late ${clock.now()}`))
    const early = clock.timer(() => {
      seen.push(`early ${clock.now()}`)
      void Promise.resolve().then(() => seen.push('promise'))
      late.set(5)
    })
    late.set(12)
    early.set(10)
    await clock.advance(20)
    expect(seen).toEqual(['early 10', 'promise', 'late 15'])
    expect(clock.now()).toBe(20)
  })

  it('fires timers in the order of their creation when they are due together, and none that was cleared', () => {
    const clock = manualClock()
    const seen: number[] = []
    const timers = [1, 2, 3].map((each) => clock.timer(() => seen.push(each)))
    for (const timer of [...timers].reverse()) timer.set(10)
    timers[1]?.clear()
    timers[2]?.keepAlive(false)
    expect([clock.timers(), clock.timers('alive')]).toEqual([2, 1])
    clock.tick(10)
    expect(seen).toEqual([1, 3])
  })

  it('turns the event loop until nothing is left that waits for a turn', async () => {
    const clock = manualClock()
    let turns = 0
    const again = (): void => {
      turns += 1
      if (turns < 3) clock.yield(again)
    }
    clock.yield(again)
    await clock.settle()
    expect(turns).toBe(3)
  })

  it('shows a blocked event loop and a wall clock that was stepped', async () => {
    const clock = manualClock({ now: 0, date: 10_000 })
    let fired = false
    clock
      .timer(() => {
        fired = true
      })
      .set(10)
    clock.block(50)
    clock.stepWall(-1_000)
    expect([clock.now(), clock.date(), fired]).toEqual([50, 9_050, false])
    await clock.advance(0)
    expect(fired).toBe(true)
  })

  it.each([-1, Number.NaN, Number.POSITIVE_INFINITY])('does not advance by %d', async (ms) => {
    const clock = manualClock()
    await expect(clock.advance(ms)).rejects.toBeInstanceOf(RangeError)
    expect(thrown(() => clock.tick(ms))).toBeInstanceOf(RangeError)
  })

  it('settles under fake timers as well', async () => {
    vi.useFakeTimers()
    try {
      const clock = manualClock()
      let fired = false
      clock
        .timer(() => {
          fired = true
        })
        .set(10)
      await clock.advance(10)
      expect(fired).toBe(true)
    } finally {
      vi.useRealTimers()
    }
  })
})
