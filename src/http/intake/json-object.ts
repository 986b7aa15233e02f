import type { JsonValue } from '../../contract/task-record.js'
import { requestError } from '../wire/request-error.js'

/**
 * A JSON object from a client. Look fields up with `Object.hasOwn`: `__proto__` and `constructor` are ordinary fields, and
 * a field that was not sent must not be found on a prototype.
 */
export interface JsonObject {
  readonly [key: string]: JsonValue
}

/** The deepest nesting of objects and arrays. */
const MAX_DEPTH = 64

const BYTE_ORDER_MARK = 0xfeff
const QUOTE = 0x22
const BACKSLASH = 0x5c
const OPENING: ReadonlySet<number> = new Set([0x5b, 0x7b])
const CLOSING: ReadonlySet<number> = new Set([0x5d, 0x7d])

/**
 * Parses bytes as one JSON object in UTF-8. Malformed UTF-8 and a byte order mark are errors, not repaired.
 *
 * @throws RequestError (400)
 */
export function parseObject(bytes: Uint8Array): JsonObject {
  if (bytes.byteLength === 0) throw invalidBody('The body is empty.')
  const text = decode(bytes)
  if (text.charCodeAt(0) === BYTE_ORDER_MARK) throw invalidBody('The body begins with a byte order mark.')
  if (isDeeperThan(text, MAX_DEPTH)) throw invalidBody(`The body is nested deeper than ${MAX_DEPTH} levels.`)
  const value = parse(text)
  if (!isObject(value)) throw invalidBody('The body is JSON, but not an object.')
  return value
}

function isObject(value: JsonValue): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function invalidBody(detail: string, cause?: unknown): Error {
  return requestError('INVALID_BODY', detail, { cause })
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (cause) {
    throw invalidBody('The body is not UTF-8.', cause)
  }
}

function parse(text: string): JsonValue {
  try {
    return JSON.parse(text) as JsonValue
  } catch (cause) {
    throw invalidBody('The body is not JSON.', cause) // not the parser's message, which quotes the body
  }
}

/** Checked before parsing, by counting brackets outside strings. */
function isDeeperThan(text: string, max: number): boolean {
  let depth = 0
  let inString = false
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    if (inString) {
      if (code === BACKSLASH) index++
      else if (code === QUOTE) inString = false
    } else if (code === QUOTE) inString = true
    else if (OPENING.has(code) && ++depth > max) return true
    else if (CLOSING.has(code)) depth--
  }
  return false
}
