import { AsyncLocalStorage } from 'node:async_hooks'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { systemClock } from '../../src/ports/system-clock.js'

/** Timers the process lives for. */
const alive = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length

const HOUR = 3_600_000

afterEach(() => vi.restoreAllMocks())

describe('systemClock', () => {
  it('tells monotonic and wall time, chance and bytes', () => {
    const before = systemClock.now()
    expect(systemClock.now()).toBeGreaterThanOrEqual(before)
    expect(Math.abs(systemClock.date() - Date.now())).toBeLessThan(1_000)
    const chances = Array.from({ length: 100 }, () => systemClock.random())
    expect(chances.every((chance) => chance >= 0 && chance < 1)).toBe(true)
    expect(new Set(chances).size).toBeGreaterThan(90)
    expect(systemClock.randomBytes(32)).toBeInstanceOf(Uint8Array)
    expect(systemClock.randomBytes(32)).toHaveLength(32)
    expect([...systemClock.randomBytes(32)]).not.toEqual([...systemClock.randomBytes(32)])
  })

  it('yields until the event loop has had a turn', async () => {
    const order: string[] = []
    await new Promise<void>((resolve) => {
      systemClock.yield(() => {
        order.push('yield')
        resolve()
      })
      process.nextTick(() => order.push('tick'))
      void Promise.resolve().then(() => order.push('microtask'))
    })
    expect(order).toEqual(['tick', 'microtask', 'yield'].sort((a, b) => order.indexOf(a) - order.indexOf(b)))
    expect(order.at(-1)).toBe('yield')
  })

  it('makes timers that are not set', () => {
    const before = alive()
    const timer = systemClock.timer(() => {})
    expect(alive()).toBe(before)
    timer.clear()
    timer.keepAlive(false)
    timer.keepAlive(true)
    expect(alive()).toBe(before)
  })

  it('keeps the process alive for a timer that is set, until it is cleared', () => {
    const before = alive()
    const timer = systemClock.timer(() => {})
    timer.set(HOUR)
    expect(alive()).toBe(before + 1)
    timer.set(2 * HOUR)
    expect(alive(), 'instead of the first setting').toBe(before + 1)
    timer.clear()
    expect(alive()).toBe(before)
  })

  it('lets the process go where it is told so, also for settings to come', () => {
    const before = alive()
    const timer = systemClock.timer(() => {})
    timer.keepAlive(false)
    timer.set(HOUR)
    expect(alive()).toBe(before)
    timer.keepAlive(true)
    timer.keepAlive(true)
    expect(alive()).toBe(before + 1)
    timer.keepAlive(false)
    expect(alive()).toBe(before)
    timer.set(2 * HOUR)
    expect(alive()).toBe(before)
    timer.clear()
    timer.keepAlive(true)
    expect(alive()).toBe(before)
    timer.set(HOUR)
    expect(alive()).toBe(before + 1)
    timer.clear()
    expect(alive()).toBe(before)
  })

  it('cuts a delay to the 2^31 − 1 milliseconds that the platform holds, and rounds up', () => {
    const set = vi.spyOn(globalThis, 'setTimeout')
    const timer = systemClock.timer(() => {})
    for (const delayMs of [2 ** 31, 2 ** 40, 2 ** 53, 2 ** 31 - 1, 1_000.25, 999.0001]) timer.set(delayMs)
    timer.clear()
    const max = 2 ** 31 - 1
    expect(set.mock.calls.map(([, delayMs]) => delayMs)).toEqual([max, max, max, max, 1_001, 1_000])
  })

  it('fires once, and can be set again from there', async () => {
    const before = alive()
    let fired = 0
    await new Promise<void>((resolve) => {
      const timer = systemClock.timer(() => {
        fired++
        if (fired === 2) resolve()
        else timer.set(0)
      })
      timer.set(0)
    })
    expect(fired).toBe(2)
    expect(alive()).toBe(before)
  })

  it('counts right for the process when it is told to let go or hold on after it has fired', async () => {
    const before = alive()
    const timer = await new Promise<ReturnType<typeof systemClock.timer>>((resolve) => {
      const made = systemClock.timer(() => resolve(made))
      made.set(0)
    })
    timer.keepAlive(false)
    timer.keepAlive(true)
    timer.keepAlive(false)
    expect(alive()).toBe(before)
    timer.keepAlive(true)
    timer.set(HOUR)
    expect(alive()).toBe(before + 1)
    timer.clear()
    expect(alive()).toBe(before)
  })

  it('fires once for each setting, and never once it is cleared, whatever the global functions do', () => {
    const settings: (() => void)[] = []
    vi.stubGlobal('setTimeout', (fire: (setting: number) => void, _ms: number, setting: number) => {
      settings.push(() => fire(setting))
      return {}
    })
    try {
      let fired = 0
      const timer = systemClock.timer(() => fired++)
      timer.set(5)
      timer.set(7)
      for (const fire of [...settings, ...settings]) fire()
      expect(fired).toBe(1)
      timer.set(5)
      timer.clear()
      settings.at(-1)?.()
      expect(fired).toBe(1)
    } finally {
      vi.unstubAllGlobals()
    }
  })

  it('fires if it was set before fake timers were installed, and nobody read the time since', async () => {
    vi.resetModules() // the clock of the tests above may still watch for the end of their fake timers, and read the time
    const { systemClock: unused } = await import('../../src/ports/system-clock.js')
    const fired = new Promise<string>((resolve) => unused.timer(() => resolve('fired')).set(1))
    vi.useFakeTimers()
    try {
      expect(await fired).toBe('fired')
    } finally {
      vi.useRealTimers()
    }
  })

  it('fires in no context of whoever happened to set it', async () => {
    const storage = new AsyncLocalStorage<string>()
    const context = await new Promise((resolve) => {
      const timer = systemClock.timer(() => resolve(storage.getStore() ?? 'none'))
      storage.run('a request', () => timer.set(0))
    })
    expect(context).toBe('none')
  })
})
