import { AsyncResource } from 'node:async_hooks'
import { randomBytes } from 'node:crypto'
import { performance } from 'node:perf_hooks'
import type { Clock } from './clock.js'

/** The longest delay that the platform's timers hold; beyond it they fire at once. */
const MAX_DELAY_MS = 2 ** 31 - 1

/** The clock of the machine: the only place where time and chance come from outside. */
export const systemClock: Clock = {
  now: () => performance.now(),
  date: () => Date.now(),
  timer(fire) {
    // Else the timer would keep the `AsyncLocalStorage` context of whoever happened to set it.
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
