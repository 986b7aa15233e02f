import { getEventListeners } from 'node:events'
import { describe, expect, it } from 'vitest'
import { Deadlines } from '../../src/waiting/deadlines.js'
import { Signals } from '../../src/waiting/signals.js'
import { Waits } from '../../src/waiting/waits.js'
import { ManualClock, microtasks } from '../support/manual-clock.js'

/** Not called here: no signal of these tests throws. */
const unexpected = (error: unknown): void => {
  throw error
}

function setup() {
  const clock = new ManualClock()
  const ports = { deadlines: new Deadlines(clock), signals: new Signals(unexpected) }
  const waits = new Waits(ports)
  const ended: string[] = []
  const add = (name: string, limits: { signal?: AbortSignal; timeoutMs?: number } = {}): void => {
    const { signal, timeoutMs = Number.POSITIVE_INFINITY } = limits
    waits
      .add({ signal, timeoutMs }, () => new Error('late'))
      .then(
        () => ended.push(name),
        (error: unknown) => ended.push(`${name}: ${error}`)
      )
  }
  const left = () => ({
    deadlines: ports.deadlines.size,
    timers: clock.timers('alive'),
    signals: ports.signals.size
  })
  return { clock, waits, ended, add, left }
}

const NOTHING = { deadlines: 0, timers: 0, signals: 0 }

describe('Waits', () => {
  it('resolve nothing if nothing waits', () => {
    const { waits } = setup()
    expect(waits.take()).toEqual([])
    waits.release(waits.take())
  })

  it('resolve the taken waits in order, and leave nothing of them', async () => {
    const { waits, ended, add, left } = setup()
    const { signal } = new AbortController()
    add('a', { timeoutMs: 50, signal })
    add('b')
    add('c', { timeoutMs: 10, signal })
    expect(left()).toEqual({ deadlines: 2, timers: 1, signals: 1 })
    const taken = waits.take()
    expect(left()).toEqual(NOTHING)
    expect(getEventListeners(signal, 'abort')).toEqual([])
    add('later')
    await microtasks()
    expect(ended, 'taken, not released').toEqual([])
    waits.release(taken)
    await microtasks()
    expect(ended).toEqual(['a', 'b', 'c'])
    expect(waits.take(), 'only who came later').toHaveLength(1)
    expect(waits.take()).toEqual([])
  })

  it('D7 end one at its limit or by its signal, and no other', async () => {
    const { clock, ended, add, left, waits } = setup()
    const controller = new AbortController()
    add('limited', { timeoutMs: 50 })
    add('aborted', { signal: controller.signal, timeoutMs: 500 })
    add('stays')
    await clock.advance(50)
    expect(ended).toEqual(['limited: Error: late'])
    controller.abort('enough')
    await microtasks()
    expect(ended).toEqual(['limited: Error: late', 'aborted: enough'])
    expect(left()).toEqual(NOTHING)
    waits.release(waits.take())
    await clock.advance(1_000)
    expect(ended).toEqual(['limited: Error: late', 'aborted: enough', 'stays'])
  })

  it('end a taken wait only by the release', async () => {
    const { clock, ended, add, waits } = setup()
    const controller = new AbortController()
    add('taken', { timeoutMs: 50, signal: controller.signal })
    const taken = waits.take()
    controller.abort()
    await clock.advance(100)
    expect(ended).toEqual([])
    waits.release(taken)
    await microtasks()
    expect(ended).toEqual(['taken'])
  })

  it('reject a wait whose signal has aborted', async () => {
    const { ended, add, left, waits } = setup()
    add('late', { signal: AbortSignal.abort('over'), timeoutMs: 50 })
    await microtasks()
    expect(ended).toEqual(['late: over'])
    expect(left()).toEqual(NOTHING)
    expect(waits.take()).toEqual([])
  })

  it('end all waits that share a signal by one abort', async () => {
    const { ended, add, left } = setup()
    const controller = new AbortController()
    for (let n = 0; n < 3; n++) add(String(n), { signal: controller.signal, timeoutMs: 10 + n })
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(1)
    controller.abort('x')
    await microtasks()
    expect(ended).toEqual(['0: x', '1: x', '2: x'])
    expect(left()).toEqual(NOTHING)
  })
})
