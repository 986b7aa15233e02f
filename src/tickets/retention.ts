import { LinkedList, type Links } from '../scheduler/linked-list.js'

/** The part of a settled task that retention reads. */
export interface Retained<T> extends Links<T> {
  /** Time of the settle, in milliseconds since the pool was created. */
  readonly settledMs: number
}

/**
 * The settled tasks that can still be looked up: the newest `count`, none longer than `ms`. The list is linked through
 * the tasks, oldest first. Adding and removing are O(1).
 */
export class Retention<T extends Retained<T>> {
  readonly tasks = new LinkedList<T>()
  readonly #count: number
  readonly #ms: number
  readonly #forget: (task: T) => void

  constructor(limits: { readonly count: number; readonly ms: number }, forget: (task: T) => void) {
    this.#count = limits.count
    this.#ms = limits.ms
    this.#forget = forget
  }

  /** Whether a settled task is still retained. */
  has(task: T): boolean {
    return task.prev !== null || this.tasks.head === task
  }

  add(task: T): void {
    this.tasks.push(task)
    if (this.tasks.size > this.#count || this.#ms === 0) this.#drop(this.tasks.head as T)
  }

  /** Drops the tasks whose time has passed. `nowMs` is in milliseconds since the pool was created. */
  expire(nowMs: number): void {
    for (let { head } = this.tasks; head !== null && head.settledMs + this.#ms <= nowMs; head = this.tasks.head)
      this.#drop(head)
  }

  /** Time at which the oldest task expires; Infinity if there is none. */
  get nextExpiryMs(): number {
    const { head } = this.tasks
    return head === null ? Number.POSITIVE_INFINITY : head.settledMs + this.#ms
  }

  #drop(task: T): void {
    this.tasks.remove(task)
    this.#forget(task)
  }
}
