import { cut, type TaskRecord } from '../contract/task-record.js'

/** A task as the page shows it. */
export interface TaskLine {
  readonly id: string
  readonly label: string
  readonly key: string | null
  readonly attempt: number
  /** From 0 to 1; `null` until the task reports its progress. */
  readonly ratio: number | null
  readonly message: string
  /** ISO 8601, as in the record; `null` before the first start. */
  readonly startedAt: string | null
  /** The estimated number of starts up to and including its own; `null` when it is not in the queue. */
  readonly position: number | null
  readonly cancelRequested: boolean
}

/** A failed task as the page shows it. */
export interface FailureLine {
  readonly id: string
  readonly label: string
  /** The code of its error, else its name. */
  readonly code: string
  readonly message: string
  readonly settledAt: string
}

const MAX_TEXT = 200

export function taskLine(record: TaskRecord): TaskLine {
  const { id, key = null, attempt, progress, startedAt = null, position = null, cancelRequestedAt } = record
  return {
    ...{ id, attempt, startedAt, position },
    label: labelOf(record),
    key: key === null ? null : cut(key, MAX_TEXT),
    ratio: progress?.ratio ?? null,
    message: cut(progress?.message ?? '', MAX_TEXT),
    cancelRequested: cancelRequestedAt !== undefined
  }
}

export function failureLine(record: TaskRecord): FailureLine {
  const { id, error, settledAt = '' } = record
  return {
    ...{ id, settledAt, label: labelOf(record) },
    code: error?.code ?? error?.name ?? 'Error',
    message: cut(error?.message ?? '', MAX_TEXT)
  }
}

/** What the application calls the task: the `label` of its metadata, else its name. */
function labelOf({ metadata, name }: TaskRecord): string {
  const isObject = typeof metadata === 'object' && metadata !== null && Object.hasOwn(metadata, 'label')
  const label = isObject ? Reflect.get(metadata, 'label') : undefined
  return cut(typeof label === 'string' && label !== '' ? label : (name ?? 'unnamed task'), MAX_TEXT)
}
