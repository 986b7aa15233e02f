import type { JsonValue } from '../contract/task-record.js'

/** Reads the fields of an untrusted JSON object. */
export interface Fields {
  /** The value of an own field. */
  value(name: string): JsonValue | undefined
  /** A string; `null` for anything else. */
  text(name: string): string | null
  /** A finite number from 0; `null` for anything else. */
  number(name: string): number | null
  /** One of the known words; `null` for anything else. */
  word<W extends string>(name: string, words: Readonly<Record<W, unknown>>): W | null
  /** The fields of a nested object. */
  inside(name: string): Fields | undefined
  /** The fields of each object in an array. */
  each(name: string): readonly Fields[]
}

/** The fields of a JSON text; `undefined` when it is not an object. */
export function fieldsOf(text: string): Fields | undefined {
  try {
    return read(JSON.parse(text) as JsonValue)
  } catch {
    return undefined
  }
}

function read(json: JsonValue | undefined): Fields | undefined {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return undefined
  const object = json as { readonly [key: string]: JsonValue }
  const value = (name: string): JsonValue | undefined => (Object.hasOwn(object, name) ? object[name] : undefined)
  const text = (name: string): string | null => {
    const found = value(name)
    return typeof found === 'string' ? found : null
  }
  return {
    value,
    text,
    number: (name) => {
      const found = value(name)
      return typeof found === 'number' && Number.isFinite(found) && found >= 0 ? found : null
    },
    word: <W extends string>(name: string, words: Readonly<Record<W, unknown>>) => {
      const found = text(name)
      return found !== null && Object.hasOwn(words, found) ? (found as W) : null
    },
    inside: (name) => read(value(name)),
    each: (name) => {
      const found = value(name)
      return Array.isArray(found) ? found.flatMap((each: JsonValue) => read(each) ?? []) : []
    }
  }
}
