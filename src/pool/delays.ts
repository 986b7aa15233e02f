import { EVENT_BIT } from '../contract/events.js'
import type { Attempts } from '../running/attempts.js'
import type { PoolTask } from '../task/task.js'
import type { TaskDetails } from '../task/task-details.js'
import { Deadline } from '../waiting/deadlines.js'
import type { CancelAll } from './cancel-all.js'
import type { Dispatch, PoolParts } from './pool-parts.js'

/** The parts that a delay acts on. */
export interface DelayParts {
  readonly attempts: Attempts
  readonly cancelAll: CancelAll
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
  readonly #dispatch: Dispatch

  constructor(parts: PoolParts, { attempts, cancelAll }: DelayParts, dispatch: Dispatch) {
    this.#parts = parts
    this.#attempts = attempts
    this.#cancelAll = cancelAll
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
      this.#requeue(task)
      if (task.worker === null && !task.isSettled) queued()
    })
  }

  /** A task failed, and is tried again after its backoff. */
  retry(task: PoolTask, error: unknown, delayMs: number): void {
    const { listeners } = this.#parts
    this.#attempts.leave(task)
    this.retried++
    this.#putBack(task, delayMs)
    if ((listeners.mask & EVENT_BIT.retrying) !== 0) listeners.emit(task.scope, 'retrying', task, { error, delayMs })
  }

  /** A task function asked to be called again later: that attempt does not count. */
  snooze(task: PoolTask, delayMs: number): void {
    const { listeners } = this.#parts
    this.#attempts.leave(task)
    this.snoozed++
    task.detailed().retries--
    this.#putBack(task, delayMs)
    if ((listeners.mask & EVENT_BIT.snoozed) !== 0) listeners.emit(task.scope, 'snoozed', task, { delayMs })
  }

  /** The attempt has ended, but not its task. */
  #putBack(task: PoolTask, delayMs: number): void {
    const { scheduler, clock } = this.#parts
    const details = task.detailed()
    const now = this.#dispatch.schedulerNow
    const until = clock.now() + delayMs
    const next = scheduler.delay(task, until, now)
    task.worker = null
    details.progress = undefined
    details.progressed = false
    details.changes++
    this.#setEnd(details, until, () => this.#requeue(task))
    this.#dispatch.passOn(next, now)
    task.notify()
  }

  #setEnd(details: TaskDetails, until: number, end: () => void): void {
    details.deadline = new Deadline(end)
    this.#parts.deadlines.setAt(details.deadline, until, true)
  }

  #requeue(task: PoolTask): void {
    this.#cancelAll.moves(task)
    this.#parts.scheduler.requeue(task)
    this.#dispatch.startDue()
  }
}
