import type { Clock, Timer } from '../../src/index.js'

interface VirtualTimer extends Timer {
  readonly fire: () => void
  at: number
  alive: boolean
}

const NEVER = Number.POSITIVE_INFINITY

/**
 * Resolves when no microtask is left. Node runs what was given to `nextTick` inside a microtask only once its queue of
 * microtasks is empty, so no chain of promises is too long for it, and it costs no turn of the real event loop.
 */
export const microtasks = (): Promise<void> => new Promise((resolve) => process.nextTick(resolve))

/** Time that stands still until it is moved, for thousands of short lives in a row. */
export class VirtualClock implements Clock {
  time = 1_000
  /** What the wall clock shows when the time is zero. */
  wall = 1_900_000_000_000
  readonly #timers: VirtualTimer[] = []
  #yields: (() => void)[] = []
  #bytes = 1

  now(): number {
    return this.time
  }

  date(): number {
    return this.wall + this.time
  }

  random(): number {
    return 0.5
  }

  randomBytes(count: number): Uint8Array {
    const bytes = new Uint8Array(count)
    for (let i = 0; i < count; i++) {
      this.#bytes = (Math.imul(this.#bytes, 1_664_525) + 1_013_904_223) >>> 0
      bytes[i] = this.#bytes >>> 24
    }
    return bytes
  }

  timer(fire: () => void): Timer {
    const timer: VirtualTimer = {
      fire,
      at: NEVER,
      alive: true,
      set: (delayMs) => {
        timer.at = this.time + delayMs
      },
      keepAlive: (keep) => {
        timer.alive = keep
      },
      clear: () => {
        timer.at = NEVER
      }
    }
    this.#timers.push(timer)
    return timer
  }

  yield(then: () => void): void {
    this.#yields.push(then)
  }

  /** How many timers are set, and would keep the process alive. */
  get alive(): number {
    let count = 0
    for (const timer of this.#timers) if (timer.alive && timer.at !== NEVER) count++
    return count
  }

  /** How many timers are set. */
  get set(): number {
    let count = 0
    for (const timer of this.#timers) if (timer.at !== NEVER) count++
    return count
  }

  /** When the next timer fires. */
  get next(): number {
    let next = NEVER
    for (const timer of this.#timers) if (timer.at < next) next = timer.at
    return next
  }

  /** Fires the first timer that is due. */
  fire(): void {
    const { next } = this
    const timer = next <= this.time ? this.#timers.find(({ at }) => at === next) : undefined
    if (timer === undefined) return
    timer.at = NEVER
    timer.fire()
  }

  /** The event loop comes round once. Says whether anybody waited for that. */
  turn(): boolean {
    const yields = this.#yields
    this.#yields = []
    for (const then of yields) then()
    return yields.length > 0
  }
}
