/** The calls that share a signal of the caller. */
class SharedSignal {
  readonly #signal: AbortSignal
  readonly #calls = new Set<() => void>()
  readonly #fire = (): void => {
    this.#end()
    for (const leave of this.#calls) leave()
  }

  constructor(signal: AbortSignal) {
    this.#signal = signal
    signal.addEventListener('abort', this.#fire)
    shared.set(signal, this)
  }

  add(leave: () => void): void {
    this.#calls.add(leave)
  }

  delete(leave: () => void): void {
    this.#calls.delete(leave)
    if (this.#calls.size === 0) this.#end()
  }

  #end(): void {
    if (shared.get(this.#signal) === this) shared.delete(this.#signal)
    this.#signal.removeEventListener('abort', this.#fire)
  }
}

/** The signals that have a listener. */
const shared = new WeakMap<AbortSignal, SharedSignal>()

/**
 * Calls `leave` when a signal of the caller aborts. The signal has one listener, however many calls share it: Node warns
 * from the eleventh on. (`AbortSignal.any` is not used: it leaks on a signal that many calls share.)
 *
 * @param signal - one that has not aborted
 * @returns ends the subscription; the last one removes the listener
 */
export function onAbort(signal: AbortSignal, leave: () => void): () => void {
  const calls = shared.get(signal) ?? new SharedSignal(signal)
  calls.add(leave)
  return () => calls.delete(leave)
}
