import { snooze, snoozeOf } from '../contract/snooze.js'
import { read, textOf } from '../contract/task-record.js'

/** A thrown value, or the reason of an abort, as plain data: a message between threads keeps too little of an error. */
export type Thrown = { readonly error: PlainError } | { readonly snoozeMs: number } | { readonly value: unknown }

interface PlainError {
  readonly message: string
  readonly name: unknown
  readonly stack: unknown
  readonly code: unknown
  readonly expose: unknown
  readonly cause: Thrown | undefined
}

/** Causes that an error may have in a row. */
const MAX_CAUSES = 8

/** The plain data of any value. Never throws. */
export function thrownOf(value: unknown, causes = MAX_CAUSES): Thrown {
  const snoozeMs = snoozeOf(value)
  if (snoozeMs !== undefined) return { snoozeMs }
  const message = read(value, 'message')
  if (typeof message !== 'string') return { value: copied(value) }
  const cause = read(value, 'cause')
  return {
    error: {
      message,
      name: plain(read(value, 'name')),
      stack: plain(read(value, 'stack')),
      code: plain(read(value, 'code')),
      expose: plain(read(value, 'expose')),
      cause: cause === undefined || causes === 0 ? undefined : thrownOf(cause, causes - 1)
    }
  }
}

/** The value again: an error is one of class `Error`, with the properties that {@link thrownOf} keeps. */
export function revived(thrown: Thrown): unknown {
  if ('snoozeMs' in thrown) return snooze(thrown.snoozeMs)
  if ('value' in thrown) return thrown.value
  const { message, cause, code, expose, ...hidden } = thrown.error
  const error = new Error(message, cause === undefined ? {} : { cause: revived(cause) })
  for (const [property, value] of Object.entries(hidden))
    Object.defineProperty(error, property, { value, writable: true, configurable: true })
  return Object.assign(error, code === undefined ? {} : { code }, expose === undefined ? {} : { expose })
}

function plain(value: unknown): unknown {
  return typeof value === 'object' || typeof value === 'function' || typeof value === 'symbol' ? undefined : value
}

function copied(value: unknown): unknown {
  try {
    return structuredClone(value)
  } catch {
    return textOf(value)
  }
}
