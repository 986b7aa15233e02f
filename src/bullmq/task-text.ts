import {
  type CanceledReason,
  describeError,
  type ErrorRecord,
  frozen,
  type JsonValue,
  type TaskProgress,
  type TaskRecord,
  type TaskState
} from '../contract/task-record.js'
import type { TaskFields } from './redis/scripts/task-fields.js'

/** The last moment that a date can hold. */
const LAST_DATE_MS = 8.64e15

/** What never changes of a task, as its submitter gave it: BullMQ keeps it among its options. */
export interface About {
  readonly id: string
  readonly key?: string | undefined
  /** As JSON text. */
  readonly metadata?: string | undefined
  readonly fingerprint?: string | undefined
  /** `null` for no limit. */
  readonly timeoutMs?: number | null | undefined
  /** How long the ended task is kept; `null` for no limit. */
  readonly retainMs: number | null
  /** Tells this submission from another one that chose the same id; absent when the id is random. */
  readonly by?: string | undefined
}

/** How a task ended, unless its function returned. */
export interface End {
  readonly state: 'failed' | 'canceled'
  readonly reason?: CanceledReason
  readonly error?: ErrorRecord
}

/** What a function returned, as BullMQ keeps it. */
export type Returned = { readonly json?: string } | { readonly resultOmitted: string }

/** The record of a task. */
export function recordOf(fields: TaskFields): TaskRecord {
  const { name, timestamp, finishedOn, progress, startedAt, cancelAt } = fields
  const about = aboutOf(fields)
  const end = finishedOn === null ? undefined : endOf(fields)
  return {
    ...{ id: about.id, name: String(name), ...(about.key === undefined ? {} : { key: about.key }) },
    state: end?.state ?? (fields.lock === '1' ? 'running' : 'queued'),
    attempt: Number(fields.calls),
    revision: revisionOf(fields),
    queuedAt: iso(timestamp),
    ...(startedAt === null ? {} : { startedAt: iso(startedAt) }),
    ...(finishedOn === null ? {} : { settledAt: iso(finishedOn), ...expiryOf(finishedOn, about.retainMs) }),
    ...(progress === null ? {} : { progress: frozen(progress) as unknown as TaskProgress }),
    ...(cancelAt === null ? {} : { cancelRequestedAt: iso(cancelAt) }),
    ...end?.details,
    ...(about.metadata === undefined ? {} : { metadata: frozen(about.metadata) }),
    ...(about.fingerprint === undefined ? {} : { fingerprint: about.fingerprint })
  }
}

/** The record of a task of which nothing is known but that it was queued. */
export function newRecord(name: string, { id, key, metadata, fingerprint }: About, queuedMs: number): TaskRecord {
  return {
    ...{ id, name, ...(key === undefined ? {} : { key }), state: 'queued', attempt: 0, revision: 0 },
    queuedAt: iso(String(queuedMs)),
    ...(metadata === undefined ? {} : { metadata: frozen(metadata) }),
    ...(fingerprint === undefined ? {} : { fingerprint })
  }
}

/** What never changes of a task. */
export function aboutOf({ opts }: Pick<TaskFields, 'opts'>): About {
  return JSON.parse((JSON.parse(String(opts)) as { readonly about: string }).about) as About
}

/** Grows with each change: of ours, with each claim of BullMQ, when the claim is gone, and with the end. */
function revisionOf({ rev, ats, lock, finishedOn }: TaskFields): number {
  return Number(rev) + 2 * Number(ats) - Number(lock) + (finishedOn === null ? 0 : 1)
}

interface Ended {
  readonly state: TaskState
  readonly details: Pick<TaskRecord, 'reason' | 'error' | 'result' | 'resultOmitted'>
}

function endOf({ returnvalue, end, stc }: TaskFields): Ended {
  if (returnvalue !== null) return { state: 'succeeded', details: resultOf(JSON.parse(returnvalue) as Returned) }
  if (end === null) return { state: 'failed', details: { error: poisoned(Number(stc)) } }
  const { state, ...details } = JSON.parse(end) as End
  return { state, details }
}

function resultOf(returned: Returned): { readonly result?: JsonValue; readonly resultOmitted?: string } {
  if ('resultOmitted' in returned) return returned
  return returned.json === undefined ? {} : { result: frozen(returned.json) }
}

/** The only end that BullMQ decides by itself. */
function poisoned(crashes: number): ErrorRecord {
  return {
    name: 'TaskPoisonedError',
    code: 'ERR_TASK_POISONED',
    message: `The workers of the task were lost ${crashes} times while it ran: it is not run again.`
  }
}

function iso(ms: string | null): string {
  return new Date(Number(ms)).toISOString()
}

function expiryOf(finishedOn: string, retainMs: number | null): { readonly expiresAt?: string } {
  return retainMs === null ? {} : { expiresAt: iso(String(Math.min(Number(finishedOn) + retainMs, LAST_DATE_MS))) }
}

/** Describes an error without characters that a text in Redis or a terminal would end at. */
export function errorRecord(error: unknown): ErrorRecord {
  const { name, code, message } = describeError(error)
  return { name: clean(name), ...(code === undefined ? {} : { code: clean(code) }), message: clean(message) }
}

/** A text without NUL. */
export function clean(text: string): string {
  return text.replaceAll('\0', '')
}

/** An error with the texts of a record. */
export function errorFrom({ name, code, message }: ErrorRecord): Error {
  return Object.assign(new Error(message), { name, ...(code === undefined ? {} : { code }) })
}
