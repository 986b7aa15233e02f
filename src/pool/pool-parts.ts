import type { Listeners } from '../contract/events.js'
import type { PoolSettings } from '../contract/settings.js'
import type { Clock } from '../ports/clock.js'
import type { SelfWait } from '../running/self-wait.js'
import type { Unobserved } from '../running/unobserved.js'
import type { Scheduler } from '../scheduler/scheduler.js'
import type { PoolTask } from '../task/task.js'
import type { Deadlines } from '../waiting/deadlines.js'
import type { Signals } from '../waiting/signals.js'
import type { Turn } from '../waiting/turn.js'
import type { AdmissionWaiter } from './waiter.js'

/** What the rooms of the shell share. */
export interface PoolParts {
  readonly settings: PoolSettings
  readonly clock: Clock
  readonly turn: Turn
  readonly scheduler: Scheduler<PoolTask, AdmissionWaiter>
  readonly deadlines: Deadlines
  readonly signals: Signals
  readonly listeners: Listeners
  readonly unobserved: Unobserved
  readonly selfWait: SelfWait | null
}
