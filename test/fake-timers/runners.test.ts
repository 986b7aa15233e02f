/** Everything that waits follows the fake timers of test runners, whatever they fake. */
import { mock } from 'node:test'
import sinon, { type Clock, type FakeMethod } from '@sinonjs/fake-timers'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { type FakeTimers, scenarios } from './scenarios.js'

const turn = setImmediate

const vitest: FakeTimers = {
  install: () => void vi.useFakeTimers(),
  uninstall: () => void vi.useRealTimers(),
  advance: async (ms) => void (await vi.advanceTimersByTimeAsync(ms))
}

function sinonTimers(toFake?: FakeMethod[]): FakeTimers {
  let clock: Clock | undefined
  return {
    install: () => {
      clock = sinon.install({ now: Date.now(), ...(toFake === undefined ? {} : { toFake }) })
    },
    uninstall: () => void clock?.uninstall(),
    advance: async (ms) => void (await clock?.tickAsync(ms))
  }
}

/** They have no way to wait for what becomes due, and move their time before they call it: small steps. */
const nodeTest: FakeTimers = {
  install: () => mock.timers.enable({ apis: ['setTimeout'] }),
  uninstall: () => mock.timers.reset(),
  advance: async (ms) => {
    for (let left = ms; left > 0; left -= 50) {
      mock.timers.tick(Math.min(left, 50))
      await new Promise((resolve) => turn(resolve))
    }
  }
}

afterEach(() => {
  vi.useRealTimers()
})

describe.each<readonly [string, FakeTimers]>([
  ['vitest', vitest],
  ['sinon', sinonTimers()],
  ['sinon, with timers only', sinonTimers(['setTimeout', 'clearTimeout'])],
  ['sinon, without performance', sinonTimers(['setTimeout', 'clearTimeout', 'setImmediate', 'clearImmediate', 'Date'])],
  ['sinon, without setImmediate', sinonTimers(['setTimeout', 'clearTimeout', 'performance', 'Date'])],
  ['node:test, with timers only', nodeTest]
])('the fake timers of %s', (_, timers) => {
  it.each(scenarios)('move %s', { timeout: 10_000 }, async (_title, scenario) => {
    const warn = vi.spyOn(console, 'warn')
    await scenario(timers)
    expect(warn).not.toHaveBeenCalled()
  })
})
