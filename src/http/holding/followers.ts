import type { Task } from '../../contract/task-contract.js'
import type { TicketPool } from '../tickets/ticket-pool.js'
import { Follower, type RouteClock } from './follower.js'

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
