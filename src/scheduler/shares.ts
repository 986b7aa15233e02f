import { type Entry, Share } from './lane.js'

/** The bounds of each key, counted only while a key has tasks: an idle key is forgotten. */
export class Shares<E extends Entry<E>> {
  readonly concurrency: number
  readonly queueCapacity: number
  readonly #shares = new Map<string, Share<E>>()

  constructor(concurrency: number, queueCapacity: number) {
    this.concurrency = concurrency
    this.queueCapacity = queueCapacity
  }

  /** How many keys have tasks. */
  get size(): number {
    return this.#shares.size
  }

  get(key: string): Share<E> | undefined {
    return this.#shares.get(key)
  }

  /** The share of a key that is about to hold a task. */
  open(key: string): Share<E> {
    let share = this.#shares.get(key)
    if (share === undefined) {
      share = new Share<E>(key, this.concurrency)
      this.#shares.set(key, share)
    }
    return share
  }

  /** Whether this key has a place for one more. */
  hasRoom(key: string, workerFree: boolean): boolean {
    const share = this.#shares.get(key)
    const running = share === undefined ? 0 : share.running
    const held = share === undefined ? 0 : share.held
    if (running + held >= this.concurrency + this.queueCapacity) return false
    return held < this.queueCapacity || workerFree // with the queue full, the bound above leaves room in running
  }

  /** Whether this key runs as many tasks as it may. */
  atLimit(key: string): boolean {
    const share = this.#shares.get(key)
    return share !== undefined && share.running >= share.concurrency
  }

  /** Forgets a share that holds nothing. */
  release(share: Share<E>): void {
    if (share.running === 0 && share.held === 0) this.#shares.delete(share.key)
  }
}
