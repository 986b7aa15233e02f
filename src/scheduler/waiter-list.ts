import { LinkedList, type Links } from './linked-list.js'

/** A caller that waits for room. */
export class Waiter<W extends Waiter<W>> implements Links<W> {
  prev: W | null = null
  next: W | null = null
  readonly priority: number
  readonly key: string | undefined

  constructor(priority: number, key: string | undefined) {
    this.priority = priority
    this.key = key
  }
}

/** The callers that wait for room, first come, first served, and the bound of their number. */
export class WaiterList<W extends Waiter<W>> extends LinkedList<W> {
  readonly capacity: number

  constructor(capacity: number) {
    super()
    this.capacity = capacity
  }

  get full(): boolean {
    return this.size >= this.capacity
  }
}
