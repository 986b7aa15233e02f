import type { Task } from '../../contract/task-contract.js'
import type { TaskRecord } from '../../contract/task-record.js'
import { tagOf } from '../wire/entity-tag.js'
import type { Hooks } from '../wire/hooks.js'
import { type OwnBody, ownReply } from '../wire/own-body.js'
import { problemOf, refusalReply } from '../wire/problems.js'
import { type HttpReply, replyWith } from '../wire/reply.js'
import { wholeSeconds } from '../wire/retry-after.js'
import { ForgottenTask, type LastStatus, withoutResult } from './forgotten-task.js'
import { type DescribeError, type FailureRules, failureOf } from './task-failure.js'
import { isDone, statusOf, type TicketStatus } from './ticket-status.js'

/** The parts in which replies with a status differ. */
interface FoundParts {
  /** @defaultValue the task's current record */
  readonly record?: TaskRecord
  readonly status?: 200 | 202
  readonly headers?: Readonly<Record<string, string>>
}

/** A task and the record of it that was read. */
export interface FoundTicket {
  readonly task: Task
  readonly record: TaskRecord
}

/** Where tickets are, and what their replies state. */
export interface TicketSettings {
  /** The URL of a ticket without its id: absolute, or a path; ends with a slash. */
  readonly ticketsUrl: string
  readonly pollAfterMs: number
  readonly describeError: DescribeError | undefined
}

/** Turns tasks into replies. */
export class TicketReplies {
  readonly #ticketsUrl: string
  readonly #pollAfterMs: number
  readonly #rules: FailureRules

  constructor({ ticketsUrl, pollAfterMs, describeError }: TicketSettings, hooks: Hooks) {
    this.#ticketsUrl = ticketsUrl
    this.#pollAfterMs = pollAfterMs
    this.#rules = { describeError, hooks }
  }

  /** The URL of a ticket. Ids need no escaping in a path. */
  url(id: string): string {
    return this.#ticketsUrl + id
  }

  /** The status document. */
  status(task: Task, record = task.record()): TicketStatus {
    const error = task instanceof ForgottenTask ? task.failure : failureOf(task, record, this.#rules)
    return statusOf(record, { url: this.url(record.id), pollAfterMs: this.#pollAfterMs, error })
  }

  /** What remains to be shown of a settled task once the pool has forgotten it. */
  lastStatus(task: Task): LastStatus {
    const record = task.record()
    return { record: withoutResult(record), failure: failureOf(task, record, this.#rules) }
  }

  /** 202 with the status and the ticket's URL. */
  accepted(task: Task, isReplayed: boolean): HttpReply {
    const record = task.record()
    const headers = {
      ...this.#location(record),
      'Content-Location': this.url(record.id),
      ...this.#retryAfter(record),
      ETag: tagOf(record.revision),
      ...replayed(isReplayed)
    }
    return replyWith(202, { body: this.status(task, record), headers })
  }

  /** 202 with the application's body: without `ETag` and `Content-Location`, which describe the status document. */
  acceptedWith(task: Task, isReplayed: boolean, body: OwnBody): HttpReply {
    const record = task.record()
    const headers = { ...this.#location(record), ...this.#retryAfter(record), ...replayed(isReplayed) }
    return ownReply(202, body, { headers })
  }

  /** 200 with the status, or 202 when a cancel was requested and the task still runs. */
  found(task: Task, { record = task.record(), status = 200, headers = {} }: FoundParts = {}): HttpReply {
    const all = { ...this.#retryAfter(record), ETag: tagOf(record.revision), ...headers }
    return replyWith(status, { body: this.status(task, record), headers: all })
  }

  /** 200 with several statuses. */
  list(found: readonly FoundTicket[]): HttpReply {
    const tasks = found.map(({ task, record }) => this.status(task, record))
    return replyWith(200, { body: { tasks } })
  }

  /** 304: the client has the current revision. */
  unchanged(record: TaskRecord, headers: Readonly<Record<string, string>> = {}): HttpReply {
    return replyWith(304, { headers: { ...this.#retryAfter(record), ETag: tagOf(record.revision), ...headers } })
  }

  /** 409 to a cancel: the task succeeded or failed before. */
  finished({ state }: TaskRecord): HttpReply {
    return refusalReply({ problem: problemOf('ALREADY_FINISHED', { state }) })
  }

  /** 409 to a cancel: the task belongs to another process. */
  elsewhere(): HttpReply {
    return refusalReply({ problem: problemOf('TICKET_ELSEWHERE') })
  }

  /** 404, the same for every ticket that is unknown or that the client may not see. */
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

function replayed(isReplayed: boolean): Record<string, string> {
  return isReplayed ? { 'Idempotent-Replayed': 'true' } : {}
}
