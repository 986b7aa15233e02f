/** A caller's signal that knows who listens to it. */
export class UserSignal {
  readonly #controller = new AbortController()
  readonly reason: object
  mostListeners = 0
  readonly #listeners = new Set<unknown>()

  constructor(name: string) {
    this.reason = new Error(`the caller of ${name} has left`)
    const { signal } = this.#controller
    const { addEventListener, removeEventListener } = signal
    signal.addEventListener = (...args: Parameters<typeof addEventListener>) => {
      this.#listeners.add(args[1])
      this.mostListeners = Math.max(this.mostListeners, this.listeners)
      addEventListener.apply(signal, args)
    }
    signal.removeEventListener = (...args: Parameters<typeof removeEventListener>) => {
      this.#listeners.delete(args[1])
      removeEventListener.apply(signal, args)
    }
  }

  get listeners(): number {
    return this.#listeners.size
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  get aborted(): boolean {
    return this.#controller.signal.aborted
  }

  abort(): void {
    this.#controller.abort(this.reason)
  }
}
