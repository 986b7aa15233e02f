import { type Entry, type KeyBounds, KeyTimes, Share } from './lane.js'

/** Idle keys that are dropped in one step at most. A step leaves one behind at most. */
const DROPPED = 2

/**
 * The shares of all keys that have tasks, and their common bounds. An idle key has no share, unless it has a rate: then
 * its share stays as long as its past starts count.
 */
export class Shares<E extends Entry<E>> {
  readonly #bounds: KeyBounds
  readonly #shares = new Map<string, Share<E>>()
  /** Idle keys, and when their past starts do not count any more. */
  readonly #idle = new KeyTimes<E>()

  constructor(bounds: KeyBounds) {
    this.#bounds = bounds
  }

  /** Number of keys with a share. */
  get size(): number {
    return this.#shares.size
  }

  get(key: string): Share<E> | undefined {
    return this.#shares.get(key)
  }

  /** The bounds of a key. */
  boundsOf(key: string): KeyBounds {
    return this.#shares.get(key) ?? this.#bounds
  }

  /** The share of a key, created if the key has none, with the common bounds. */
  open(key: string): Share<E> {
    const share = this.#shares.get(key)
    if (share === undefined) return this.#add(key, this.#bounds)
    if (share.rate !== null) this.#idle.clear(share)
    return share
  }

  /** The same for an idle key, with bounds of its own. */
  openWith(key: string, bounds: KeyBounds): void {
    const share = this.#shares.get(key)
    if (share === undefined) this.#add(key, bounds)
    else if (share.isIdle) this.open(key).rebind(bounds)
  }

  #add(key: string, bounds: KeyBounds): Share<E> {
    const share = new Share<E>(key, bounds)
    this.#shares.set(key, share)
    return share
  }

  /** Whether the key has a place for one more task. `toWorker`: the task takes a worker at once. */
  hasRoom(key: string, toWorker: boolean): boolean {
    const share = this.#shares.get(key)
    const { concurrency, queueCapacity } = share ?? this.#bounds
    const running = share === undefined ? 0 : share.running
    const held = share === undefined ? 0 : share.held
    if (running + held >= concurrency + queueCapacity) return false
    return held < queueCapacity || toWorker
  }

  /** Whether the key is at its concurrency or over its rate. */
  atLimit(key: string, now: number): boolean {
    const share = this.#shares.get(key)
    if (share === undefined) return false
    return share.running >= share.concurrency || (share.rate !== null && !share.rate.allows(now))
  }

  /** Removes a share without tasks and waiters, now or when its past starts do not count any more. */
  release(share: Share<E>): void {
    if (!share.isIdle) return
    const emptyAt = share.rate === null ? Number.NEGATIVE_INFINITY : share.rate.emptyAt()
    if (emptyAt === Number.NEGATIVE_INFINITY) this.#shares.delete(share.key)
    else this.#idle.set(share, emptyAt)
  }

  /** Removes idle keys whose past starts do not count any more: some of them, so that no step is long. */
  dropIdle(now: number): void {
    for (let left = DROPPED; left > 0; left--) {
      const share = this.#idle.takeDue(now)
      if (share === undefined) return
      this.#shares.delete(share.key)
    }
  }
}
