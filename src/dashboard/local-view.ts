import type { LocalDashboardPool } from './dashboard-pool.js'
import type { RateMeter } from './rates.js'
import { type Snapshot, snapshotOf } from './snapshot.js'
import { TaskListReader } from './task-lists.js'
import type { View } from './view.js'

/** A pool of this process: all of it is read for each snapshot. */
export class LocalView implements View {
  readonly #pool: LocalDashboardPool
  readonly #lists: TaskListReader

  constructor(pool: LocalDashboardPool) {
    this.#pool = pool
    this.#lists = new TaskListReader(pool)
  }

  snapshot(meter: RateMeter): Snapshot {
    return snapshotOf(this.#pool.stats(), meter, this.#lists.read())
  }

  /** Keeps nothing but the failures, each of which is read once. */
  forget(): void {}
}
