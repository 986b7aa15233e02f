/** The links of a member of a {@link LinkedList}. */
export interface Links<E> {
  prev: E | null
  next: E | null
}

/**
 * A doubly linked list whose links are fields of its members. Adding at the end and removing any member are O(1).
 */
export class LinkedList<E extends Links<E>> {
  #head: E | null = null
  #tail: E | null = null
  #size = 0

  get head(): E | null {
    return this.#head
  }

  get tail(): E | null {
    return this.#tail
  }

  get size(): number {
    return this.#size
  }

  push(item: E): void {
    const tail = this.#tail
    item.prev = tail
    if (tail === null) this.#head = item
    else tail.next = item
    this.#tail = item
    this.#size++
  }

  /** Adds an item at the front. */
  unshift(item: E): void {
    const head = this.#head
    item.next = head
    if (head === null) this.#tail = item
    else head.prev = item
    this.#head = item
    this.#size++
  }

  /** Removes and returns the first member. */
  shift(): E | null {
    const head = this.#head
    if (head !== null) this.remove(head)
    return head
  }

  remove(item: E): void {
    const { prev, next } = item
    if (prev === null) this.#head = next
    else prev.next = next
    if (next === null) this.#tail = prev
    else next.prev = prev
    item.prev = null
    item.next = null
    this.#size--
  }
}
