import type { Task } from '../../contract/task-contract.js'
import type { TaskRecord } from '../../contract/task-record.js'
import { isDone } from '../tickets/ticket-status.js'
import { preferredWait } from '../wire/prefer.js'
import type { OwnedRequest } from '../wire/request.js'
import type { Followers, RouteClock } from './followers.js'
import type { HeldRequests } from './held-requests.js'

/** The longest wait: proxies close idle connections after about 30 seconds. */
const MAX_WAIT_SECONDS = 25

/** Holds requests with `Prefer: wait` until their ticket has changed. */
export class LongPolls {
  readonly #followers: Followers
  readonly #held: HeldRequests
  readonly #clock: RouteClock

  constructor(followers: Followers, held: HeldRequests, clock: RouteClock) {
    this.#followers = followers
    this.#held = held
    this.#clock = clock
  }

  /**
   * Waits until a record is worth an answer, at most for the time that the client prefers.
   *
   * @param seen - the current record
   * @param isNews - whether to answer with a record
   * @returns the value of `Preference-Applied`; `undefined` when there is no preference, or it is not honoured
   */
  async wait(
    request: OwnedRequest,
    task: Task,
    seen: TaskRecord,
    isNews: (record: TaskRecord) => boolean
  ): Promise<string | undefined> {
    const preferred = request.method === 'GET' && !isDone(seen) ? preferredWait(request) : undefined
    if (preferred === undefined) return undefined
    const seconds = Math.min(preferred, MAX_WAIT_SECONDS)
    const applied = `wait=${seconds}`
    if (isNews(seen)) return applied
    const release = this.#held.take(seen.id, request.owner)
    if (release === undefined) return undefined
    const { follower, leave } = this.#followers.join(task, request.signal)
    const until = this.#clock.now() + seconds * 1_000
    try {
      for (let record = await follower.next(until); record !== undefined; record = await follower.next(until)) {
        if (isNews(record)) break
      }
    } finally {
      leave()
      release()
    }
    return applied
  }
}
