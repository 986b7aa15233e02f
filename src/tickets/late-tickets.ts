import { Heap, type HeapItem } from '../scheduler/heap.js'

interface Settled {
  readonly settledMs: number
}

class Entry<T> implements HeapItem {
  index = -1
  readonly task: T

  constructor(task: T) {
    this.task = task
  }
}

/**
 * Tasks whose tickets were read out of the order in which they settled, the earliest settled first. Adding and removing
 * are O(log n).
 */
export class LateTickets<T extends Settled> {
  readonly #heap = new Heap<Entry<T>>((a, b) => a.task.settledMs < b.task.settledMs)
  readonly #entries = new Map<T, Entry<T>>()

  get first(): T | null {
    return this.#heap.first?.task ?? null
  }

  add(task: T): void {
    const entry = new Entry(task)
    this.#entries.set(task, entry)
    this.#heap.add(entry)
  }

  /** Has no effect if it does not contain the task. */
  remove(task: T): void {
    const entry = this.#entries.get(task)
    if (entry === undefined) return
    this.#entries.delete(task)
    this.#heap.remove(entry)
  }
}
