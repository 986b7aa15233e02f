import type { JsonValue } from '../../contract/task-record.js'

/** Shorter values are not looked for: `0` or `a` are part of many texts by chance. */
const SHORTEST = 4

/** A text that has so many characters of a value in a row repeats it. */
const TELLING = 8

/**
 * Finds the texts that repeat a value of a body: a string or number of at least four characters, or eight characters of it in
 * a row, in any case, plain or escaped as in JSON. Names of members are not values. The time is linear in the body.
 */
export function textsWithValuesOf(body: JsonValue, texts: readonly string[]): ReadonlySet<string> {
  const textsOf = new Map<string, Set<string>>()
  for (const text of texts) {
    for (const part of partsOfText(text.toLowerCase())) {
      const others = textsOf.get(part)
      if (others === undefined) textsOf.set(part, new Set([text]))
      else others.add(text)
    }
  }
  const found = new Set<string>()
  for (const value of valuesOf(body)) {
    for (const part of partsOfValue(value.trim().toLowerCase())) {
      for (const text of textsOf.get(part) ?? []) found.add(text)
    }
  }
  return found
}

function* partsOfText(text: string): Generator<string> {
  for (let length = SHORTEST; length <= TELLING; length++) yield* pieces(text, length)
}

function* partsOfValue(value: string): Generator<string> {
  if (value.length >= SHORTEST) yield* pieces(value, Math.min(value.length, TELLING))
}

function* pieces(text: string, length: number): Generator<string> {
  for (let start = 0; start + length <= text.length; start++) yield text.slice(start, start + length)
}

function* valuesOf(value: JsonValue): Generator<string> {
  if (typeof value === 'number') yield String(value)
  else if (typeof value === 'string') {
    yield value
    yield JSON.stringify(value).slice(1, -1)
  } else if (typeof value === 'object' && value !== null) {
    for (const each of Object.values(value)) yield* valuesOf(each)
  }
}
