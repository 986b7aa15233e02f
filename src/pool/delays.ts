import { EVENT_BIT, type RetryNotice, type SnoozeNotice } from '../contract/events.js'
import type { Attempts } from '../running/attempts.js'
import type { PoolTask } from '../task/task.js'
import type { TaskDetails } from '../task/task-details.js'
import { Deadline } from '../waiting/deadlines.js'
import type { CancelAll } from './cancel-all.js'
import type { Durability } from './durability.js'
import type { Dispatch, PoolParts } from './pool-parts.js'

/** The parts that a delay acts on. */
export interface DelayParts {
  readonly attempts: Attempts
  readonly cancelAll: CancelAll
  readonly durability: Durability | null
}

/** Accepted tasks that must not start yet: they hold a place, and are queued when their time has come. */
export class Delays {
  /** Retries that were scheduled. */
  retried = 0
  /** Attempts that ended by a snooze. */
  snoozed = 0
  readonly #parts: PoolParts
  readonly #attempts: Attempts
  readonly #cancelAll: CancelAll
  readonly #durability: Durability | null
  readonly #dispatch: Dispatch

  constructor(parts: PoolParts, { attempts, cancelAll, durability }: DelayParts, dispatch: Dispatch) {
    this.#parts = parts
    this.#attempts = attempts
    this.#cancelAll = cancelAll
    this.#durability = durability
    this.#dispatch = dispatch
  }

  /**
   * A task was accepted with a delay.
   *
   * @param queued - called when the delay has ended, if the task did not start at once
   */
  begin(task: PoolTask, queued: () => void): void {
    const details = task.detailed()
    this.#setEnd(details, this.#parts.scheduler.delayed.get(task) as number, () => {
      details.readyMs = this.#parts.turn.stamp
      this.requeue(task)
      if (task.worker === null && !task.isSettled) queued()
    })
  }

  /** A task failed, and is tried again after its backoff. */
  retry(task: PoolTask, error: unknown, delayMs: number): void {
    const { listeners } = this.#parts
    this.retried++
    if (this.#putBack(task, { error, delayMs })) return
    if ((listeners.mask & EVENT_BIT.retrying) !== 0) listeners.emit(task.scope, 'retrying', task, { error, delayMs })
  }

  /** A task function asked to be called again later: that attempt does not count. */
  snooze(task: PoolTask, delayMs: number): void {
    const { listeners } = this.#parts
    this.snoozed++
    if (this.#putBack(task, { delayMs })) return
    if ((listeners.mask & EVENT_BIT.snoozed) !== 0) listeners.emit(task.scope, 'snoozed', task, { delayMs })
  }

  /**
   * The attempt has ended, but not its task.
   *
   * @returns whether this is to be written, and reported then
   */
  #putBack(task: PoolTask, notice: RetryNotice | SnoozeNotice): boolean {
    const { scheduler, clock } = this.#parts
    const details = task.detailed()
    const { stored } = details
    if (stored !== null) this.#durability?.retrying(task, stored)
    this.#attempts.leave(task)
    if (!('error' in notice)) details.retries--
    const now = this.#dispatch.schedulerNow
    const until = clock.now() + notice.delayMs
    const next = scheduler.delay(task, until, now)
    task.worker = null
    details.progress = undefined
    details.progressed = false
    details.changes++
    this.#setEnd(details, until, () => this.requeue(task))
    this.#dispatch.passOn(next, now)
    if (stored === null) task.notify()
    else this.#durability?.retries(task, stored, notice)
    return stored !== null
  }

  #setEnd(details: TaskDetails, until: number, end: () => void): void {
    details.deadline = new Deadline(end)
    this.#parts.deadlines.setAt(details.deadline, until, true)
  }

  /** Its time has come. */
  requeue(task: PoolTask): void {
    this.#cancelAll.moves(task)
    this.#parts.scheduler.requeue(task)
    this.#dispatch.startDue()
  }
}
