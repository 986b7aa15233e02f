import type { StopReport } from '../contract/reports.js'
import type { PoolSettings } from '../contract/settings.js'
import type { Clock } from '../ports/clock.js'
import type { AttemptsOwner, RunningParts } from '../running/attempts.js'
import type { Settled } from '../scheduler/lifecycle.js'
import type { Scheduler } from '../scheduler/scheduler.js'
import type { Stored } from '../task/stored.js'
import type { PoolTask, TaskOwner } from '../task/task.js'
import type { WallTimes } from '../task/wall-times.js'
import type { Signals } from '../waiting/signals.js'
import type { AdmissionWaiter } from './waiter.js'

/** What the files of this folder share. */
export interface PoolParts extends RunningParts {
  readonly settings: PoolSettings
  readonly clock: Clock
  readonly scheduler: Scheduler<PoolTask, AdmissionWaiter>
  readonly signals: Signals
  readonly times: WallTimes
}

/**
 * The dispatcher, as the parts it is made of call it: what one of them causes (a place becomes free, the last task
 * settles) concerns all others.
 */
export interface Dispatch extends TaskOwner, AttemptsOwner {
  /** The time for the scheduler, read where it matters only. */
  readonly schedulerNow: number
  /** Starts what may start, then admits the waiters that there is room for. */
  startDue(now?: number): void
  /** A place was freed: it goes to the next task in the queue, then to the first waiter. */
  passOn(next: PoolTask | null, now: number): void
  /** Sets the timer for the next start that the rate allows. */
  watchRate(now: number): void
  /** Starts what may start after a delay. */
  requeue(task: PoolTask): void
  /** The first half of the end of a stored task: everything but what is shown. */
  endUnseen(task: PoolTask, to: Settled, payload: unknown): void
  /** A stored task stays for the next pool: the same half. */
  leaveUnseen(task: PoolTask): void
  /** The second half. */
  showEnd(task: PoolTask, stored: Stored): void
  /** Does all of this, then ends the waits for an empty pool. */
  together(effects: () => void): void
  /** The stop has ended. */
  finished(report: StopReport): void
}
