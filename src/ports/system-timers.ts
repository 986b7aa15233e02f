import { AsyncResource } from 'node:async_hooks'
import timers from 'node:timers'
import type { Timer } from './clock.js'
import type { MonotonicTime } from './monotonic-time.js'

/** Longest delay of the platform's timers, in milliseconds. Timers with a longer delay fire at once. */
const MAX_DELAY_MS = 2 ** 31 - 1
/** How often the global functions are compared while a faked timer is set, in milliseconds of real time. */
const WATCH_MS = 20

/** The platform's own functions. Copied, because fake timers replace those of the module too. */
const native = { ...timers }

/**
 * Timers by the global functions of the moment. When fake timers are installed or removed, timers that are set move to
 * the functions that are global now: the former ones may never fire.
 */
export class SystemTimers {
  readonly #time: MonotonicTime
  /** Timers that are set, all by the same function. */
  readonly #set = new Set<SystemTimer>()
  #setTimeout: unknown = globalThis.setTimeout
  #watch: NodeJS.Timeout | undefined

  constructor(time: MonotonicTime) {
    this.#time = time
  }

  /** The time. Moves the timers first if the global functions have changed. */
  now(): number {
    if (globalThis.setTimeout !== this.#setTimeout) this.#move()
    return this.#time.now()
  }

  make(fire: () => void): Timer {
    return new SystemTimer(this, fire)
  }

  /** A timer is set. If it is faked, a real interval watches for the end of that. */
  add(timer: SystemTimer): void {
    this.#set.add(timer)
    if (this.#watch !== undefined || this.#setTimeout === native.setTimeout) return
    this.#watch = native.setInterval(() => this.#look(), WATCH_MS)
    this.#watch.unref()
  }

  delete(timer: SystemTimer): void {
    this.#set.delete(timer)
  }

  /** A timer fired. One of the current functions proves that its delay has passed. */
  fired(timer: SystemTimer): void {
    this.#set.delete(timer)
    if (globalThis.setTimeout === this.#setTimeout) this.#time.reach(timer.dueAt)
  }

  /** Calls `then` after a turn of the event loop. A faked turn may never come: the real one counts as well. */
  yield(then: () => void): void {
    const { setImmediate: faked, clearImmediate: clearFaked } = globalThis
    if (faked === native.setImmediate || faked === undefined) return void native.setImmediate(then)
    let isOver = false
    const end = (): void => {
      if (isOver) return
      isOver = true
      native.clearImmediate(real)
      // A faked immediate is not one of the platform's, which counts those that it clears.
      if (clearFaked !== native.clearImmediate) clearFaked(ours)
      then()
    }
    const ours = faked(end)
    const real = native.setImmediate(end)
  }

  #look(): void {
    this.now()
    if (this.#set.size > 0 && this.#setTimeout !== native.setTimeout) return
    native.clearInterval(this.#watch)
    this.#watch = undefined
  }

  #move(): void {
    this.#setTimeout = globalThis.setTimeout
    const now = this.#time.now()
    for (const timer of [...this.#set]) timer.set(Math.max(timer.dueAt - now, 0))
  }
}

class SystemTimer implements Timer {
  /** When it has to fire, if it is set. */
  dueAt = 0
  readonly #timers: SystemTimers
  readonly #fire: (setting: number) => void
  /** Counts the settings: some fake timers fire one twice, or one that was cleared. */
  #setting = 0
  // Otherwise the timer would capture the `AsyncLocalStorage` context of the code that sets it.
  readonly #scope = new AsyncResource('coatcheck.timer')
  #alive = true
  #timeout: NodeJS.Timeout | undefined
  /** Clears the timeout: the function that belongs to the one that set it. */
  #clearTimeout = globalThis.clearTimeout

  constructor(timers: SystemTimers, fire: () => void) {
    this.#timers = timers
    this.#fire = (setting) => {
      if (setting !== this.#setting || this.#timeout === undefined) return
      this.#timeout = undefined
      timers.fired(this)
      fire()
    }
  }

  set(delayMs: number): void {
    const delay = Math.min(Math.ceil(delayMs), MAX_DELAY_MS)
    this.clear()
    this.dueAt = this.#timers.now() + delay
    this.#clearTimeout = globalThis.clearTimeout
    this.#timeout = this.#scope.runInAsyncScope(globalThis.setTimeout, undefined, this.#fire, delay, ++this.#setting)
    if (!this.#alive) this.#timeout.unref?.()
    this.#timers.add(this)
  }

  keepAlive(keep: boolean): void {
    if (this.#alive === keep) return
    this.#alive = keep
    // The timeouts of a browser environment are numbers.
    if (keep) this.#timeout?.ref?.()
    else this.#timeout?.unref?.()
  }

  clear(): void {
    if (this.#timeout === undefined) return
    const clearTimeout = this.#clearTimeout
    clearTimeout(this.#timeout)
    this.#timeout = undefined
    this.#timers.delete(this)
  }
}
