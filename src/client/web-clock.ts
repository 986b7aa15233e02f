import type { ClientClock } from './clock.js'

/** The longest delay of the platform's timers; with a longer one they fire at once. */
const MAX_DELAY_MS = 2 ** 31 - 1

/** The clock of browsers and Node. */
export const webClock: ClientClock = {
  now: () => performance.now(),
  date: () => Date.now(),
  timer(fire) {
    let clear = (): void => {}
    return {
      set(delayMs) {
        clear()
        const drop = clearTimeout // fake timers may be installed or removed before it is needed
        const timeout = setTimeout(fire, Math.min(Math.ceil(delayMs), MAX_DELAY_MS))
        clear = () => drop(timeout)
      },
      clear: () => clear()
    }
  },
  random: () => Math.random(),
  randomBytes: (count) => crypto.getRandomValues(new Uint8Array(count))
}
