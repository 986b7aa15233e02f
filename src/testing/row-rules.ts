import type { StoredChange, StoredTask } from '../contract/store.js'
import { TASK_STATES } from '../contract/task-record.js'

const NUMBERS = ['seq', 'ord', 'attempt', 'failures', 'revision', 'crashes'] as const
const TIMES = ['startedAt', 'dueAt', 'cancelAt', 'settledAt'] as const
const TEXTS = ['key', 'input', 'options', 'metadata', 'fingerprint'] as const

export const isEnded = ({ state }: StoredChange): boolean => state !== 'queued' && state !== 'running'

/** Why a row must not be inserted; `undefined` if it may. */
export function insertMistake(row: StoredTask, stored: StoredTask | undefined): string | undefined {
  const wrong =
    wrongColumn(row) ??
    (typeof row.id === 'string' && row.id !== '' ? undefined : 'id') ??
    (typeof row.name === 'string' ? undefined : 'name') ??
    (typeof row.chosen === 'boolean' ? undefined : 'chosen') ??
    (isWhole(row.queuedAt) ? undefined : 'queuedAt') ??
    TEXTS.find((name) => !isText(row[name]))
  if (wrong !== undefined) return wrongValue(row, wrong)
  if (stored !== undefined && stored.id !== row.id) return `Task ${row.seq} is in the store with another ticket.`
  return endMistake(row, stored)
}

/** Why a row must not be changed like this; `undefined` if it may. */
export function changeMistake(change: StoredChange, stored: StoredTask): string | undefined {
  const wrong = wrongColumn(change)
  return wrong === undefined ? endMistake(change, stored) : wrongValue(change, wrong)
}

function endMistake(change: StoredChange, stored: StoredTask | undefined): string | undefined {
  if (stored === undefined || !isEnded(stored)) return undefined
  if (stored.state === change.state && stored.settledAt === change.settledAt) return undefined
  return `Task ${change.seq} has ended as ${stored.state} at ${stored.settledAt}: it cannot be ${change.state} at ${change.settledAt}.`
}

function wrongColumn(change: StoredChange): string | undefined {
  if (!TASK_STATES.has(change.state)) return 'state'
  if (isEnded(change) !== (change.settledAt !== null)) return 'settledAt'
  if (!Number.isSafeInteger(change.priority)) return 'priority'
  if (!isText(change.outcome)) return 'outcome'
  return NUMBERS.find((name) => !isWhole(change[name])) ?? TIMES.find((name) => !isTime(change[name]))
}

const wrongValue = (change: StoredChange, name: string): string =>
  `Task ${change.seq} has no valid ${name}: ${String(Reflect.get(change, name))}.`

const isWhole = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0

const isTime = (value: unknown): boolean => value === null || isWhole(value)

const isText = (value: unknown): boolean => value === null || typeof value === 'string'
