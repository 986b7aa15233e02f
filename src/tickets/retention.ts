import { LinkedList, type Links } from '../scheduler/linked-list.js'

/** What retention knows of a settled task. */
export interface Retained<T> extends Links<T> {
  /** When it settled, in milliseconds since the pool was made. */
  readonly settledMs: number
}

/**
 * The settled tasks that can still be looked up: the newest `count`, none longer than `ms`. Linked through the tasks,
 * the oldest first; adding and forgetting are O(1).
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

  /** Whether a settled task is still kept. */
  has(task: T): boolean {
    return task.prev !== null || this.tasks.head === task
  }

  add(task: T): void {
    this.tasks.push(task)
    if (this.tasks.size > this.#count || this.#ms === 0) this.#drop(this.tasks.head as T)
  }

  /** Forgets what was kept long enough, by the time in milliseconds since the pool was made. */
  expire(nowMs: number): void {
    for (let { head } = this.tasks; head !== null && head.settledMs + this.#ms <= nowMs; head = this.tasks.head)
      this.#drop(head)
  }

  /** When the oldest is to be forgotten; Infinity when none is. */
  get nextExpiryMs(): number {
    const { head } = this.tasks
    return head === null ? Number.POSITIVE_INFINITY : head.settledMs + this.#ms
  }

  #drop(task: T): void {
    this.tasks.remove(task)
    this.#forget(task)
  }
}
