import { type Entry, Share } from './lane.js'

/** Bounds of the tasks of a key. */
export interface KeyBounds {
  readonly concurrency: number
  readonly queueCapacity: number
}

/** The shares of all keys that have tasks, and their common bounds. An idle key has no share. */
export class Shares<E extends Entry<E>> {
  readonly concurrency: number
  readonly queueCapacity: number
  readonly #shares = new Map<string, Share<E>>()

  constructor(concurrency: number, queueCapacity: number) {
    this.concurrency = concurrency
    this.queueCapacity = queueCapacity
  }

  /** Number of keys that have tasks. */
  get size(): number {
    return this.#shares.size
  }

  get(key: string): Share<E> | undefined {
    return this.#shares.get(key)
  }

  /** The share of a key, created if the key has none, with the common bounds or its own. */
  open(key: string, { concurrency, queueCapacity }: KeyBounds = this): Share<E> {
    let share = this.#shares.get(key)
    if (share === undefined) {
      share = new Share<E>(key, concurrency, queueCapacity)
      this.#shares.set(key, share)
    }
    return share
  }

  /** Whether the key has a place for one more task. */
  hasRoom(key: string, workerFree: boolean): boolean {
    const share = this.#shares.get(key)
    const { concurrency, queueCapacity } = share ?? this
    const running = share === undefined ? 0 : share.running
    const held = share === undefined ? 0 : share.held
    if (running + held >= concurrency + queueCapacity) return false
    return held < queueCapacity || workerFree // with `held` at capacity, `running` is below `concurrency`
  }

  /** Whether the key is at its concurrency. */
  atLimit(key: string): boolean {
    const share = this.#shares.get(key)
    return share !== undefined && share.running >= share.concurrency
  }

  /** Removes a share without tasks and waiters. */
  release(share: Share<E>): void {
    if (share.running === 0 && share.held === 0 && share.waiting === 0) this.#shares.delete(share.key)
  }
}
