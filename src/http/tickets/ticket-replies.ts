import type { Task } from '../../contract/task-contract.js'
import type { TaskRecord } from '../../contract/task-record.js'
import type { TicketSettings } from '../settings.js'
import { tagOf } from '../wire/entity-tag.js'
import { type OwnBody, ownReply } from '../wire/own-body.js'
import { problemOf, refusalReply } from '../wire/problems.js'
import { type HttpReply, replyWith } from '../wire/reply.js'
import { wholeSeconds } from '../wire/retry-after.js'
import { type FailureRules, failureOf } from './task-failure.js'
import { isDone, statusOf, type TicketStatus } from './ticket-status.js'

/** What a reply with a status may differ in. */
interface FoundParts {
  /** The task's present record unless given. */
  readonly record?: TaskRecord
  readonly status?: 200 | 202
  readonly headers?: Readonly<Record<string, string>>
}

/** A task, and the record of it that was looked at. */
export interface FoundTicket {
  readonly task: Task
  readonly record: TaskRecord
}

/** Turns tasks into replies: the one place that knows what a ticket looks like over HTTP. */
export class TicketReplies {
  readonly #base: string
  readonly #pollAfterMs: number
  readonly #rules: FailureRules

  constructor(settings: TicketSettings, report: (error: unknown) => void) {
    this.#base = `${settings.publicUrl}${settings.basePath}/tasks/`
    this.#pollAfterMs = settings.pollAfterMs
    this.#rules = { describeError: settings.describeError, report }
  }

  /** Where a ticket is. Ids have only characters that stand for themselves in a path. */
  url(id: string): string {
    return this.#base + id
  }

  /** The status document as it is now. */
  async status(task: Task, record = task.record()): Promise<TicketStatus> {
    const error = await failureOf(task, record, this.#rules)
    return statusOf(record, { url: this.url(record.id), pollAfterMs: this.#pollAfterMs, error })
  }

  /** 202 with the status, and where to ask for it. */
  async accepted(task: Task, isReplayed: boolean): Promise<HttpReply> {
    const record = task.record()
    const headers = {
      ...this.#location(record),
      'Content-Location': this.url(record.id),
      ...this.#retryAfter(record),
      ETag: tagOf(record.revision),
      ...replayed(isReplayed)
    }
    return replyWith(202, { body: await this.status(task, record), headers })
  }

  /** 202 with a body that is not the status: no tag, and no claim that this is what stands at the ticket's URL. */
  acceptedWith(task: Task, isReplayed: boolean, body: OwnBody): HttpReply {
    const record = task.record()
    const headers = { ...this.#location(record), ...this.#retryAfter(record), ...replayed(isReplayed) }
    return ownReply(202, body, { headers })
  }

  /** 200 with the status, or 202 when something was asked for that is not done yet. */
  async found(task: Task, { record = task.record(), status = 200, headers = {} }: FoundParts = {}): Promise<HttpReply> {
    const all = { ...this.#retryAfter(record), ETag: tagOf(record.revision), ...headers }
    return replyWith(status, { body: await this.status(task, record), headers: all })
  }

  /** 200 with several. */
  async list(found: readonly FoundTicket[]): Promise<HttpReply> {
    const tasks = await Promise.all(found.map(({ task, record }) => this.status(task, record)))
    return replyWith(200, { body: { tasks } })
  }

  /** 304: what the client has is still so. */
  unchanged(record: TaskRecord, headers: Readonly<Record<string, string>> = {}): HttpReply {
    return replyWith(304, { headers: { ...this.#retryAfter(record), ETag: tagOf(record.revision), ...headers } })
  }

  /** 409: there was nothing to cancel any more. */
  finished({ state }: TaskRecord): HttpReply {
    return refusalReply({ problem: problemOf('ALREADY_FINISHED', { state }) })
  }

  /** 404, the same for every ticket that cannot be told about, whatever the reason. */
  unknown(): HttpReply {
    return refusalReply({ problem: problemOf('TICKET_NOT_FOUND') })
  }

  #location({ id }: TaskRecord): Record<string, string> {
    return { Location: this.url(id), 'Operation-Location': this.url(id) }
  }

  #retryAfter(record: TaskRecord): Record<string, string> {
    return isDone(record) ? {} : { 'Retry-After': String(wholeSeconds(this.#pollAfterMs)) }
  }
}

/** Says that the task was there already. */
function replayed(isReplayed: boolean): Record<string, string> {
  return isReplayed ? { 'Idempotent-Replayed': 'true' } : {}
}
