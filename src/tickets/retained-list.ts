import { LinkedList, type Links } from '../scheduler/linked-list.js'
import { Expiries } from './expiries.js'

/** The part of a settled task that retention reads. */
export interface Retained<T> extends Links<T> {
  /** Time of the settle, in milliseconds since the pool was created. */
  readonly settledMs: number
  /** Null until the id is read. */
  readonly ticket: unknown
  /** How long it is retained, if not as long as the others. */
  readonly retainMs: number | undefined
}

/**
 * Settled tasks in the order in which they were added. Nearly all expire in that order too: those that do not, since their
 * ticket was read late or they have a time of their own, are in a heap besides. Adding and removing are O(1), but
 * O(log n) for these.
 */
export class RetainedList<T extends Retained<T>> extends LinkedList<T> {
  readonly #ms: number
  /** The first task that expires in the order of the list. */
  #first: T | null = null
  /** Tasks that settled before some task ahead of them, by the time of their settle. Null until there is one. */
  #late: Expiries<T> | null = null
  /** Tasks with a time of their own, by its end. Null until there is one. */
  #own: Expiries<T> | null = null
  /** The latest settle of those that expire in the order of the list. */
  #latestMs = 0

  constructor(ms: number) {
    super()
    this.#ms = ms
  }

  override push(task: T): void {
    super.push(task)
    const { settledMs, retainMs } = task
    if (retainMs !== undefined) {
      this.#own ??= new Expiries()
      this.#own.add(task, settledMs + retainMs)
    } else if (settledMs < this.#latestMs) {
      this.#late ??= new Expiries()
      this.#late.add(task, settledMs)
    } else {
      this.#latestMs = settledMs
      this.#first ??= task
    }
  }

  override remove(task: T): void {
    if (task === this.#first) this.#first = this.#nextInOrder(task)
    if (this.#late !== null) this.#late.remove(task)
    if (this.#own !== null) this.#own.remove(task)
    super.remove(task)
  }

  /** The next one that expires in the order of the list: each of those in between is passed once only. */
  #nextInOrder({ next }: T): T | null {
    let task = next
    while (task !== null && (this.#late?.has(task) || this.#own?.has(task))) task = task.next
    return task
  }

  /** A task whose time has passed; null if there is none. */
  expired(nowMs: number): T | null {
    const settledBy = nowMs - this.#ms
    if (this.#first !== null && this.#first.settledMs <= settledBy) return this.#first
    if (this.#late !== null && this.#late.firstMs <= settledBy) return this.#late.first
    return this.#own !== null && this.#own.firstMs <= nowMs ? this.#own.first : null
  }

  /** Time of the earliest settle, but of those with a time of their own; Infinity if there is none. */
  get oldestMs(): number {
    const oldest = this.#first === null ? Number.POSITIVE_INFINITY : this.#first.settledMs
    return this.#late === null ? oldest : Math.min(oldest, this.#late.firstMs)
  }

  /** Time at which the first task expires; Infinity if there is none. */
  get nextExpiryMs(): number {
    const next = this.oldestMs + this.#ms
    return this.#own === null ? next : Math.min(next, this.#own.firstMs)
  }
}
