/** Everything that waits follows the fake timers of test runners, whatever they fake. Jest and node:test: test/package. */
import sinon, { type Clock, type FakeMethod } from '@sinonjs/fake-timers'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { type FakeTimers, scenarios } from './scenarios.js'

const vitest: FakeTimers = {
  install: () => void vi.useFakeTimers(),
  uninstall: () => void vi.useRealTimers(),
  advance: async (ms) => void (await vi.advanceTimersByTimeAsync(ms))
}

function sinonTimers(toFake?: FakeMethod[]): FakeTimers {
  let clock: Clock | undefined
  return {
    install: () => {
      clock = sinon.install(toFake === undefined ? {} : { toFake })
    },
    uninstall: () => void clock?.uninstall(),
    advance: async (ms) => void (await clock?.tickAsync(ms))
  }
}

afterEach(() => void vi.restoreAllMocks())

describe.each<readonly [string, FakeTimers]>([
  ['vitest', vitest],
  ['sinon', sinonTimers()],
  ['sinon, with timers only', sinonTimers(['setTimeout', 'clearTimeout'])],
  ['sinon, without performance', sinonTimers(['setTimeout', 'clearTimeout', 'setImmediate', 'clearImmediate', 'Date'])],
  ['sinon, without clearImmediate', sinonTimers(['setTimeout', 'clearTimeout', 'setImmediate'])],
  ['sinon, without setImmediate', sinonTimers(['setTimeout', 'clearTimeout', 'performance', 'Date'])]
])('the fake timers of %s', (_, timers) => {
  it.each(scenarios)('move %s', async (_title, scenario) => {
    const warn = vi.spyOn(console, 'warn')
    await scenario(timers)
    expect(warn).not.toHaveBeenCalled()
  })
})
