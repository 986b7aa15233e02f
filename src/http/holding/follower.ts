import type { Task } from '../../contract/task-contract.js'
import type { TaskRecord } from '../../contract/task-record.js'
import type { Timer } from '../../ports/clock.js'
import type { RouteClock } from '../options.js'

/** Why the changes of a task are no longer asked for. Nobody sees it. */
const ENDED = new Error('nobody follows this task any more')

/**
 * Follows the changes of one task for one client that waits. Holds one record at most, the newest; its timer is set only
 * while something is asked for.
 */
export class Follower {
  readonly #clock: RouteClock
  readonly #timer: Timer
  readonly #over = new AbortController()
  readonly #changes: AsyncIterator<TaskRecord>
  #newest: TaskRecord | undefined
  #isAsking = false
  #wake = (): void => {}

  constructor(task: Task, clock: RouteClock) {
    this.#clock = clock
    this.#timer = clock.timer(() => this.#wake())
    this.#timer.keepAlive(false) // the connection does
    this.#changes = task.changes({ signal: this.#over.signal })[Symbol.asyncIterator]()
  }

  /** Whether nothing more will come. */
  get isOver(): boolean {
    return this.#over.signal.aborted
  }

  /**
   * The present record at first, then each time the newest since; `undefined` when there is none by the time `until`, or
   * when it is over.
   */
  async next(until: number): Promise<TaskRecord | undefined> {
    this.#ask()
    while (this.#newest === undefined && !this.isOver && this.#clock.now() < until) {
      await new Promise<void>((wake) => {
        this.#wake = wake
        this.#timer.set(until - this.#clock.now())
      })
    }
    this.#timer.clear()
    const record = this.#newest
    this.#newest = undefined
    return record
  }

  /** Ends it: whoever waits is woken, and the task is watched no more. */
  end(): void {
    this.#over.abort(ENDED)
    this.#wake()
  }

  #ask(): void {
    if (this.#isAsking || this.isOver || this.#newest !== undefined) return
    this.#isAsking = true
    this.#changes.next().then(
      ({ done, value }) => {
        this.#isAsking = false
        if (done === true) return this.end()
        this.#newest = value
        this.#wake()
      },
      () => this.end()
    )
  }
}
