import type { StoredChange, StoredTask } from '../../../contract/store.js'
import type { TaskState } from '../../../contract/task-record.js'
import type { SqliteValue } from './driver.js'

/** States by their number in a row. The numbers are part of the file's format. */
const STATES: readonly TaskState[] = ['queued', 'running', 'succeeded', 'failed', 'canceled']

/** The least number of a final state. */
export const FINAL = 2

export function stateNumber(state: TaskState): number {
  return STATES.indexOf(state)
}

export function isFinal(state: TaskState): boolean {
  return stateNumber(state) >= FINAL
}

/** Columns that never change, in the order of {@link fixedValues}. */
const FIXED = 'id, chosen, name, key, priority, queued_at, input, options, metadata, fingerprint'
/** Columns that change, in the order of {@link changingValues}. */
const CHANGING = 'state, ord, attempt, failures, revision, crashes, started_at, due_at, cancel_at, settled_at, outcome'

const columns = (list: string): readonly string[] => list.split(', ')
const marks = (count: number): string => Array.from({ length: count }, () => '?').join(', ')

/** A zero character, of which not every driver takes what follows, or half a surrogate pair, which UTF-8 does not have. */
const UNSAFE = /^"|[\0\p{Surrogate}]/u

/** A text that is not JSON, in a form that every driver gives back as it is; as it stands, if it is safe. */
function written<T extends string | null>(text: T): T | string {
  return text !== null && UNSAFE.test(text) ? JSON.stringify(text) : text
}

function unwritten<T extends string | null>(text: T): T {
  return text?.startsWith('"') ? (JSON.parse(text) as T) : text
}

function fixedValues(task: StoredTask): SqliteValue[] {
  const { id, chosen, name, key, priority, queuedAt, input, options, metadata, fingerprint } = task
  const kept = isFinal(task.state) ? null : input
  return [
    ...[id, chosen ? 1 : 0, written(name), written(key), priority, queuedAt],
    ...[kept, options, metadata, written(fingerprint)]
  ]
}

function changingValues(change: StoredChange): SqliteValue[] {
  const { state, ord, attempt, failures, revision, crashes, startedAt, dueAt, cancelAt, settledAt, outcome } = change
  return [
    ...[stateNumber(state), ord, attempt, failures, revision, crashes],
    ...[startedAt, dueAt, cancelAt, settledAt, outcome]
  ]
}

/** Inserts a task; one with the same number is replaced. */
export const INSERT = `INSERT INTO tasks (seq, ${FIXED}, ${CHANGING})
  VALUES (?, ${marks(columns(FIXED).length)}, ${marks(columns(CHANGING).length)})
  ON CONFLICT (seq) DO UPDATE SET ${columns(`${FIXED}, ${CHANGING}`)
    .map((column) => `${column} = excluded.${column}`)
    .join(', ')}`

export function insertValues(task: StoredTask): SqliteValue[] {
  return [task.seq, ...fixedValues(task), ...changingValues(task)]
}

/** Changes a task that has not ended. */
export const UPDATE = `UPDATE tasks SET ${columns(CHANGING)
  .map((column) => `${column} = ?`)
  .join(', ')} WHERE seq = ? AND state < ${FINAL}`

/** Ends a task that has not ended: its input is no longer needed. */
export const END = UPDATE.replace('SET ', 'SET input = NULL, ')

export function changeValues(change: StoredChange): SqliteValue[] {
  return [...changingValues(change), change.seq]
}

/** All columns, under the names of {@link StoredTask}. */
export const SELECT = `SELECT seq, id, chosen, name, key, priority, queued_at AS queuedAt, input, options, metadata, fingerprint,
  state, ord, attempt, failures, revision, crashes, started_at AS startedAt, due_at AS dueAt, cancel_at AS cancelAt,
  settled_at AS settledAt, outcome FROM tasks`

type Row = Omit<StoredTask, 'chosen' | 'state'> & { readonly chosen: number; readonly state: number }

export function taskOf(row: unknown): StoredTask {
  const { chosen, state, ...rest } = row as Row
  const { name, key, fingerprint } = rest
  return {
    ...rest,
    ...{ name: unwritten(name), key: unwritten(key), fingerprint: unwritten(fingerprint) },
    ...{ chosen: chosen === 1, state: STATES[state] as TaskState }
  }
}
