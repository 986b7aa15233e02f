import { LinkedList, type Links } from '../scheduler/linked-list.js'
import { LateTickets } from './late-tickets.js'

/** The part of a settled task that retention reads. */
export interface Retained<T> extends Links<T> {
  /** Time of the settle, in milliseconds since the pool was created. */
  readonly settledMs: number
  /** Null until the id is read. */
  readonly ticket: unknown
}

/** Number of tasks without a ticket that are retained, unless `count` is smaller. */
export const UNREAD_COUNT = 100

/**
 * The settled tasks of a pool: those with a ticket, at most `count`, and a few of those whose id nobody has read, which
 * take no room from them. None is retained longer than `ms`. The lists are linked through the tasks; adding and removing
 * are O(1), but O(log n) for a ticket that is read after tasks that settled later have theirs.
 */
export class Retention<T extends Retained<T>> {
  /** Tasks with a ticket, in the order in which they had both: an end and a ticket. */
  readonly ticketed = new LinkedList<T>()
  /** Tasks without a ticket, oldest first. */
  readonly unread = new LinkedList<T>()
  /** Tickets that were forgotten before their time, because of the count. */
  forgottenEarly = 0
  readonly #count: number
  readonly #unreadCount: number
  readonly #ms: number
  readonly #forget: (task: T) => void
  /** Tasks with a ticket that settled before some task ahead of them in the list. Null until there is one. */
  #late: LateTickets<T> | null = null
  /** The latest settle of a task with a ticket. */
  #latestMs = 0

  constructor(limits: { readonly count: number; readonly ms: number }, forget: (task: T) => void) {
    this.#count = limits.ms === 0 ? 0 : limits.count
    this.#unreadCount = Math.min(this.#count, UNREAD_COUNT)
    this.#ms = limits.ms
    this.#forget = forget
  }

  get size(): number {
    return this.ticketed.size + this.unread.size
  }

  /** Adds a task that has just settled. */
  add(task: T): void {
    if (task.ticket !== null) {
      this.#latestMs = task.settledMs
      return this.#addTicketed(task, task.settledMs)
    }
    this.unread.push(task)
    if (this.unread.size > this.#unreadCount) this.unread.shift()
  }

  /**
   * Adds a settled task whose ticket is being read for the first time, whether or not it was still retained without it.
   *
   * @returns whether it can be looked up from now on
   */
  addLate(task: T, nowMs: number): boolean {
    if (task.settledMs + this.#ms <= nowMs) return false
    if (task.prev !== null || this.unread.head === task) this.unread.remove(task)
    return this.addTicketed(task, nowMs)
  }

  /**
   * Adds a settled task with a ticket that may have settled before others that were added.
   *
   * @returns whether it can be looked up from now on
   */
  addTicketed(task: T, nowMs: number): boolean {
    if (task.settledMs + this.#ms <= nowMs) return false
    if (task.settledMs >= this.#latestMs) this.#latestMs = task.settledMs
    else {
      this.#late ??= new LateTickets()
      this.#late.add(task)
    }
    this.#addTicketed(task, nowMs)
    return this.#count > 0
  }

  /** Drops the tasks whose time has passed. `nowMs` is in milliseconds since the pool was created. */
  expire(nowMs: number): void {
    const isOver = (task: T | null): task is T => task !== null && task.settledMs + this.#ms <= nowMs
    for (let { head } = this.unread; isOver(head); head = this.unread.head) this.unread.remove(head)
    for (let { head } = this.ticketed; isOver(head); head = this.ticketed.head) this.#drop(head)
    for (let late = this.#firstLate; isOver(late); late = this.#firstLate) this.#drop(late)
  }

  /** Time of the earliest settle of a task with a ticket; Infinity if there is none. */
  get oldestTicketMs(): number {
    const oldest = this.ticketed.head?.settledMs ?? Number.POSITIVE_INFINITY
    return Math.min(oldest, this.#firstLate?.settledMs ?? Number.POSITIVE_INFINITY)
  }

  /** Time at which the first task expires; Infinity if there is none. */
  get nextExpiryMs(): number {
    return Math.min(this.oldestTicketMs, this.unread.head?.settledMs ?? Number.POSITIVE_INFINITY) + this.#ms
  }

  get #firstLate(): T | null {
    return this.#late === null ? null : this.#late.first
  }

  #addTicketed(task: T, nowMs: number): void {
    this.ticketed.push(task)
    if (this.ticketed.size <= this.#count) return
    const first = this.ticketed.head as T
    if (first.settledMs + this.#ms > nowMs) this.forgottenEarly++
    this.#drop(first)
  }

  #drop(task: T): void {
    this.ticketed.remove(task)
    if (this.#late !== null) this.#late.remove(task)
    this.#forget(task)
  }
}
