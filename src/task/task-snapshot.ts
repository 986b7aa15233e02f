import {
  describeError,
  type ErrorRecord,
  type ResultRecord,
  resultOf,
  type TaskRecord
} from '../contract/task-record.js'
import { CANCELED, FAILED, QUEUED, SUCCEEDED } from '../scheduler/lifecycle.js'
import type { Cancellation, PoolTask } from './task.js'

/** What may be read of a task now. */
export function snapshotOf(task: PoolTask): TaskRecord {
  const { name, key, details, owner } = task
  return {
    id: task.id,
    ...(name === undefined ? undefined : { name }),
    ...(key === undefined ? undefined : { key }),
    state: task.state,
    attempt: task.attempt,
    revision: task.revision,
    queuedAt: owner.iso(task.queuedMs),
    ...(task.startedMs < 0 ? undefined : { startedAt: owner.iso(task.startedMs) }),
    ...(task.stage === QUEUED ? { position: owner.position(task) } : undefined),
    ...details?.record(owner),
    ...(task.isSettled ? outcome(task) : undefined)
  }
}

function outcome(task: PoolTask): Partial<TaskRecord> {
  const { owner, payload, settledMs } = task
  const expiresMs = settledMs + owner.retentionMs
  return {
    settledAt: owner.iso(settledMs),
    ...(expiresMs === Number.POSITIVE_INFINITY ? undefined : { expiresAt: owner.iso(expiresMs) }),
    ...(task.stage === SUCCEEDED ? result(task) : undefined),
    ...(task.stage === FAILED ? { error: describeError(payload) } : undefined),
    ...(task.stage === CANCELED ? cancellation(task) : undefined)
  }
}

/** Copied once; `undefined`, the result of most tasks, needs no copy. */
function result(task: PoolTask): ResultRecord {
  if (task.payload === undefined) return {}
  const details = task.detailed()
  if (details.result === undefined) {
    details.result = { resultOmitted: 'It holds its own task.' } // what is seen from inside the copy
    details.result = resultOf(task.payload)
  }
  return details.result
}

/** A task that was canceled while it did not run has no stamp of the request: it is when it settled. */
function cancellation(task: PoolTask): Partial<TaskRecord> {
  const { reason, cause } = task.payload as Cancellation
  const asked = reason !== 'queue_timeout' && (task.details?.cancelRequestedMs ?? -1) < 0
  return {
    ...(asked ? { cancelRequestedAt: task.owner.iso(task.settledMs) } : undefined),
    reason,
    error: canceledError(reason, cause)
  }
}

function canceledError(reason: Cancellation['reason'], cause: unknown): ErrorRecord {
  const message = cause === undefined ? `The task was canceled (${reason}).` : describeError(cause).message
  return { name: 'TaskCanceledError', code: 'ERR_TASK_CANCELED', message }
}
