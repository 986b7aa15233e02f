import { callHook, type Report } from '../contract/hooks.js'

/** What is to be done when a signal aborts. */
export interface AbortSubscriber {
  /** The signal it watches aborted. Called once; it is not subscribed any more. */
  onAbort(reason: unknown): void
}

/** Throws the reason of a signal that has aborted already. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw signal.reason
}

/**
 * One abort listener per distinct signal, however many tasks and waits share it, and none once the last of them has
 * left. (`AbortSignal.any` would leave its dependents behind on a signal that lives long.)
 */
export class Signals {
  readonly #report: Report
  readonly #watched = new Map<AbortSignal, Watch>()

  /** @param report - is told when a look-alike of a signal throws: it is not listened to then, and nothing else is harmed */
  constructor(report: Report) {
    this.#report = report
  }

  /** How many distinct signals are listened to. */
  get size(): number {
    return this.#watched.size
  }

  /** The signal must not have aborted yet. */
  subscribe(signal: AbortSignal, subscriber: AbortSubscriber): void {
    let watch = this.#watched.get(signal)
    if (watch === undefined) {
      watch = new Watch(signal, () => this.#aborted(signal), this.#report)
      this.#watched.set(signal, watch)
    }
    watch.subscribers.add(subscriber)
  }

  unsubscribe(signal: AbortSignal, subscriber: AbortSubscriber): void {
    const watch = this.#watched.get(signal)
    if (watch === undefined) return
    watch.subscribers.delete(subscriber)
    if (watch.subscribers.size > 0) return
    watch.end()
    this.#watched.delete(signal)
  }

  #aborted(signal: AbortSignal): void {
    const watch = this.#watched.get(signal) as Watch
    for (const subscriber of watch.subscribers) {
      watch.subscribers.delete(subscriber) // those that leave in the meantime are not called
      subscriber.onAbort(signal.reason)
    }
    watch.end()
    this.#watched.delete(signal)
  }
}

class Watch {
  readonly subscribers = new Set<AbortSubscriber>()
  readonly #signal: AbortSignal
  readonly #listener: () => void
  readonly #report: Report

  constructor(signal: AbortSignal, listener: () => void, report: Report) {
    this.#signal = signal
    this.#listener = listener
    this.#report = report
    callHook(() => signal.addEventListener('abort', listener), report)
  }

  end(): void {
    callHook(() => this.#signal.removeEventListener('abort', this.#listener), this.#report)
  }
}
