import { AsyncResource } from 'node:async_hooks'
import { randomBytes } from 'node:crypto'
import { performance } from 'node:perf_hooks'
import type { Clock } from './clock.js'

/** Longest delay of the platform's timers, in milliseconds. Timers with a longer delay fire at once. */
const MAX_DELAY_MS = 2 ** 31 - 1

/** The clock of the platform: the only module that reads real time and random values. */
export const systemClock: Clock = {
  now: () => performance.now(),
  date: () => Date.now(),
  timer(fire) {
    // Otherwise the timer would capture the `AsyncLocalStorage` context of the code that sets it.
    const scope = new AsyncResource('coatcheck.timer')
    let timeout: NodeJS.Timeout | undefined
    let alive = true
    return {
      set(delayMs) {
        clearTimeout(timeout)
        timeout = scope.runInAsyncScope(setTimeout, undefined, fire, Math.min(Math.ceil(delayMs), MAX_DELAY_MS))
        if (!alive) timeout.unref()
      },
      keepAlive(keep) {
        if (alive === keep) return
        alive = keep
        if (keep) timeout?.ref()
        else timeout?.unref()
      },
      clear() {
        clearTimeout(timeout)
        timeout = undefined
      }
    }
  },
  yield: (then) => void setImmediate(then),
  random: () => Math.random(),
  randomBytes: (count) => randomBytes(count)
}
