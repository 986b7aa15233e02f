import { describeError } from '../../contract/task-record.js'
import type { Clock } from '../../ports/clock.js'
import type { SharedDashboardPool } from '../dashboard-pool.js'
import type { RateMeter } from '../rates.js'
import type { View } from '../view.js'
import { type SharedSnapshot, sharedSnapshotOf } from './snapshot.js'
import { type StoreAnswer, storeAnswer } from './store-answer.js'

/** Time from the begin of one read of the store to that of the next. */
const READ_MS = 1_000

/**
 * A pool that several processes share. A snapshot has the last answer of the store, and begins to read the next one: at most
 * once a second, and never two at once. A read that fails leaves the last answer, and the snapshot states it.
 */
export class SharedView implements View {
  readonly #pool: SharedDashboardPool
  readonly #clock: Pick<Clock, 'now'>
  readonly #onNews: () => void
  #answer: StoreAnswer | undefined
  /** Why the last read failed. */
  #failure: string | undefined
  #isReading = false
  #nextReadAt = Number.NEGATIVE_INFINITY

  /** @param onNews - called at the end of each read */
  constructor(pool: SharedDashboardPool, clock: Pick<Clock, 'now'>, onNews: () => void) {
    this.#pool = pool
    this.#clock = clock
    this.#onNews = onNews
  }

  snapshot(meter: RateMeter): SharedSnapshot {
    const stats = this.#pool.stats()
    // A pool that has stopped in this process has no connection to its store.
    if (stats.state !== 'stopped') this.#readWhenDue()
    return sharedSnapshotOf({ stats, meter, answer: this.#answer, failure: this.#failure })
  }

  forget(): void {
    this.#answer = undefined
    this.#failure = undefined
    this.#nextReadAt = Number.NEGATIVE_INFINITY
  }

  #readWhenDue(): void {
    const now = this.#clock.now()
    if (this.#isReading || now < this.#nextReadAt) return
    this.#nextReadAt = now + READ_MS
    this.#isReading = true
    void this.#read()
  }

  async #read(): Promise<void> {
    try {
      this.#answer = await storeAnswer(this.#pool)
      this.#failure = undefined
    } catch (error) {
      this.#failure = describeError(error).message
    }
    this.#isReading = false
    this.#onNews()
  }
}
