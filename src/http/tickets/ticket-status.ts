import {
  type CanceledReason,
  type JsonValue,
  NO_JSON_FORM,
  type TaskRecord,
  type TaskState
} from '../../contract/task-record.js'
import type { TicketError } from './task-failure.js'

/**
 * The status document of a ticket. Every key is always present, `null` when the value is unknown. Times are ISO 8601.
 * The words of `status`, with `Operation-Location` and `Retry-After` in the headers, are those that the pollers for
 * long-running operations in cloud SDKs expect.
 */
export interface TicketStatus {
  /** The ticket. */
  readonly id: string
  /** The task's name. */
  readonly name: string | null
  /** The task's state; `queued` also while it waits for a retry. */
  readonly status: TaskState
  /** Whether `status` is final. */
  readonly done: boolean
  /** Grows with each change. The entity tag is made from it. */
  readonly revision: number
  /** Estimated number of tasks to start up to this one, itself included. Changes without a new revision. */
  readonly position: number | null
  /** The progress that the current or last attempt reported. */
  readonly progress: {
    /** From 0 to 1. */
    readonly ratio: number
    /** The text that was reported with it. */
    readonly message: string | null
  } | null
  /** Whether a cancel was requested. */
  readonly cancelRequested: boolean
  /** Why the task was canceled. */
  readonly reason: CanceledReason | null
  /** The number of attempts started; 0 before the first. */
  readonly attempt: number
  /** When the task was accepted. */
  readonly queuedAt: string
  /** When its first attempt started. */
  readonly startedAt: string | null
  /** When the task settled. */
  readonly settledAt: string | null
  /** The latest time until which the pool retains the task. */
  readonly expiresAt: string | null
  /** Milliseconds until the next request is due; `null` once done. */
  readonly pollAfterMs: number | null
  /** The task's result. */
  readonly result: JsonValue
  /** Why the task failed. */
  readonly error: TicketError | null
  /** Why `result` is missing although the task succeeded: its value has no JSON form, or was dropped with the ticket. */
  readonly resultOmitted: string | null
  /** URLs: absolute with a `publicUrl`, else paths. */
  readonly links: {
    /** The ticket. */
    readonly self: string
    /** Its stream of server-sent events. */
    readonly events: string
  }
}

/** The parts of a status that are not in the record. */
export interface StatusContext {
  readonly url: string
  readonly pollAfterMs: number
  readonly error: TicketError | null
}

const FINAL: ReadonlySet<TaskState> = new Set(['succeeded', 'failed', 'canceled'])

/** Whether the state of a task or record is final. */
export function isDone({ state }: { readonly state: TaskState }): boolean {
  return FINAL.has(state)
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
    resultOmitted: omissionOf(record),
    links: { self: url, events: `${url}/events` }
  }
}

/** Why there is no result. The text of an error that making its JSON form threw may contain what that of a failure may. */
function omissionOf({ resultOmitted }: TaskRecord): string | null {
  if (resultOmitted === undefined) return null
  return resultOmitted.startsWith(NO_JSON_FORM) ? NO_JSON_FORM : resultOmitted
}
