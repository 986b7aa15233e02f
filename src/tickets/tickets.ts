import type { RetentionStats } from '../contract/reports.js'
import type { PoolSettings } from '../contract/settings.js'
import type { OnDuplicate, TaskSettings } from '../contract/task-settings.js'
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

/** Finds a live or retained task by its ticket. A ticket is generated only when it is first read. */
export class Tickets {
  readonly #parts: TicketParts
  /** Generated tickets. */
  readonly #table: TicketTable<PoolTask>
  /** Tickets chosen by callers. */
  readonly #chosen = new Map<string, Chosen>()
  readonly #retention: Retention<PoolTask>
  readonly #expiry = new Deadline(() => this.#forget(this.#now))

  constructor(parts: TicketParts) {
    this.#parts = parts
    this.#table = new TicketTable(parts.clock)
    this.#retention = new Retention(parts.settings.retention, ({ ticket }) => {
      if (ticket !== null) ticket.forget()
    })
  }

  /** The retained tasks. */
  get retained(): Pick<Retention<PoolTask>, 'size' | 'ticketed' | 'unread'> {
    this.#expire()
    return this.#retention
  }

  /** How long tickets last. */
  stats(): RetentionStats {
    const { ticketed, oldestTicketMs, forgottenEarly } = this.#expire()
    const oldestMs = Math.max(this.#now - oldestTicketMs, 0)
    return { retained: ticketed.size, oldestMs, forgottenEarly }
  }

  /** The task with this ticket. */
  find(id: unknown): PoolTask | undefined {
    if (typeof id !== 'string') return undefined
    this.#expire()
    return this.#table.find(id) ?? this.#chosen.get(id)?.task ?? undefined
  }

  /** The task that holds the id of a newcomer, if it has to be considered. */
  holder({ id, onDuplicate }: Pick<TaskSettings, 'id' | 'onDuplicate'>): PoolTask | undefined {
    const holder = this.find(id)
    return onDuplicate === 'join-live' && holder?.isSettled ? undefined : holder
  }

  /** Registers the ticket that the caller chose for a task. A settled task that still has it is forgotten. */
  register(task: PoolTask, id: string, onDuplicate: OnDuplicate): void {
    if (onDuplicate === 'join-live') this.#giveWay(id)
    const ticket = new Chosen(id, task, this.#chosen)
    task.ticket = ticket
    this.#chosen.set(id, ticket)
  }

  /** Generates a ticket for a task. It is found as long as the task is live or retained. */
  issue(task: PoolTask): Ticket {
    return this.#table.issue(!task.isSettled || this.#retainLate(task) ? task : undefined)
  }

  #giveWay(id: string): void {
    const former = this.find(id)
    if (former !== undefined) this.forget(former)
  }

  /**
   * Stops retaining a settled task. Its id leads nowhere from now on, also one that nobody has read yet.
   *
   * @returns whether it was retained
   */
  forget(task: PoolTask): boolean {
    if (!task.isSettled) return false
    const wasRetained = this.#expire().remove(task)
    task.ticket ??= this.#table.issue(undefined)
    return wasRetained
  }

  /** Retains a settled task. */
  retain(task: PoolTask): void {
    this.#retention.add(task)
    if (!this.#expiry.isSet || task.retainMs !== undefined) this.#setTimer()
  }

  /** Retains a task whose end is shown later than it was decided; forgets it if its time has passed meanwhile. */
  retainLater(task: PoolTask): void {
    const { nextExpiryMs } = this.#expire()
    if (!this.#retention.addTicketed(task, this.#now)) task.ticket?.forget()
    if (!this.#expiry.isSet || this.#retention.nextExpiryMs < nextExpiryMs) this.#setTimer()
  }

  /** Retains a settled task because its ticket is read, unless its time has passed. */
  #retainLate(task: PoolTask): boolean {
    const { nextExpiryMs } = this.#expire()
    const isRetained = this.#retention.addLate(task, this.#now)
    if (!this.#expiry.isSet || this.#retention.nextExpiryMs < nextExpiryMs) this.#setTimer()
    return isRetained
  }

  get #now(): number {
    return this.#parts.turn.fresh()
  }

  /** Drops expired tasks; needed where the timer is late, or not set after a stop. */
  #expire(): Retention<PoolTask> {
    const now = this.#now
    if (this.#retention.nextExpiryMs <= now) this.#forget(now)
    return this.#retention
  }

  #forget(now: number): void {
    this.#retention.expire(now)
    this.#setTimer()
  }

  #setTimer(): void {
    if (this.#parts.scheduler.stage === STOPPED) return
    const delayMs = Math.max(this.#retention.nextExpiryMs - this.#parts.turn.fresh(), 0)
    this.#parts.deadlines.set(this.#expiry, delayMs, false)
  }
}

/**
 * A ticket chosen by a caller. It stands between the map and the task, and drops the task when it is forgotten: the former
 * tables that a map leaves behind would keep tasks and their results in memory through many collections.
 */
class Chosen implements Ticket {
  readonly text: string
  task: PoolTask | null
  readonly #all: Map<string, Chosen>

  constructor(text: string, task: PoolTask, all: Map<string, Chosen>) {
    this.text = text
    this.task = task
    this.#all = all
  }

  forget(): void {
    this.#all.delete(this.text)
    this.task = null
  }
}
