import { randomBytes } from 'node:crypto'
import type { Clock } from './clock.js'
import { MonotonicTime } from './monotonic-time.js'
import { SystemTimers } from './system-timers.js'

const timers = /* @__PURE__ */ new SystemTimers(/* @__PURE__ */ new MonotonicTime())

/** The clock of the platform. This folder alone reads real time and random values. */
export const systemClock: Clock = {
  now: () => timers.now(),
  date: () => Date.now(),
  timer: (fire) => timers.make(fire),
  yield: (then) => timers.yield(then),
  random: () => Math.random(),
  randomBytes: (count) => randomBytes(count)
}
