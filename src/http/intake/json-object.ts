import type { JsonValue } from '../../contract/task-record.js'
import { requestError } from '../wire/request-error.js'

/**
 * What a client sent: its own fields only. Look them up with `Object.hasOwn`: a field named `__proto__` or `constructor`
 * is a field like any other, and one that was not sent must not be found on a prototype.
 */
export interface JsonObject {
  readonly [key: string]: JsonValue
}

/** Objects and arrays inside each other: more is an attack or a mistake. */
const MAX_DEPTH = 64

const BYTE_ORDER_MARK = 0xfeff
const QUOTE = 0x22
const BACKSLASH = 0x5c
const OPENING: ReadonlySet<number> = new Set([0x5b, 0x7b])
const CLOSING: ReadonlySet<number> = new Set([0x5d, 0x7d])

/**
 * Reads bytes as one JSON object. Nothing is coerced or repaired: no byte order mark, no replacement characters.
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
    throw invalidBody('The body is not JSON.', cause) // its own words would repeat the body
  }
}

/** Judged before anything is built, by counting brackets outside of strings. */
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
