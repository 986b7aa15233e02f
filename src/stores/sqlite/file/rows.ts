import type { StoredChange, StoredTask } from '../../../contract/store.js'
import { read, type TaskState } from '../../../contract/task-record.js'
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
const FIXED = 'id, chosen, name, key, queued_at, input, options, metadata, fingerprint'
/** Columns that change, in the order of {@link changingValues}. */
const CHANGING =
  'state, priority, ord, attempt, failures, revision, crashes, started_at, due_at, cancel_at, settled_at, outcome'

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
  const { id, chosen, name, key, queuedAt, input, options, metadata, fingerprint } = task
  const kept = isFinal(task.state) ? null : input
  return [
    ...[id, chosen ? 1 : 0, written(name), written(key), queuedAt],
    ...[kept, options, metadata, written(fingerprint)]
  ]
}

function changingValues(change: StoredChange): SqliteValue[] {
  const { state, priority, ord, attempt, failures, revision, crashes } = change
  const { startedAt, dueAt, cancelAt, settledAt, outcome } = change
  return [
    ...[stateNumber(state), priority, ord, attempt, failures, revision, crashes],
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

/**
 * All columns of a row as one JSON text: a driver makes an object of twenty columns several times slower than it is parsed, and
 * a text goes to another thread at once.
 */
export const SELECT = `SELECT json_array(seq, ${FIXED}, ${CHANGING}) AS row FROM tasks`

/** A row as a text, as {@link SELECT} gives it; `undefined` if there is none. */
export function textOfRow(row: unknown): string | undefined {
  const text = read(row, 'row')
  return typeof text === 'string' ? text : undefined
}

type Row = readonly [
  ...[seq: number, id: string, chosen: number, name: string, key: string | null, queuedAt: number],
  ...[input: string | null, options: string | null, metadata: string | null, fingerprint: string | null],
  ...[
    state: number,
    priority: number,
    ord: number,
    attempt: number,
    failures: number,
    revision: number,
    crashes: number
  ],
  ...[startedAt: number | null, dueAt: number | null, cancelAt: number | null, settledAt: number | null],
  outcome: string | null
]

/** The task in the text of a row. */
export function taskOf(text: string): StoredTask {
  const row = JSON.parse(text) as Row
  const [seq, id, chosen, name, key, queuedAt, input, options, metadata, fingerprint, ...changing] = row
  const [state, priority, ord, attempt, failures, revision, crashes, ...rest] = changing
  const [startedAt, dueAt, cancelAt, settledAt, outcome] = rest
  return {
    seq,
    id,
    chosen: chosen === 1,
    name: unwritten(name),
    key: unwritten(key),
    priority,
    queuedAt,
    input,
    options,
    metadata,
    fingerprint: unwritten(fingerprint),
    state: STATES[state] as TaskState,
    ord,
    attempt,
    failures,
    revision,
    crashes,
    startedAt,
    dueAt,
    cancelAt,
    settledAt,
    outcome
  }
}
