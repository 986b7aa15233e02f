import type { CanceledReason, JsonValue, TaskRecord, TaskState } from '../../contract/task-record.js'
import type { TicketError } from './task-failure.js'

/**
 * What a client reads of its ticket. Every key is always there, `null` where nothing is known. Times are ISO 8601.
 * With `Operation-Location` and `Retry-After` in the headers, the words of `status` are those on which the pollers for
 * long-running operations in cloud SDKs end.
 */
export interface TicketStatus {
  /** The ticket. */
  readonly id: string
  /** What kind of task it is. */
  readonly name: string | null
  /** Where it stands; `queued` also while it waits for a retry. */
  readonly status: TaskState
  /** Whether `status` is final. */
  readonly done: boolean
  /** Grows with each change; the entity tag is made of it. */
  readonly revision: number
  /** About how many tasks start until this one does, itself included; moves without a new revision. */
  readonly position: number | null
  /** How far the present or last attempt says it is. */
  readonly progress: {
    /** From 0 to 1. */
    readonly ratio: number
    /** What it is at. */
    readonly message: string | null
  } | null
  /** Whether somebody asked for its end. */
  readonly cancelRequested: boolean
  /** Why it was canceled. */
  readonly reason: CanceledReason | null
  /** How often it was begun; 0 until the first time. */
  readonly attempt: number
  /** When it was accepted. */
  readonly queuedAt: string
  /** When it was first begun. */
  readonly startedAt: string | null
  /** When it ended. */
  readonly settledAt: string | null
  /** Until when the ticket can be asked for at most. */
  readonly expiresAt: string | null
  /** When to ask again, in milliseconds; `null` once done. */
  readonly pollAfterMs: number | null
  /** What the task resulted in. */
  readonly result: JsonValue
  /** Why it failed. */
  readonly error: TicketError | null
  /** Why there is no result although it succeeded: what it returned has no JSON form. */
  readonly resultOmitted: string | null
  /** Where to ask: absolute with a `publicUrl`, else a path. */
  readonly links: {
    /** This status. */
    readonly self: string
    /** Its stream of changes, as server-sent events. */
    readonly events: string
  }
}

/** What the routes know of a ticket beyond its record. */
export interface StatusContext {
  readonly url: string
  readonly pollAfterMs: number
  readonly error: TicketError | null
}

const FINAL: ReadonlySet<TaskState> = new Set(['succeeded', 'failed', 'canceled'])

/** Whether a record is its task's last. */
export function isDone(record: TaskRecord): boolean {
  return FINAL.has(record.state)
}

/** The status document of a record. */
export function statusOf(record: TaskRecord, { url, pollAfterMs, error }: StatusContext): TicketStatus {
  const done = isDone(record)
  const { progress } = record
  return {
    id: record.id,
    name: record.name ?? null,
    status: record.state,
    done,
    revision: record.revision,
    position: record.position ?? null,
    progress: progress === undefined ? null : { ratio: progress.ratio, message: progress.message ?? null },
    cancelRequested: record.cancelRequestedAt !== undefined,
    reason: record.reason ?? null,
    attempt: record.attempt,
    queuedAt: record.queuedAt,
    startedAt: record.startedAt ?? null,
    settledAt: record.settledAt ?? null,
    expiresAt: record.expiresAt ?? null,
    pollAfterMs: done ? null : pollAfterMs,
    result: record.result ?? null,
    error,
    resultOmitted: record.resultOmitted ?? null,
    links: { self: url, events: `${url}/events` }
  }
}
