import type { StoredTask } from '../contract/store.js'
import { Lane } from '../scheduler/lane.js'
import { CANCELED, FAILED, OUTSIDE, RUNNING, type Settled, SUCCEEDED } from '../scheduler/lifecycle.js'
import { Stored } from '../task/stored.js'
import { PoolTask, type TaskOwner } from '../task/task.js'
import type { Handler } from '../task/work.js'
import { restoreOutcome } from './outcome.js'
import { settingsOf } from './stored-options.js'

/** Added to the revision of a task that goes on in another process: changes that were not written never return. */
export const REVISIONS_SKIPPED = 2 ** 20

const ENDS: Readonly<Partial<Record<StoredTask['state'], Settled>>> = {
  succeeded: SUCCEEDED,
  failed: FAILED,
  canceled: CANCELED
}

/**
 * The task of a row. One that has not ended is outside of the scheduler, with its revision skipped ahead.
 *
 * @param stamp - the stamp of a time of the wall clock
 */
export function restoreTask(
  row: StoredTask,
  owner: TaskOwner,
  handler: Handler | undefined,
  stamp: (wallMs: number) => number
): PoolTask {
  const task = new PoolTask(owner, handler?.stored ?? undefined, row.input ?? undefined, stamp(row.queuedAt))
  const details = task.detailed()
  const settings = settingsOf(row)
  details.take(handler?.complete(settings) ?? settings)
  details.name = row.name
  details.stored = storedOf(row)
  if (row.startedAt !== null) {
    task.startedMs = stamp(row.startedAt)
    details.stored.startMs = task.startedMs
    details.retries = row.attempt - 1
  }
  if (row.cancelAt !== null) details.cancelRequestedMs = stamp(row.cancelAt)
  const end = ENDS[row.state]
  if (end !== undefined) endTask(task, row, end, stamp)
  details.changes = row.revision + (end === undefined ? REVISIONS_SKIPPED : 0) - task.presentRevision
  return task
}

function storedOf(row: StoredTask): Stored {
  const stored = new Stored(row.seq, row.ord, null)
  stored.failures = row.failures
  stored.crashes = row.crashes
  stored.dueAt = row.dueAt
  stored.cancelAt = row.cancelAt
  return stored
}

function endTask(task: PoolTask, row: StoredTask, end: Settled, stamp: (wallMs: number) => number): void {
  task.stage = end
  task.settledMs = stamp(row.settledAt as number)
  task.lane = laneOf(row)
  restoreOutcome(task, row.outcome)
  task.detailed().end()
}

/** A row as a task that is in no pool, for its record alone. Its stamps are times of the wall clock. */
export function taskOfRow(row: StoredTask, owner: TaskOwner): PoolTask {
  const task = restoreTask(row, owner, undefined, (wallMs) => wallMs)
  const details = task.detailed()
  task.lane = laneOf(row)
  task.ticket = { text: row.id, forget: () => {} }
  if (row.state === 'queued') task.stage = OUTSIDE
  else if (row.state === 'running') task.stage = RUNNING
  details.changes += row.revision - task.presentRevision
  return task
}

function laneOf(row: StoredTask): Lane<PoolTask> {
  return new Lane<PoolTask>(row.priority, row.key ?? undefined, null)
}
