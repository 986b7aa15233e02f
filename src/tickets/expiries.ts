import { Heap, type HeapItem } from '../scheduler/heap.js'

class Expiry<T> implements HeapItem {
  index = -1
  readonly task: T
  readonly atMs: number

  constructor(task: T, atMs: number) {
    this.task = task
    this.atMs = atMs
  }
}

/** Tasks with a time for each, the earliest first. Adding and removing are O(log n). */
export class Expiries<T> {
  readonly #heap = new Heap<Expiry<T>>((a, b) => a.atMs < b.atMs)
  readonly #expiries = new Map<T, Expiry<T>>()

  /** The task with the earliest time. */
  get first(): T | null {
    return this.#heap.first?.task ?? null
  }

  /** The earliest time; Infinity if there is none. */
  get firstMs(): number {
    return this.#heap.first?.atMs ?? Number.POSITIVE_INFINITY
  }

  has(task: T): boolean {
    return this.#expiries.has(task)
  }

  add(task: T, atMs: number): void {
    const expiry = new Expiry(task, atMs)
    this.#expiries.set(task, expiry)
    this.#heap.add(expiry)
  }

  /** Has no effect if it does not contain the task. */
  remove(task: T): void {
    const expiry = this.#expiries.get(task)
    if (expiry === undefined) return
    this.#expiries.delete(task)
    this.#heap.remove(expiry)
  }
}
