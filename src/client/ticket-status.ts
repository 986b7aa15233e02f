import type { CanceledReason, JsonValue, TaskState } from '../contract/task-record.js'
import { type Fields, fieldsOf } from './fields.js'

/** Why a task failed, as far as the server tells. */
export interface TicketError {
  /** For programs. */
  readonly code: string
  /** For people. */
  readonly message: string
}

/** Where a ticket stands. Every key is always there, `null` where nothing is known. Times are ISO 8601. */
export interface TicketStatus {
  /** The ticket. */
  readonly id: string
  /** What kind of task it is. */
  readonly name: string | null
  /** Where it stands; `queued` also while it waits for a retry. */
  readonly status: TaskState
  /** Whether `status` is final. */
  readonly done: boolean
  /** Grows with each change. */
  readonly revision: number
  /** About how many tasks start until this one does, itself included. */
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
  readonly queuedAt: string | null
  /** When it was first begun. */
  readonly startedAt: string | null
  /** When it ended. */
  readonly settledAt: string | null
  /** Until when the ticket can be asked for at most. */
  readonly expiresAt: string | null
  /** When the server wants to be asked again, in milliseconds; `null` once done. */
  readonly pollAfterMs: number | null
  /** What the task resulted in. */
  readonly result: JsonValue
  /** Why it failed. */
  readonly error: TicketError | null
  /** Why there is no result although it succeeded: what it returned has no JSON form. */
  readonly resultOmitted: string | null
  /** Where to ask, as the server says: absolute, or a path. */
  readonly links: {
    /** This status. */
    readonly self: string | null
    /** Its stream of changes. */
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
 * Reads a status. What has no ticket or none of the known states is none; `undefined`. Every other field that is missing
 * or not what it should be counts as not known: whoever reads a status need not check it again.
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
