/** Where a task stands. The last three are final. */
export type TaskState = 'queued' | 'running' | 'succeeded' | 'failed' | 'canceled'

/**
 * Why a task was canceled: `user` by `cancel()`, `signal` by the caller's own `AbortSignal`, `queue_timeout` because it
 * waited longer than `queueTimeoutMs`, `pool_stopped` by `stop()`.
 */
export type CanceledReason = 'user' | 'signal' | 'queue_timeout' | 'pool_stopped'

/** A value that JSON can hold. */
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | { readonly [key: string]: JsonValue }

/** How far a running attempt says it is. */
export interface TaskProgress {
  /** From 0 to 1. */
  readonly ratio: number
  /** At most 2,000 characters. */
  readonly message?: string
}

/** An error as a record holds it: text only. */
export interface ErrorRecord {
  /** At most 200 characters. */
  readonly name: string
  /** At most 200 characters. */
  readonly code?: string
  /** At most 2,000 characters. */
  readonly message: string
}

/**
 * What may be read of a task: plain data that JSON can hold, a copy. Keys that do not apply are absent. Times are ISO
 * 8601 strings of the wall clock, all with the offset taken when the pool was made, so that they agree with each other.
 */
export interface TaskRecord {
  /** The ticket. */
  readonly id: string
  /** The handler's name, or the one given to a function. */
  readonly name?: string
  /** Whose task it is. */
  readonly key?: string
  /** Where it stands; `queued` also while it waits for a retry. */
  readonly state: TaskState
  /** How often the function was called: 0 until the first call. */
  readonly attempt: number
  /** Grows by one at each change of this record. */
  readonly revision: number
  /** When it was accepted. */
  readonly queuedAt: string
  /** When it was first called. A settled record without it never ran: it may be retried safely. */
  readonly startedAt?: string
  /** When it reached its final state. */
  readonly settledAt?: string
  /** Until when it is kept at most, once settled; the pool may forget it earlier to keep to its count. */
  readonly expiresAt?: string
  /** About how many tasks start until this one does, itself included. Only while it stands in the queue. */
  readonly position?: number
  /** How far the present or last attempt said it was. */
  readonly progress?: TaskProgress
  /** When somebody first asked for its end: a cancel, its signal or a stop. */
  readonly cancelRequestedAt?: string
  /** Why it was canceled. */
  readonly reason?: CanceledReason
  /** What the function returned, if it has a JSON form. */
  readonly result?: JsonValue
  /** Why what it returned has no JSON form. */
  readonly resultOmitted?: string
  /** Why it failed; for a canceled task, what was given to the cancel. */
  readonly error?: ErrorRecord
  /** What was given when it was queued. */
  readonly metadata?: JsonValue
}

const MAX_MESSAGE = 2_000
const MAX_NAME = 200

/** At most so much of a text, cut between characters. */
export function cut(text: string, max = MAX_MESSAGE): string {
  if (text.length <= max) return text
  const last = text.charCodeAt(max - 1)
  return text.slice(0, last >= 0xd800 && last <= 0xdbff ? max - 1 : max)
}

/**
 * Describes whatever was thrown. An object with a string `message` is described by it, of whatever realm or class;
 * anything else by its text. Nothing about the value can make this throw.
 */
export function describeError(error: unknown): ErrorRecord {
  const message = read(error, 'message')
  if (typeof message !== 'string') return { name: 'Error', message: cut(textOf(error)) }
  const name = read(error, 'name')
  const code = read(error, 'code')
  return {
    name: typeof name === 'string' && name !== '' ? cut(name, MAX_NAME) : 'Error',
    ...((typeof code === 'string' && code !== '') || typeof code === 'number'
      ? { code: cut(String(code), MAX_NAME) }
      : {}),
    message: cut(message)
  }
}

/** A text without line breaks or other control characters, for a line that is to stay one. */
export function oneLine(text: string): string {
  return text.replaceAll(/[\p{Cc}\u2028\u2029]+/gu, ' ')
}

/** A property of anything, `undefined` where reading it throws. */
export function read(value: unknown, property: string | symbol): unknown {
  if ((typeof value !== 'object' || value === null) && typeof value !== 'function') return undefined
  try {
    return Reflect.get(value, property)
  } catch {
    return undefined
  }
}

/** The text of anything, whatever its `toString` does. */
export function textOf(value: unknown): string {
  try {
    return String(value)
  } catch {
    return 'a value without a text'
  }
}

/** What a record says of a task's result. */
export type ResultRecord = { readonly result: JsonValue } | { readonly resultOmitted: string } | Record<never, never>

/** A frozen copy of a result in its JSON form, or why it has none. `undefined` is no result. */
export function resultOf(value: unknown): ResultRecord {
  if (value === undefined) return {}
  try {
    const text = JSON.stringify(value)
    if (text === undefined)
      return {
        resultOmitted: `${typeof value === 'object' ? 'an object that gives nothing' : `a ${typeof value}`} has no JSON form`
      }
    return { result: frozen(text) }
  } catch (error) {
    return { resultOmitted: cut(describeError(error).message) }
  }
}

/** Parses a JSON text into values that nobody can change. */
export function frozen(text: string): JsonValue {
  return JSON.parse(text, (_key, value: unknown) =>
    typeof value === 'object' && value !== null ? Object.freeze(value) : value
  ) as JsonValue
}
