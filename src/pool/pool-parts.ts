import { Listeners } from '../contract/events.js'
import type { StopReport } from '../contract/reports.js'
import type { PoolSettings } from '../contract/settings.js'
import type { Clock } from '../ports/clock.js'
import type { AttemptsOwner, RunningParts } from '../running/attempts.js'
import { SelfWait } from '../running/self-wait.js'
import { Unobserved } from '../running/unobserved.js'
import type { Settled } from '../scheduler/lifecycle.js'
import { RateWindow } from '../scheduler/rate-window.js'
import { Scheduler } from '../scheduler/scheduler.js'
import type { Stored } from '../task/stored.js'
import { PoolTask, type TaskOwner } from '../task/task.js'
import { WallTimes } from '../task/wall-times.js'
import { Deadlines } from '../waiting/deadlines.js'
import { Signals } from '../waiting/signals.js'
import { Turn } from '../waiting/turn.js'
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

/** What the parts of a pool share depends on this besides its settings. */
interface Surroundings {
  readonly clock: Clock
  /** Stamps count from so long before now. */
  readonly ageMs: number
  readonly onTurnEnd: () => void
}

/** Makes what the files of this folder share. */
export function partsOf(settings: PoolSettings, { clock, ageMs, onTurnEnd }: Surroundings): PoolParts {
  const unobserved = new Unobserved(settings.onUnobservedError)
  const { rateLimit } = settings
  const turn = new Turn(clock, onTurnEnd, ageMs)
  const listeners = new Listeners(
    (error, event, task) => unobserved.report(error, task instanceof PoolTask ? { event, task } : { event }),
    settings.name
  )
  return {
    settings,
    clock,
    turn,
    times: new WallTimes(clock, turn, () => listeners.findSubscribers()),
    scheduler: new Scheduler({
      ...settings,
      perKey: typeof settings.perKey === 'function' ? 'own' : settings.perKey,
      rate: rateLimit === undefined ? null : new RateWindow(rateLimit.starts, rateLimit.intervalMs)
    }),
    deadlines: new Deadlines(clock),
    signals: new Signals((error) => unobserved.report(error, {})),
    listeners,
    unobserved,
    selfWait: settings.detectSelfWait ? new SelfWait() : null
  }
}
