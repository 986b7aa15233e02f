import { suggestion } from './suggestion.js'

/** The error for a task that names no handler. `expected` says what a task may be. */
export function unknownHandler(expected: string, name: unknown, known: readonly string[]): TypeError {
  const names = known.length > 0 ? known.map((each) => `\`${each}\``).join(', ') : 'there is none'
  return new TypeError(
    `Expected the task to be ${expected} (${names}), ` +
      `got ${JSON.stringify(String(name).slice(0, 60))} (${typeof name})${suggestion(String(name), known)}`
  )
}
