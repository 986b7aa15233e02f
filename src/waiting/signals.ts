import { callHook, type Report } from '../contract/hooks.js'

/** Is notified when a signal aborts. */
export interface AbortSubscriber {
  /** Called once, when the signal aborts. The subscription has ended by then. */
  onAbort(reason: unknown): void
}

/** Throws the reason of the signal if it has already aborted. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw signal.reason
}

/**
 * One abort listener per distinct signal, however many subscribers share it. It is removed with the last subscriber.
 * (`AbortSignal.any` is not used: it leaks its dependent signals on a long-lived signal.)
 */
export class Signals {
  readonly #report: Report
  readonly #watched = new Map<AbortSignal, Watch>()

  /** @param report - receives what `addEventListener` or `removeEventListener` of a foreign signal throws */
  constructor(report: Report) {
    this.#report = report
  }

  /** Number of distinct signals with a listener. */
  get size(): number {
    return this.#watched.size
  }

  /** Subscribes to a signal that has not aborted yet. */
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
      watch.subscribers.delete(subscriber) // those that unsubscribe in the meantime are not called
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
