import type { Task } from '../../contract/task-contract.js'
import type { TaskRecord } from '../../contract/task-record.js'
import type { RouteClock } from '../options.js'
import type { TicketSettings } from '../settings.js'
import type { TicketReplies } from '../tickets/ticket-replies.js'
import { isDone } from '../tickets/ticket-status.js'
import type { OwnedRequest } from '../wire/request.js'
import type { Follower } from './follower.js'
import type { Followers } from './followers.js'
import { Holds } from './held-requests.js'
import { PatientPieces } from './text-stream.js'
import { COMMENT, statusEvent } from './status-event.js'

/** How soon a client reconnects whose connection broke, and by how much the times of clients differ at most. */
const RETRY_MS = 2_000
const RETRY_JITTER_MS = 1_000

/** How soon a client comes back for which there was no stream. */
const OVER_LIMIT_RETRY_MS = 5_000

const COMMENT_MS = 15_000

/** Four events a second. */
const MIN_INTERVAL_MS = 250

/** What streams are made of. */
export interface StreamParts {
  readonly followers: Followers
  readonly replies: TicketReplies
  readonly settings: TicketSettings
  /** Told of an error that ends a stream. */
  readonly report: (error: unknown) => void
}

/** Tells clients each change of their ticket, as it comes. */
export class EventStreams {
  readonly #followers: Followers
  readonly #replies: TicketReplies
  readonly #holds: Holds
  readonly #clock: RouteClock
  readonly #random: () => number
  readonly #report: StreamParts['report']

  constructor({ followers, replies, settings, report }: StreamParts) {
    this.#followers = followers
    this.#replies = replies
    this.#holds = new Holds(settings.streams)
    this.#clock = settings.clock
    this.#random = settings.random
    this.#report = report
  }

  /** A stream that nobody reads yet: it counts from the first piece on. */
  open(task: Task, { owner, signal }: OwnedRequest): PatientPieces {
    return new PatientPieces((left) => this.#pieces(task, owner, left), {
      client: signal,
      clock: this.#clock,
      report: this.#report
    })
  }

  async *#pieces(task: Task, owner: string | undefined, left: AbortSignal): AsyncGenerator<string, void, undefined> {
    const first = task.record()
    if (isDone(first)) return yield this.#event(task, first, this.#retryMs())
    const release = this.#holds.take(first.id, owner)
    if (release === undefined) return yield this.#event(task, first, OVER_LIMIT_RETRY_MS)
    const { follower, leave } = this.#followers.join(task, left)
    const toldAt = this.#clock.now()
    try {
      yield this.#event(task, first, this.#retryMs())
      yield* this.#changes(task, first, toldAt, follower)
    } finally {
      leave()
      release()
    }
  }

  async *#changes(
    task: Task,
    first: TaskRecord,
    firstAt: number,
    follower: Follower
  ): AsyncGenerator<string, void, undefined> {
    let told = first
    let toldAt = firstAt
    let commentAt = firstAt + COMMENT_MS
    while (!isDone(told)) {
      if (await this.#hasNews(task, told, follower, commentAt)) {
        await this.#pause(follower, toldAt + MIN_INTERVAL_MS)
        told = task.record()
        toldAt = this.#clock.now()
        yield this.#event(task, told)
      } else if (follower.isOver) return
      if (commentAt <= this.#clock.now()) {
        commentAt = this.#clock.now() + COMMENT_MS
        yield COMMENT
      }
    }
  }

  /** Waits for another record than the one told: whether it came before `until`, and before all was over. */
  async #hasNews(task: Task, told: TaskRecord, follower: Follower, until: number): Promise<boolean> {
    for (;;) {
      // Not what the follower gives, which is older if the reader was slow.
      if (task.record().revision !== told.revision) return true
      if ((await follower.next(until)) === undefined) return false
    }
  }

  /** Waits until it is time to tell again, or until there is no more to come. */
  async #pause(follower: Follower, until: number): Promise<void> {
    let change: TaskRecord | undefined
    do change = await follower.next(until)
    while (change !== undefined)
  }

  async #event(task: Task, record: TaskRecord, retryMs?: number): Promise<string> {
    return statusEvent(await this.#replies.status(task, record), retryMs)
  }

  #retryMs(): number {
    return RETRY_MS + Math.floor(this.#random() * RETRY_JITTER_MS)
  }
}
