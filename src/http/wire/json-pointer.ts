/** The longest pointer, in characters. */
const MAX_POINTER = 256

/**
 * The JSON pointer of a path. One that would be longer than 256 characters ends at the last enclosing value within that: a
 * path contains the names that a client gave to its members.
 *
 * @see RFC 6901, section 3
 */
export function pointerOf(path: readonly PropertyKey[]): string {
  let pointer = ''
  for (const key of path) {
    const longer = `${pointer}/${escaped(key)}`
    if (longer.length > MAX_POINTER) break
    pointer = longer
  }
  return pointer
}

function escaped(key: PropertyKey): string {
  return String(key).replaceAll('~', '~0').replaceAll('/', '~1')
}
