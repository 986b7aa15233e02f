import type { PoolSettings } from '../contract/settings.js'
import type { Clock } from '../ports/clock.js'
import { type PoolStage, STOPPED } from '../scheduler/lifecycle.js'
import type { PoolTask, Ticket } from '../task/task.js'
import { Deadline, type Deadlines } from '../waiting/deadlines.js'
import type { Turn } from '../waiting/turn.js'
import { Retention } from './retention.js'
import { TicketTable } from './ticket-table.js'

/** The parts of the pool that finding and retaining tasks takes. */
export interface TicketParts {
  readonly settings: Pick<PoolSettings, 'retention'>
  readonly clock: Clock
  readonly turn: Turn
  readonly scheduler: { readonly stage: PoolStage }
  readonly deadlines: Deadlines
}

/** Finds a task by its ticket: while it lives, and as long as it is retained. A ticket nobody asked for is never made. */
export class Tickets {
  readonly #parts: TicketParts
  /** The tickets made here. */
  readonly #book: TicketTable<PoolTask>
  /** The tickets that callers chose. */
  readonly #chosen = new Map<string, PoolTask>()
  readonly #retention: Retention<PoolTask>
  readonly #expiry = new Deadline(() => this.#forget(this.#now))

  constructor(parts: TicketParts) {
    this.#parts = parts
    this.#book = new TicketTable(parts.clock)
    this.#retention = new Retention(parts.settings.retention, ({ ticket }) => {
      if (ticket !== null) ticket.forget()
    })
  }

  /** The settled tasks that are still kept, the oldest first. */
  get retained(): Retention<PoolTask>['tasks'] {
    this.#expire()
    return this.#retention.tasks
  }

  /** The task of a ticket. */
  find(id: unknown): PoolTask | undefined {
    if (typeof id !== 'string') return undefined
    this.#expire()
    return this.#book.find(id) ?? this.#chosen.get(id)
  }

  /** Gives a task its caller's own ticket. */
  register(task: PoolTask, id: string): void {
    task.ticket = new Chosen(id, this.#chosen)
    this.#chosen.set(id, task)
  }

  /** Makes a ticket. It leads to the task as long as that is kept. */
  issue(task: PoolTask): Ticket {
    return this.#book.issue(!task.isSettled || this.#retention.has(task) ? task : undefined)
  }

  /** A task has settled: it is kept for a while. */
  retain(task: PoolTask): void {
    this.#retention.add(task)
    if (!this.#expiry.isSet) this.#watch()
  }

  get #now(): number {
    return this.#parts.turn.fresh()
  }

  /** Forgets what was kept long enough, also where the timer is late or there is none. */
  #expire(): void {
    const now = this.#now
    if (this.#retention.nextExpiryMs <= now) this.#forget(now)
  }

  #forget(now: number): void {
    this.#retention.expire(now)
    this.#watch()
  }

  #watch(): void {
    if (this.#parts.scheduler.stage === STOPPED) return
    const delayMs = Math.max(this.#retention.nextExpiryMs - this.#parts.turn.fresh(), 0)
    this.#parts.deadlines.set(this.#expiry, delayMs, false)
  }
}

/** A ticket that a caller chose. */
class Chosen implements Ticket {
  readonly text: string
  readonly #all: Map<string, unknown>

  constructor(text: string, all: Map<string, unknown>) {
    this.text = text
    this.#all = all
  }

  forget(): void {
    this.#all.delete(this.text)
  }
}
