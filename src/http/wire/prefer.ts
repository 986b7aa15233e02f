import { type HttpRequest, headerOf } from './request.js'

/**
 * The `wait` of a `Prefer` header, in seconds: how long the client accepts to wait for its answer. `undefined` when it is
 * absent or not a whole number. The first of several counts.
 *
 * @see RFC 7240, sections 2 and 4.3
 */
export function preferredWait(request: Pick<HttpRequest, 'headers'>): number | undefined {
  const preferences = partsOf(headerOf(request, 'prefer') ?? '', ',')
  for (const preference of preferences) {
    const [token = ''] = partsOf(preference, ';')
    const equals = token.indexOf('=')
    const name = token.slice(0, equals === -1 ? undefined : equals).trim()
    if (name.toLowerCase() !== 'wait') continue
    const seconds = token.slice(equals + 1).trim()
    return equals !== -1 && /^\d+$/.test(seconds) ? Number(seconds) : undefined
  }
  return undefined
}

/** Splits a text at the separators that are outside quotes. */
function partsOf(text: string, separator: string): readonly string[] {
  const parts: string[] = []
  let start = 0
  let isQuoted = false
  for (let index = 0; index < text.length; index++) {
    if (text[index] === '"') isQuoted = !isQuoted
    else if (text[index] === '\\' && isQuoted) index++
    else if (text[index] === separator && !isQuoted) {
      parts.push(text.slice(start, index))
      start = index + 1
    }
  }
  return [...parts, text.slice(start)]
}
