import type { Lane } from './lanes.js'
import type { Stage } from './lifecycle.js'

/**
 * What the scheduler knows of a task: where it stands, and its links in whatever list it stands in (a lane, the delayed
 * ones; once settled the links are free for the shell's retention). The shell's task has these fields of its own, so
 * that a queued task is one object.
 */
export interface Entry<E extends Entry<E>> extends Links<E> {
  stage: Stage
  /** Its number in the order of queueing. */
  order: number
  lane: Lane<E> | null
}

/** The links of a member of a {@link LinkedList}. */
export interface Links<E> {
  prev: E | null
  next: E | null
}

/**
 * A list linked through its members: adding at the end and removing from anywhere are O(1), and an empty list holds
 * nothing.
 */
export class LinkedList<E extends Links<E>> {
  head: E | null = null
  tail: E | null = null
  size = 0

  push(item: E): void {
    const tail = this.tail
    item.prev = tail
    if (tail === null) this.head = item
    else tail.next = item
    this.tail = item
    this.size++
  }

  remove(item: E): void {
    const { prev, next } = item
    if (prev === null) this.head = next
    else prev.next = next
    if (next === null) this.tail = prev
    else next.prev = prev
    item.prev = null
    item.next = null
    this.size--
  }
}
