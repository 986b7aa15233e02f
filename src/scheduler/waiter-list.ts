import { LinkedList, type Links } from './linked-list.js'

/** A caller that waits for room. */
export class Waiter<W extends Waiter<W>> implements Links<W> {
  prev: W | null = null
  next: W | null = null
  readonly priority: number
  readonly key: string | undefined
  /** Whether its task is not to start at once. */
  readonly delayed: boolean

  /** What its task weighs. */
  readonly weight: number

  constructor(priority: number, key: string | undefined, delayed = false, weight = 1) {
    this.priority = priority
    this.key = key
    this.delayed = delayed
    this.weight = weight
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
