/** An item of a {@link Heap}. It stores its index, so that it can be removed from the middle. */
export interface HeapItem {
  /** -1 while it is in no heap. */
  index: number
}

/** A binary heap ordered by `before`. Reading the first item is O(1); adding, and removing any item, are O(log n). */
export class Heap<T extends HeapItem> {
  readonly #items: T[] = []
  readonly #before: (a: T, b: T) => boolean

  constructor(before: (a: T, b: T) => boolean) {
    this.#before = before
  }

  get size(): number {
    return this.#items.length
  }

  get first(): T | undefined {
    return this.#items[0]
  }

  has(item: T): boolean {
    return this.#items[item.index] === item
  }

  add(item: T): void {
    item.index = this.#items.length
    this.#items.push(item)
    this.#rise(item)
  }

  remove(item: T): void {
    const last = this.#items.pop() as T
    if (last !== item) {
      this.#place(last, item.index)
      this.#rise(last)
      this.#sink(last)
    }
    item.index = -1
  }

  #rise(item: T): void {
    while (item.index > 0) {
      const parent = this.#items[(item.index - 1) >> 1] as T
      if (!this.#before(item, parent)) return
      this.#swap(parent, item)
    }
  }

  #sink(item: T): void {
    for (;;) {
      const left = this.#items[2 * item.index + 1]
      const right = this.#items[2 * item.index + 2]
      if (left === undefined) return
      const child = right !== undefined && this.#before(right, left) ? right : left
      if (!this.#before(child, item)) return
      this.#swap(item, child)
    }
  }

  #swap(upper: T, lower: T): void {
    const { index } = upper
    this.#place(upper, lower.index)
    this.#place(lower, index)
  }

  #place(item: T, index: number): void {
    item.index = index
    this.#items[index] = item
  }
}
