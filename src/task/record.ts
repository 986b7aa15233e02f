import {
  describeError,
  type ErrorRecord,
  frozen,
  type ResultRecord,
  resultOf,
  type TaskRecord,
  type TaskState
} from '../contract/task-record.js'
import { CANCELED, FAILED, LEFT, type Stage, SUCCEEDED } from '../scheduler/lifecycle.js'
import type { Cancellation } from './cancellation.js'
import type { Shown } from './stored.js'
import type { TaskDetails } from './task-details.js'

/** Turns stamps of a task into times of the wall clock. */
export interface TaskTimes {
  iso(queuedMs: number, stampMs: number): string
}

/** A task, as its record is made of it. Functions, since private methods would cost every task a hidden field. */
export interface RecordedTask {
  readonly owner: {
    readonly times: TaskTimes
    /** How long settled tasks are retained. */
    readonly retentionMs: number
  }
  readonly id: string
  readonly name: string | undefined
  readonly key: string | undefined
  readonly state: TaskState
  readonly stage: Stage
  readonly isSettled: boolean
  readonly shown: Shown | null
  readonly attempt: number
  readonly revision: number
  readonly queuedMs: number
  readonly startedMs: number
  readonly settledMs: number
  readonly retainMs: number | undefined
  readonly payload: unknown
  readonly details: TaskDetails | null
  detailed(): TaskDetails
}

/**
 * The record of a task.
 *
 * @param position - among those that wait for a worker; undefined if it does not
 */
export function recordOf(task: RecordedTask, position: number | undefined): TaskRecord {
  const { name, key, details, owner, queuedMs } = task
  const iso: Iso = (ms) => owner.times.iso(queuedMs, ms)
  const { metadata, fingerprint, cancelRequestedMs = -1 } = details ?? {}
  const { progress } = task.shown ?? details ?? {}
  return {
    id: task.id,
    ...(name === undefined ? undefined : { name }),
    ...(key === undefined ? undefined : { key }),
    state: task.state,
    attempt: task.attempt,
    revision: task.revision,
    queuedAt: iso(queuedMs),
    ...(task.startedMs < 0 ? undefined : { startedAt: iso(task.startedMs) }),
    ...(position === undefined ? undefined : { position }),
    ...(progress === undefined ? undefined : { progress }),
    ...(cancelRequestedMs < 0 ? undefined : { cancelRequestedAt: iso(cancelRequestedMs) }),
    ...(metadata === undefined ? undefined : { metadata }),
    ...(fingerprint === undefined ? undefined : { fingerprint }),
    ...(task.isSettled && task.stage !== LEFT ? outcomeOf(task, iso) : undefined)
  }
}

/** Turns a stamp of a task into a time of the wall clock. */
type Iso = (ms: number) => string

function outcomeOf(task: RecordedTask, iso: Iso): Partial<TaskRecord> {
  const { owner, payload, settledMs } = task
  const expiresMs = settledMs + (task.retainMs ?? owner.retentionMs)
  return {
    settledAt: iso(settledMs),
    ...(expiresMs === Number.POSITIVE_INFINITY ? undefined : { expiresAt: iso(expiresMs) }),
    ...(task.stage === SUCCEEDED ? resultRecord(task) : undefined),
    ...(task.stage === FAILED ? { error: describeError(payload) } : undefined),
    ...(task.stage === CANCELED ? cancellationRecord(task, iso) : undefined)
  }
}

/** Copied once; `undefined`, the result of most tasks, needs no copy. */
function resultRecord(task: RecordedTask): ResultRecord {
  if (task.payload === undefined) return {}
  const details = task.detailed()
  if (details.result === undefined) {
    details.result = { resultOmitted: 'It holds its own task.' } // what is read from inside the copy
    details.result = copyOfResult(task.payload, details.stored?.result)
  }
  return details.result
}

/** The copy is that in the store, if it is there. */
function copyOfResult(value: unknown, stored: string | undefined): ResultRecord {
  return stored === undefined ? resultOf(value) : { result: frozen(stored) }
}

/** A task that was canceled while it did not run has no stamp of the request: it is the time at which it settled. */
function cancellationRecord(task: RecordedTask, iso: Iso): Partial<TaskRecord> {
  const { reason, cause } = task.payload as Cancellation
  const asked = reason !== 'queue_timeout' && (task.details?.cancelRequestedMs ?? -1) < 0
  return {
    ...(asked ? { cancelRequestedAt: iso(task.settledMs) } : undefined),
    reason,
    error: canceledError(reason, cause)
  }
}

function canceledError(reason: Cancellation['reason'], cause: unknown): ErrorRecord {
  const message = cause === undefined ? `The task was canceled (${reason}).` : describeError(cause).message
  return { name: 'TaskCanceledError', code: 'ERR_TASK_CANCELED', message }
}
