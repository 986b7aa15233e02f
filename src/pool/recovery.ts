import { TaskInterruptedError, withoutStack } from '../contract/errors.js'
import type { PoolSettings } from '../contract/settings.js'
import type { OpenStore, StoredTask } from '../contract/store.js'
import { TaskPoisonedError } from '../contract/store-errors.js'
import type { TaskSettings } from '../contract/task-settings.js'
import { restoreTask } from '../durable/restore.js'
import { settingsOf } from '../durable/stored-options.js'
import type { Clock } from '../ports/clock.js'
import { type KeyBounds, NO_BOUND } from '../scheduler/lane.js'
import { CANCELED, DELAYED, FAILED, QUEUED, RUNNING } from '../scheduler/lifecycle.js'
import { Cancellation } from '../task/cancellation.js'
import type { Stored } from '../task/stored.js'
import type { PoolTask } from '../task/task.js'
import { LAST_DATE_MS } from '../task/wall-times.js'
import type { Handler } from '../task/work.js'
import type { Tickets } from '../tickets/tickets.js'
import { Deadline } from '../waiting/deadlines.js'
import type { Acceptance } from './acceptance.js'
import type { Durability } from './durability.js'
import type { Dispatch, PoolParts } from './pool-parts.js'

/** Names that a report of tasks without a handler has at most. */
const MAX_NAMES = 10

/** A task that ran when its process ended. */
interface Interrupted {
  readonly task: PoolTask
  readonly stored: Stored
  readonly handler: Handler
}

/**
 * Takes up the tasks of the store: those that have ended as retained ones, those that were queued into the queue, in
 * their order. What ran when the process ended is judged when the pool starts, since listeners are there by then.
 */
export class Recovery {
  readonly #parts: PoolParts
  readonly #durability: Durability
  readonly #tickets: Tickets
  readonly #acceptance: Acceptance
  readonly #dispatch: Dispatch
  #interrupted: Interrupted[] = []
  /** Tasks that ran when an earlier process ended, and had not had their turn when the last one did. */
  #waiting: PoolTask[] = []
  /** Tasks whose time in the queue ran out while no process had them. */
  #overdue: PoolTask[] = []
  readonly #parkedNames = new Set<string>()
  /** What the function of the bounds of a key threw: there is no caller to throw it to. */
  readonly #boundsErrors: unknown[] = []
  #judged = false

  constructor(parts: PoolParts, durability: Durability, tickets: Tickets, acceptance: Acceptance, dispatch: Dispatch) {
    this.#parts = parts
    this.#durability = durability
    this.#tickets = tickets
    this.#acceptance = acceptance
    this.#dispatch = dispatch
  }

  // ── when the pool is made ────────────────────────────────────────────────────────────────────────────────────────

  recover(handlers: ReadonlyMap<string, Handler>): void {
    const { store } = this.#durability
    for (const row of retainedOf(store, this.#parts.settings, this.#parts.clock.date())) {
      const task = this.#restore(row, undefined)
      this.#tickets.retainLater(task)
    }
    for (const row of store.unfinished) {
      const handler = handlers.get(row.name)
      if (handler === undefined) this.#park(row)
      else this.#takeUp(row, handler)
    }
  }

  #restore(row: StoredTask, handler: Handler | undefined): PoolTask {
    const { times } = this.#parts
    const task = restoreTask(row, this.#dispatch, handler, (wallMs) => times.stamp(wallMs))
    this.#tickets.register(task, row.id, 'refuse')
    this.#durability.attach(task)
    return task
  }

  /** Without its handler a task stays in the store: the next version of the program may have it again. */
  #park({ id, name, chosen }: StoredTask): void {
    this.#durability.parkedCount++
    this.#parkedNames.add(name)
    if (chosen) this.#durability.parked.add(id)
  }

  #takeUp(row: StoredTask, handler: Handler): void {
    const task = this.#restore(row, handler)
    const key = row.key ?? undefined
    if (key !== undefined && typeof this.#parts.settings.perKey === 'function')
      return this.#withBounds(this.#parts.settings.perKey, key, () => this.#place(task, row, key, handler))
    this.#place(task, row, key, handler)
  }

  /** Gives a key its own bounds. They are not applied to what was accepted under former ones, but to what follows. */
  #withBounds(boundsOf: (key: string) => KeyBounds, key: string, place: () => void): void {
    const { scheduler } = this.#parts
    scheduler.intake.openKey(key, (key) => {
      try {
        return boundsOf(key)
      } catch (error) {
        this.#boundsErrors.push(error)
        return NO_BOUND
      }
    })
    place()
    scheduler.intake.closeKey(key)
  }

  #place(task: PoolTask, row: StoredTask, key: string | undefined, handler: Handler): void {
    const { scheduler } = this.#parts
    if (row.state === 'running') {
      const stored = task.details?.stored as Stored
      scheduler.intake.restoreDelayed(task, row.priority, key, Number.POSITIVE_INFINITY, weightOf(task))
      stored.shown = { stage: RUNNING, revision: task.presentRevision, progress: undefined }
      this.#interrupted.push({ task, stored, handler })
      return
    }
    if (row.crashes > 0 && row.dueAt === null) {
      scheduler.intake.restoreDelayed(task, row.priority, key, Number.POSITIVE_INFINITY, weightOf(task))
      this.#waiting.push(task)
      return
    }
    if (row.dueAt !== null && row.dueAt > this.#parts.clock.date()) this.#delay(task, row, row.dueAt)
    else scheduler.intake.restore(task, row.priority, key, weightOf(task))
    if (row.startedAt === null && task.stage === QUEUED) this.#limitQueueing(task, row)
  }

  #delay(task: PoolTask, row: StoredTask, dueAt: number): void {
    const { scheduler, clock, deadlines } = this.#parts
    const until = dueAt >= LAST_DATE_MS ? Number.POSITIVE_INFINITY : clock.now() + dueAt - clock.date()
    scheduler.intake.restoreDelayed(task, row.priority, row.key ?? undefined, until, weightOf(task))
    const deadline = new Deadline(() => {
      if (row.startedAt === null) task.detailed().readyMs = this.#parts.turn.stamp
      this.#dispatch.requeue(task)
      if (row.startedAt === null && task.stage === QUEUED) this.#limitQueueing(task, row)
    })
    task.detailed().deadline = deadline
    deadlines.setAt(deadline, until, true)
  }

  #limitQueueing(task: PoolTask, row: StoredTask): void {
    const { settings, clock } = this.#parts
    const limitMs = task.details?.settings?.queueTimeoutMs ?? settings.queueTimeoutMs
    if (limitMs === Number.POSITIVE_INFINITY) return
    const leftMs = Math.max(row.queuedAt, row.dueAt ?? 0) + limitMs - clock.date()
    if (leftMs <= 0 && !this.#judged) this.#overdue.push(task)
    this.#acceptance.limitQueueing(task, Math.max(leftMs, 0))
  }

  // ── when it starts, or stops without ─────────────────────────────────────────────────────────────────────────────

  /** Judges what the end of the last process left undecided, once. */
  judge(): void {
    if (this.#judged) return
    this.#judged = true
    const suspects = this.#waiting.filter(({ stage }) => stage === DELAYED)
    for (const interrupted of this.#interrupted) {
      const { task } = interrupted
      if (task.stage === DELAYED && this.#isSuspect(interrupted)) suspects.push(task)
    }
    for (const task of this.#overdue) {
      if (task.stage === QUEUED) this.#dispatch.settle(task, CANCELED, new Cancellation('queue_timeout'))
    }
    this.#interrupted = []
    this.#waiting = []
    this.#overdue = []
    this.#durability.suspects.begin(suspects)
    this.#reportParked()
    for (const error of this.#boundsErrors.splice(0)) this.#parts.unobserved.report(error, {})
  }

  /** Ends a task that ran, unless it may be run again. */
  #isSuspect({ task, stored, handler }: Interrupted): boolean {
    const { maxCrashes } = this.#parts.settings
    stored.crashes++
    if (stored.cancelAt !== null) this.#dispatch.settle(task, CANCELED, Cancellation.byUser(undefined))
    else if (!handler.rerun) this.#fail(task, () => new TaskInterruptedError(task.id, 'exit'))
    else if (stored.crashes >= maxCrashes) this.#fail(task, () => new TaskPoisonedError(task.id, stored.crashes))
    else {
      this.#durability.journal.changed(task, stored)
      return true
    }
    return false
  }

  #fail(task: PoolTask, make: () => TaskInterruptedError | TaskPoisonedError): void {
    this.#dispatch.settle(task, FAILED, withoutStack(make))
  }

  #reportParked(): void {
    if (this.#parkedNames.size === 0) return
    const names = [...this.#parkedNames].slice(0, MAX_NAMES).map((name) => JSON.stringify(name))
    const more = this.#parkedNames.size > MAX_NAMES ? ' and others' : ''
    const error = new Error(
      `The store has ${this.#durability.parkedCount} unfinished tasks of handlers that this pool lacks: ` +
        `${names.join(', ')}${more}. They stay there until a pool with these handlers is made.`
    )
    this.#parts.unobserved.report(error, {})
  }
}

function weightOf(task: PoolTask): number {
  return (task.detailed().settings as TaskSettings).weight
}

/** The ended tasks of the store that this pool retains. */
function retainedOf(
  { finished }: OpenStore,
  { retention }: Pick<PoolSettings, 'retention'>,
  nowMs: number
): readonly StoredTask[] {
  const newest = retention.count === 0 ? [] : finished.slice(-retention.count)
  return newest.filter((row) => {
    const { retainMs = retention.ms } = settingsOf(row)
    return row.settledAt !== null && row.settledAt + retainMs > nowMs
  })
}

/** The two clocks are not read at the same moment. */
const READING_MS = 1_000

/**
 * How old the oldest task that the store gives back is, in milliseconds: stamps count from before then, so that they give
 * its times back as they were.
 */
export function ageOf(settings: PoolSettings, clock: Clock): number {
  const { store } = settings
  if (store === undefined) return 0
  const nowMs = clock.date()
  let oldestMs = nowMs
  for (const { queuedAt } of store.unfinished) oldestMs = Math.min(oldestMs, queuedAt)
  for (const { queuedAt } of retainedOf(store, settings, nowMs)) oldestMs = Math.min(oldestMs, queuedAt)
  return oldestMs === nowMs ? 0 : Math.ceil(nowMs - oldestMs) + READING_MS
}
