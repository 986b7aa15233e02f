import { createHash } from 'node:crypto'
import { StoreError } from '../../contract/store-errors.js'
import { TASK_STATES, type TaskRecord } from '../../contract/task-record.js'

/** Ids that stand in a key as they are: every server takes these characters, and memcached 250 of them. */
const PLAIN = /^[A-Za-z0-9._-]{1,128}$/

/** Where the record of a task is. */
export function keyOf(id: string): string {
  return PLAIN.test(id) ? `task:${id}` : `task:#${createHash('sha256').update(id).digest('base64url')}`
}

/** A record as JSON text, without its result, and at last without its metadata, when a server would refuse it. */
export function textOf(record: TaskRecord, maxBytes: number): string {
  const text = JSON.stringify(record)
  if (fits(text, maxBytes)) return text
  const { result, metadata, ...rest } = record
  const omitted = result === undefined ? {} : { resultOmitted: 'it is too large for the mirror' }
  const shorter = JSON.stringify({ ...rest, ...omitted, ...(metadata === undefined ? {} : { metadata }) })
  return fits(shorter, maxBytes) ? shorter : JSON.stringify({ ...rest, ...omitted })
}

/** Whether the text, which Keyv turns into JSON once more, has at most this many bytes then. */
function fits(text: string, maxBytes: number): boolean {
  // A UTF-16 code unit takes three bytes at most, and in a JSON text none is escaped into more.
  return text.length * 3 <= maxBytes || Buffer.byteLength(JSON.stringify(text)) <= maxBytes
}

/**
 * The record in a value of the server.
 *
 * @throws StoreError when the value is not the record of this task
 */
export function recordOf(id: string, value: unknown): TaskRecord {
  const record = typeof value === 'string' ? parsed(value) : undefined
  if (isRecord(record) && record.id === id) return record
  throw new StoreError('The mirror has a value that is not the record of the task.')
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function isRecord(value: unknown): value is TaskRecord {
  if (typeof value !== 'object' || value === null) return false
  const record = value as Partial<TaskRecord>
  return (
    typeof record.id === 'string' &&
    TASK_STATES.has(record.state as string) &&
    Number.isSafeInteger(record.revision) &&
    Number.isSafeInteger(record.attempt) &&
    isTime(record.queuedAt) &&
    [record.startedAt, record.settledAt, record.expiresAt, record.cancelRequestedAt].every(isTimeIfAny) &&
    [record.name, record.key, record.reason, record.resultOmitted].every(isTextIfAny) &&
    (record.error === undefined || isTextIn(record.error, 'message')) &&
    (record.progress === undefined || typeof record.progress?.ratio === 'number')
  )
}

function isTime(value: unknown): boolean {
  return typeof value === 'string' && !Number.isNaN(Date.parse(value))
}

function isTimeIfAny(value: unknown): boolean {
  return value === undefined || isTime(value)
}

function isTextIfAny(value: unknown): boolean {
  return value === undefined || typeof value === 'string'
}

function isTextIn(value: unknown, property: string): boolean {
  return typeof value === 'object' && value !== null && typeof Reflect.get(value, property) === 'string'
}
