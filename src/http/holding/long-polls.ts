import type { Task } from '../../contract/task-contract.js'
import type { TaskRecord } from '../../contract/task-record.js'
import type { RouteClock } from '../options.js'
import { isDone } from '../tickets/ticket-status.js'
import { preferredWait } from '../wire/prefer.js'
import type { OwnedRequest } from '../wire/request.js'
import type { Followers } from './followers.js'
import type { Holds } from './held-requests.js'

/** Longer is cut: what stands between client and server gives up on silent connections after some 30 seconds. */
const MAX_WAIT_SECONDS = 25

/** Holds requests for a ticket that would rather wait than be told what they know. */
export class LongPolls {
  readonly #followers: Followers
  readonly #holds: Holds
  readonly #clock: RouteClock

  constructor(followers: Followers, holds: Holds, clock: RouteClock) {
    this.#followers = followers
    this.#holds = holds
    this.#clock = clock
  }

  /**
   * Waits as the client prefers: until a record is news to it, for as long as it says and no longer than the limit.
   *
   * @param seen - the record that the client would be told now
   * @param isNews - whether it is worth answering with a record
   * @returns the preference that was honoured, for `Preference-Applied`; `undefined` when it was not, or there was none
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
    const release = this.#holds.take(seen.id, request.owner)
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
