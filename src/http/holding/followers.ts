import type { Task } from '../../contract/task-contract.js'
import type { TaskRecord } from '../../contract/task-record.js'
import type { Clock, Timer } from '../../ports/clock.js'
import type { TicketPool } from '../tickets/ticket-pool.js'

/** The part of a clock that the routes use: the time, and timers. */
export type RouteClock = Pick<Clock, 'now' | 'timer'>

/** The abort reason that ends `task.changes()`. Not visible outside. */
const ENDED = new Error('nobody follows this task any more')

/**
 * Follows the changes of one task for one held request. Buffers at most one record, the newest. Its timer is set only
 * while `next` waits.
 */
export class Follower {
  readonly #clock: RouteClock
  readonly #timer: Timer
  readonly #over = new AbortController()
  readonly #changes: AsyncIterator<TaskRecord>
  #newest: TaskRecord | undefined
  #isReading = false
  #wake = (): void => {}

  constructor(task: Task, clock: RouteClock) {
    this.#clock = clock
    this.#timer = clock.timer(() => this.#wake())
    this.#timer.keepAlive(false) // the connection keeps the process alive
    this.#changes = task.changes({ signal: this.#over.signal })[Symbol.asyncIterator]()
  }

  /** Whether no further record will come. */
  get isOver(): boolean {
    return this.#over.signal.aborted
  }

  /**
   * The current record at the first call, then the newest one since the last call. `undefined` when there is none before
   * the time `until`, or when the follower has ended.
   */
  async next(until: number): Promise<TaskRecord | undefined> {
    this.#read()
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

  /** Ends the follower: a waiting `next` returns, and the task drops its listener. */
  end(): void {
    this.#over.abort(ENDED)
    this.#wake()
  }

  #read(): void {
    if (this.#isReading || this.isOver || this.#newest !== undefined) return
    this.#isReading = true
    this.#changes.next().then(
      ({ done, value }) => {
        this.#isReading = false
        if (done === true) return this.end()
        this.#newest = value
        this.#wake()
      },
      () => this.end()
    )
  }
}

/** All followers: each ends when its client leaves, and all end when the pool has stopped. */
export class Followers {
  readonly #clock: RouteClock
  readonly #open = new Set<Follower>()
  #hasStopped = false

  constructor(pool: TicketPool, clock: RouteClock) {
    this.#clock = clock
    const stop = (): void => {
      this.#hasStopped = true
      for (const follower of this.#open) follower.end()
    }
    pool.closed.then(stop, stop)
  }

  /**
   * Starts to follow a task for a client.
   *
   * @param signal - aborts when the client leaves
   * @returns the follower, and `leave`, which must be called at the end
   */
  join(task: Task, signal: AbortSignal): { readonly follower: Follower; readonly leave: () => void } {
    const follower = new Follower(task, this.#clock)
    const end = (): void => follower.end()
    this.#open.add(follower)
    signal.addEventListener('abort', end)
    if (signal.aborted || this.#hasStopped) end()
    const leave = (): void => {
      end()
      signal.removeEventListener('abort', end)
      this.#open.delete(follower)
    }
    return { follower, leave }
  }
}
