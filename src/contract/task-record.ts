/** State of a task. The last three are final. */
export type TaskState = 'queued' | 'running' | 'succeeded' | 'failed' | 'canceled'

/** All states of a task. */
export const TASK_STATES: ReadonlySet<string> = /* @__PURE__ */ new Set<TaskState>([
  'queued',
  'running',
  'succeeded',
  'failed',
  'canceled'
])

/**
 * What canceled a task: `cancel()` (`user`), the caller's own `AbortSignal` (`signal`), a wait longer than
 * `queueTimeoutMs` (`queue_timeout`), or `stop()` (`pool_stopped`).
 */
export type CanceledReason = 'user' | 'signal' | 'queue_timeout' | 'pool_stopped'

/** A value that JSON can represent. */
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | { readonly [key: string]: JsonValue }

/** Progress reported by an attempt. */
export interface TaskProgress {
  /** From 0 to 1. */
  readonly ratio: number
  /** At most 2,000 characters. */
  readonly message?: string
}

/** An error in a record: text only. */
export interface ErrorRecord {
  /** At most 200 characters. */
  readonly name: string
  /** At most 200 characters. */
  readonly code?: string
  /** At most 2,000 characters. */
  readonly message: string
}

/**
 * The record of a task: a copy, plain data that JSON can represent. Properties that do not apply are absent. Times are
 * ISO 8601 strings of the wall clock as it stood when the task was queued: those of one task agree with each other, also
 * if that clock is stepped in the meantime.
 */
export interface TaskRecord {
  /** The ticket. */
  readonly id: string
  /** Name of the handler, or the name given to a function. */
  readonly name?: string
  /** Client, tenant or resource that the task belongs to. */
  readonly key?: string
  /** State of the task. `queued` also while it waits for a retry or for the end of its delay. */
  readonly state: TaskState
  /** Number of attempts, the calls of the function that did not end by a `snooze`: 0 until the first. */
  readonly attempt: number
  /** Increases by one at each change of the record. */
  readonly revision: number
  /** Time of acceptance. */
  readonly queuedAt: string
  /** Time of the first call. A settled task without it never ran and may be repeated safely. */
  readonly startedAt?: string
  /** Time at which the task reached its final state. */
  readonly settledAt?: string
  /**
   * Latest time until which a settled task is kept. The pool drops it earlier if its `retention.count` is exceeded;
   * `stats().retention` reports whether that happens.
   */
  readonly expiresAt?: string
  /** Estimated number of starts up to and including that of this task. Only while it is in the queue. */
  readonly position?: number
  /** Progress reported by the present or last attempt. */
  readonly progress?: TaskProgress
  /** Time of the first cancel request: `cancel()`, the task's `signal` or a stop. */
  readonly cancelRequestedAt?: string
  /** What canceled the task. */
  readonly reason?: CanceledReason
  /** Return value of the function, if it has a JSON form. */
  readonly result?: JsonValue
  /** Reason why the return value has no JSON form. */
  readonly resultOmitted?: string
  /** Error of a failed task; for a canceled task, the value given to the cancel. */
  readonly error?: ErrorRecord
  /** Metadata given when the task was queued. */
  readonly metadata?: JsonValue
  /** Fingerprint of the request that queued the task, given as an option. */
  readonly fingerprint?: string
}

const MAX_MESSAGE = 2_000
const MAX_NAME = 200

/** The first `max` UTF-16 code units of a text; never splits a surrogate pair. */
export function cut(text: string, max = MAX_MESSAGE): string {
  if (text.length <= max) return text
  const last = text.charCodeAt(max - 1)
  return text.slice(0, last >= 0xd800 && last <= 0xdbff ? max - 1 : max)
}

/**
 * Describes a thrown value. An object with a string `message`, of any realm or class, is described by it; any other
 * value by its string form. Never throws.
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

/** Replaces line breaks and other control characters by spaces, for output on one line. */
export function oneLine(text: string): string {
  return text.replaceAll(/[\p{Cc}\u2028\u2029]+/gu, ' ')
}

/** A property of any value; `undefined` if reading it throws. */
export function read(value: unknown, property: string | symbol): unknown {
  if ((typeof value !== 'object' || value === null) && typeof value !== 'function') return undefined
  try {
    return Reflect.get(value, property)
  } catch {
    return undefined
  }
}

/** The string form of any value. Never throws. */
export function textOf(value: unknown): string {
  try {
    return String(value)
  } catch {
    return 'a value without a string form'
  }
}

/** The part of a record that describes the result. */
export type ResultRecord = { readonly result: JsonValue } | { readonly resultOmitted: string } | Record<never, never>

/** A frozen copy of the JSON form of a result, or why it has none. Empty for `undefined`. */
export function resultOf(value: unknown): ResultRecord {
  if (value === undefined) return {}
  const text = resultText(value)
  return typeof text === 'string' ? { result: frozen(text) } : text
}

/** Of a result: making its JSON form threw. The record goes on with the text of the error, which clients may not read. */
export const NO_JSON_FORM = 'its JSON form cannot be made'

/** The JSON text of a result, or why it has none. */
export function resultText(value: unknown): string | { readonly resultOmitted: string } {
  try {
    const text: string | undefined = JSON.stringify(value)
    if (text !== undefined) return text
    const kind = typeof value === 'object' ? 'an object whose toJSON returns nothing' : `a ${typeof value}`
    return { resultOmitted: `${kind} has no JSON form` }
  } catch (error) {
    return { resultOmitted: cut(`${NO_JSON_FORM}: ${describeError(error).message}`) }
  }
}

/** Parses a JSON text into a deeply frozen value, however deep it is. */
export function frozen(text: string): JsonValue {
  const parsed = JSON.parse(text) as JsonValue
  const values: unknown[] = [parsed]
  while (values.length > 0) {
    const value = values.pop()
    if (typeof value !== 'object' || value === null) continue
    for (const each of Object.values(Object.freeze(value))) values.push(each)
  }
  return parsed
}
