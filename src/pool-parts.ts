import type { Deadlines } from './deadlines.js'
import type { Listeners } from './events.js'
import type { Clock } from './ports/clock.js'
import type { RoomWaiter } from './room-waiter.js'
import type { Scheduler } from './scheduler/scheduler.js'
import type { SelfWait } from './self-wait.js'
import type { PoolSettings } from './settings.js'
import type { Signals } from './signals.js'
import type { PoolTask } from './task.js'
import type { Turn } from './turn.js'
import type { Unobserved } from './unobserved.js'

/** What the rooms of the shell share. */
export interface PoolParts {
  readonly settings: PoolSettings
  readonly clock: Clock
  readonly turn: Turn
  readonly scheduler: Scheduler<PoolTask, RoomWaiter>
  readonly deadlines: Deadlines
  readonly signals: Signals
  readonly listeners: Listeners
  readonly unobserved: Unobserved
  readonly selfWait: SelfWait | null
}
