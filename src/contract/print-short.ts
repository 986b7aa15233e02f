import { inspect } from 'node:util'

/**
 * Lets `console.log`, `util.inspect` and `node:assert` print the objects of a class by their `toString`. Called when one is
 * made: a class that is changed when it is loaded, as by a computed member, stays in every bundle.
 */
export function printShort(prototype: { toString(): string }): void {
  if (Object.hasOwn(prototype, inspect.custom)) return
  Object.defineProperty(prototype, inspect.custom, { value: shortOf, writable: true, configurable: true })
}

function shortOf(this: object): string {
  return String(this)
}
