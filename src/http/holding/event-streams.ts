import type { Task } from '../../contract/task-contract.js'
import type { TaskRecord } from '../../contract/task-record.js'
import type { TicketReplies } from '../tickets/ticket-replies.js'
import { isDone } from '../tickets/ticket-status.js'
import type { Hooks } from '../wire/hooks.js'
import type { OwnedRequest } from '../wire/request.js'
import type { Follower, Followers, RouteClock } from './followers.js'
import type { HeldRequests } from './held-requests.js'
import { TextStream } from './text-stream.js'

/** When a client reconnects after its connection broke, and the largest difference between clients. */
const RETRY_MS = 2_000
const RETRY_JITTER_MS = 1_000

/** When a client reconnects that was over the limits. */
const OVER_LIMIT_RETRY_MS = 5_000

/** Sent periodically so that proxies keep an idle connection open. */
const COMMENT = ':\n\n'
const COMMENT_MS = 15_000

/** At most four events a second. */
const MIN_INTERVAL_MS = 250

/** The parts that streams use. */
export interface StreamParts {
  readonly followers: Followers
  readonly held: HeldRequests
  readonly replies: TicketReplies
  readonly hooks: Hooks
  readonly clock: RouteClock
  readonly random: () => number
}

/** Streams of server-sent events. @see https://html.spec.whatwg.org/multipage/server-sent-events.html */
export class EventStreams {
  readonly #parts: StreamParts

  constructor(parts: StreamParts) {
    this.#parts = parts
  }

  /** A stream for one client. It counts against the limits from the read of its first piece. */
  open(task: Task, { owner, signal }: OwnedRequest): TextStream {
    const { clock, hooks } = this.#parts
    return new TextStream((ended) => this.#pieces(task, owner, ended), { client: signal, clock, hooks })
  }

  async *#pieces(task: Task, owner: string | undefined, ended: AbortSignal): AsyncGenerator<string, void, undefined> {
    const { clock, held, followers } = this.#parts
    const first = task.record()
    if (isDone(first)) return yield this.#event(task, first, this.#retryMs())
    const release = held.take(first.id, owner)
    if (release === undefined) return yield this.#event(task, first, OVER_LIMIT_RETRY_MS)
    const { follower, leave } = followers.join(task, ended)
    const sentAt = clock.now()
    try {
      yield this.#event(task, first, this.#retryMs())
      yield* this.#changes(task, first, sentAt, follower)
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
    const { clock } = this.#parts
    let sent = first
    let sentAt = firstAt
    let commentAt = firstAt + COMMENT_MS
    while (!isDone(sent)) {
      if (await this.#hasChanged(task, sent, follower, commentAt)) {
        await this.#pause(follower, sentAt + MIN_INTERVAL_MS)
        sent = task.record()
        sentAt = clock.now()
        yield this.#event(task, sent)
      } else if (follower.isOver) return
      if (commentAt <= clock.now()) {
        commentAt = clock.now() + COMMENT_MS
        yield COMMENT
      }
    }
  }

  /** Waits for a newer record than the one sent. False at the time `until`, and when the follower has ended. */
  async #hasChanged(task: Task, sent: TaskRecord, follower: Follower, until: number): Promise<boolean> {
    for (;;) {
      // Not the follower's record, which is outdated after a slow drain.
      if (task.record().revision !== sent.revision) return true
      if ((await follower.next(until)) === undefined) return false
    }
  }

  /** Waits until the time `until`, or until no further record will come. */
  async #pause(follower: Follower, until: number): Promise<void> {
    let change: TaskRecord | undefined
    do change = await follower.next(until)
    while (change !== undefined)
  }

  /** The event with a record's status. Its id is the revision, which a client sends back as `Last-Event-ID`. */
  #event(task: Task, record: TaskRecord, retryMs?: number): string {
    const status = this.#parts.replies.status(task, record)
    const retry = retryMs === undefined ? '' : `retry: ${retryMs}\n`
    return `${retry}event: status\nid: ${status.revision}\ndata: ${JSON.stringify(status)}\n\n`
  }

  #retryMs(): number {
    return RETRY_MS + Math.floor(this.#parts.random() * RETRY_JITTER_MS)
  }
}
