import { Deadline, type Deadlines } from './deadlines.js'
import type { AbortSubscriber, Signals } from './signals.js'

/** Limits of one wait. */
export interface WaitLimits {
  readonly signal: AbortSignal | undefined
  /** Infinity: none. */
  readonly timeoutMs: number
}

/** Services that the waits share with their owner. */
export interface WaitPorts {
  readonly deadlines: Deadlines
  readonly signals: Signals
}

/**
 * Waits for a count to reach zero. Each ends once: at the next zero, at its limit, or when its signal aborts. It then
 * leaves no timer, listener or reference behind.
 */
export class Waits {
  readonly #ports: WaitPorts
  readonly #waits = new Set<Wait>()

  constructor(ports: WaitPorts) {
    this.#ports = ports
  }

  /** Waits for the next zero. Rejects with the error of `timedOut` when the limit is reached. */
  add(limits: WaitLimits, timedOut: () => Error): Promise<void> {
    if (limits.signal?.aborted) return Promise.reject(limits.signal.reason)
    return new Promise((resolve, reject) => {
      const fail = (reason: unknown): void => {
        this.#waits.delete(wait)
        wait.leave()
        reject(reason)
      }
      const wait = new Wait(this.#ports, limits, resolve, fail, timedOut)
      this.#waits.add(wait)
    })
  }

  /** To be called when the count is zero: removes and returns the present waits. Only {@link release} ends them now. */
  take(): readonly Wait[] {
    if (this.#waits.size === 0) return NONE
    const taken = [...this.#waits]
    this.#waits.clear()
    for (const wait of taken) wait.leave()
    return taken
  }

  /** Resolves the waits that {@link take} returned. */
  release(taken: readonly Wait[]): void {
    for (const wait of taken) wait.resolve()
  }
}

const NONE: readonly Wait[] = []

/** One wait for zero. */
export class Wait implements AbortSubscriber {
  readonly resolve: () => void
  readonly onAbort: (reason: unknown) => void
  readonly #ports: WaitPorts
  readonly #signal: AbortSignal | undefined
  readonly #deadline: Deadline

  constructor(
    ports: WaitPorts,
    limits: WaitLimits,
    resolve: () => void,
    fail: (reason: unknown) => void,
    timedOut: () => Error
  ) {
    this.resolve = resolve
    this.onAbort = fail
    this.#ports = ports
    this.#signal = limits.signal
    this.#deadline = new Deadline(() => fail(timedOut()))
    ports.deadlines.set(this.#deadline, limits.timeoutMs, true)
    if (limits.signal !== undefined) ports.signals.subscribe(limits.signal, this)
  }

  /** Releases the deadline and the signal. */
  leave(): void {
    this.#ports.deadlines.clear(this.#deadline)
    if (this.#signal !== undefined) this.#ports.signals.unsubscribe(this.#signal, this)
  }
}
