import type { StoredChange, StoredTask } from '../contract/store.js'
import type { Lane } from '../scheduler/lane.js'
import { isSettled, RUNNING } from '../scheduler/lifecycle.js'
import type { Birth, Stored } from '../task/stored.js'
import { type PoolTask, STATES } from '../task/task.js'
import { NO_ATTEMPT } from '../task/task-context.js'
import type { WallTimes } from '../task/wall-times.js'

/** The columns of a task that change, as it is now. */
export function changeOf(task: PoolTask, stored: Stored, times: WallTimes): StoredChange {
  const { queuedMs, startedMs, settledMs, stage } = task
  const wall = (stampMs: number | undefined): number | null =>
    stampMs === undefined || stampMs < 0 ? null : times.wall(queuedMs, stampMs)
  const isStarting = stage === RUNNING && task.worker?.context === NO_ATTEMPT
  const hasEnded = isSettled(stage)
  return {
    seq: stored.seq,
    state: STATES[stage],
    priority: (task.lane as Lane<PoolTask>).priority,
    ord: stored.ord,
    attempt: task.attempt + (isStarting ? 1 : 0),
    failures: stored.failures,
    revision: task.presentRevision,
    crashes: stored.crashes,
    startedAt: wall(startedMs < 0 && isStarting ? stored.startMs : startedMs),
    dueAt: stored.dueAt,
    cancelAt: hasEnded ? wall(task.details?.cancelRequestedMs) : stored.cancelAt,
    settledAt: hasEnded ? wall(settledMs) : null,
    outcome: stored.outcome
  }
}

/** The whole row of a task that is not in the store yet. */
export function rowOf(task: PoolTask, stored: Stored, birth: Birth, times: WallTimes): StoredTask {
  const change = changeOf(task, stored, times)
  const { id, chosen, options, metadata, fingerprint } = birth
  return {
    ...change,
    id,
    chosen,
    name: task.name as string,
    key: task.key ?? null,
    queuedAt: times.wall(task.queuedMs, task.queuedMs),
    input: change.settledAt === null ? birth.input : null,
    options,
    metadata,
    fingerprint
  }
}
