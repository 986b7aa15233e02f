import { type Retained, RetainedList } from './retained-list.js'

/** Number of tasks without a ticket that are retained, unless `count` is smaller. */
export const UNREAD_COUNT = 100

/**
 * The settled tasks of a pool: those with a ticket, at most `count`, and a few of those whose id nobody has read, which
 * take no room from them. None is retained longer than `ms`, or the time of its own. The lists are linked through the
 * tasks.
 */
export class Retention<T extends Retained<T>> {
  /** Tasks with a ticket, in the order in which they had both: an end and a ticket. */
  readonly ticketed: RetainedList<T>
  /** Tasks without a ticket, oldest first. */
  readonly unread: RetainedList<T>
  /** Tickets that were forgotten before their time, because of the count. */
  forgottenEarly = 0
  readonly #count: number
  readonly #unreadCount: number
  readonly #ms: number
  readonly #forget: (task: T) => void

  constructor(limits: { readonly count: number; readonly ms: number }, forget: (task: T) => void) {
    this.#count = limits.count
    this.#unreadCount = Math.min(limits.count, UNREAD_COUNT)
    this.#ms = limits.ms
    this.#forget = forget
    this.ticketed = new RetainedList(limits.ms)
    this.unread = new RetainedList(limits.ms)
  }

  get size(): number {
    return this.ticketed.size + this.unread.size
  }

  /** Adds a task that has just settled. */
  add(task: T): void {
    const endsAtOnce = (task.retainMs ?? this.#ms) === 0
    if (task.ticket !== null) return endsAtOnce ? this.#forget(task) : this.#addTicketed(task, task.settledMs)
    if (endsAtOnce) return
    this.unread.push(task)
    if (this.unread.size > this.#unreadCount) this.unread.shift()
  }

  /**
   * Adds a settled task whose ticket is being read for the first time, whether or not it was still retained without it.
   *
   * @returns whether it can be looked up from now on
   */
  addLate(task: T, nowMs: number): boolean {
    if (this.#expiryOf(task) <= nowMs) return false
    if (task.prev !== null || this.unread.head === task) this.unread.remove(task)
    return this.addTicketed(task, nowMs)
  }

  /**
   * Adds a settled task with a ticket that may have settled before others that were added.
   *
   * @returns whether it can be looked up from now on
   */
  addTicketed(task: T, nowMs: number): boolean {
    if (this.#expiryOf(task) <= nowMs) return false
    this.#addTicketed(task, nowMs)
    return this.#count > 0
  }

  /**
   * Removes a settled task before its time.
   *
   * @returns whether it was retained
   */
  remove(task: T): boolean {
    const list = task.ticket === null ? this.unread : this.ticketed
    if (task.prev === null && list.head !== task) return false
    if (list === this.ticketed) this.#drop(task)
    else list.remove(task)
    return true
  }

  /** Drops the tasks whose time has passed. `nowMs` is in milliseconds since the pool was created. */
  expire(nowMs: number): void {
    for (let task = this.unread.expired(nowMs); task !== null; task = this.unread.expired(nowMs))
      this.unread.remove(task)
    for (let task = this.ticketed.expired(nowMs); task !== null; task = this.ticketed.expired(nowMs)) this.#drop(task)
  }

  /** Time of the earliest settle of a task with a ticket, but of those with a time of their own; Infinity without one. */
  get oldestTicketMs(): number {
    return this.ticketed.oldestMs
  }

  /** Time at which the first task expires; Infinity if there is none. */
  get nextExpiryMs(): number {
    return Math.min(this.ticketed.nextExpiryMs, this.unread.nextExpiryMs)
  }

  #expiryOf({ settledMs, retainMs }: T): number {
    return settledMs + (retainMs ?? this.#ms)
  }

  #addTicketed(task: T, nowMs: number): void {
    this.ticketed.push(task)
    if (this.ticketed.size <= this.#count) return
    const first = this.ticketed.head as T
    if (this.#expiryOf(first) > nowMs) this.forgottenEarly++
    this.#drop(first)
  }

  #drop(task: T): void {
    this.ticketed.remove(task)
    this.#forget(task)
  }
}
