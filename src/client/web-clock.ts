import type { ClientClock } from './clock.js'

/** The longest delay of the platform's timers; with a longer one they fire at once. */
const MAX_DELAY_MS = 2 ** 31 - 1

/** The clock of browsers and Node. */
export const webClock: ClientClock = {
  now: () => performance.now(),
  date: () => Date.now(),
  timer(fire) {
    let timeout: ReturnType<typeof setTimeout> | undefined
    return {
      set(delayMs) {
        clearTimeout(timeout)
        timeout = setTimeout(fire, Math.min(Math.ceil(delayMs), MAX_DELAY_MS))
      },
      clear() {
        clearTimeout(timeout)
      }
    }
  },
  random: () => Math.random(),
  randomBytes: (count) => crypto.getRandomValues(new Uint8Array(count))
}
