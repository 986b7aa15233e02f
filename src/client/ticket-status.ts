import type { CanceledReason, JsonValue, TaskState } from '../contract/task-record.js'
import { type Fields, fieldsOf } from './fields.js'

/** The error of a failed task, as the server sent it. */
export interface TicketError {
  /** Identifies the error, for programs. */
  readonly code: string
  /** Describes the error, for people. */
  readonly message: string
}

/** The status of a ticket. Every key is always present, `null` when the value is unknown. Times are ISO 8601. */
export interface TicketStatus {
  /** The ticket. */
  readonly id: string
  /** The task's name. */
  readonly name: string | null
  /** The task's state; `queued` also while it waits for a retry. */
  readonly status: TaskState
  /** Whether `status` is final. */
  readonly done: boolean
  /** Grows with each change. */
  readonly revision: number
  /** Estimated number of tasks to start up to this one, itself included. */
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
  readonly queuedAt: string | null
  /** When its first attempt started. */
  readonly startedAt: string | null
  /** When the task settled. */
  readonly settledAt: string | null
  /** The latest time until which the server retains the task. */
  readonly expiresAt: string | null
  /** Milliseconds until the next poll is due; `null` once done. */
  readonly pollAfterMs: number | null
  /** The task's result. */
  readonly result: JsonValue
  /** Why the task failed. */
  readonly error: TicketError | null
  /** Why `result` is missing although the task succeeded: its value has no JSON form. */
  readonly resultOmitted: string | null
  /** URLs, as the server sent them: absolute, or paths. */
  readonly links: {
    /** The ticket. */
    readonly self: string | null
    /** Its stream of server-sent events. */
    readonly events: string | null
  }
}

const STATES: Readonly<Record<TaskState, 'final' | 'open'>> = {
  queued: 'open',
  running: 'open',
  succeeded: 'final',
  failed: 'final',
  canceled: 'final'
}

const REASONS: Readonly<Record<CanceledReason, true>> = {
  user: true,
  signal: true,
  queue_timeout: true,
  pool_stopped: true
}

/**
 * Parses a status; `undefined` without an `id` or a known state. Any other field that is missing or of the wrong type counts
 * as unknown, so that readers need no further checks.
 */
export function readStatus(text: string): TicketStatus | undefined {
  const fields = fieldsOf(text)
  const id = fields?.text('id') ?? null
  const status = fields?.word('status', STATES) ?? null
  if (fields === undefined || id === null || status === null) return undefined
  const links = fields.inside('links')
  return {
    id,
    name: fields.text('name'),
    status,
    done: STATES[status] === 'final',
    revision: fields.number('revision') ?? 0,
    position: fields.number('position'),
    progress: progressOf(fields.inside('progress')),
    cancelRequested: fields.value('cancelRequested') === true,
    reason: fields.word('reason', REASONS),
    attempt: fields.number('attempt') ?? 0,
    queuedAt: fields.text('queuedAt'),
    startedAt: fields.text('startedAt'),
    settledAt: fields.text('settledAt'),
    expiresAt: fields.text('expiresAt'),
    pollAfterMs: fields.number('pollAfterMs'),
    result: fields.value('result') ?? null,
    error: status === 'failed' ? failureOf(fields.inside('error')) : null,
    resultOmitted: fields.text('resultOmitted'),
    links: { self: links?.text('self') ?? null, events: links?.text('events') ?? null }
  }
}

function progressOf(fields: Fields | undefined): TicketStatus['progress'] {
  const ratio = fields?.number('ratio') ?? null
  return fields === undefined || ratio === null ? null : { ratio, message: fields.text('message') }
}

function failureOf(fields: Fields | undefined): TicketError {
  return { code: fields?.text('code') ?? 'TASK_FAILED', message: fields?.text('message') ?? 'the task failed' }
}
