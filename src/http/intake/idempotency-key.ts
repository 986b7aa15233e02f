import { type HttpRequest, headerOf } from '../wire/request.js'
import { requestError } from '../wire/request-error.js'

const KEY = /^[\x20-\x7e]{1,255}$/

/** The longest key in quotes, each character possibly escaped. */
const STRING = /^"(?:[^"\\]|\\["\\]){1,255}"$/

/**
 * The idempotency key of a request: 1 to 255 printable characters, bare or as a string in quotes.
 *
 * @throws RequestError (400)
 *
 * @see the Idempotency-Key HTTP header field, an internet draft; RFC 8941, section 3.3.3, for strings in quotes
 */
export function idempotencyKeyOf(request: Pick<HttpRequest, 'headers'>): string | undefined {
  const field = headerOf(request, 'idempotency-key')
  if (field === undefined) return undefined
  const key = field.startsWith('"') ? unquoted(field) : field
  if (key === undefined || !KEY.test(key)) throw requestError('INVALID_IDEMPOTENCY_KEY')
  return key
}

/** The content of a string in quotes; `undefined` when it is malformed. */
function unquoted(field: string): string | undefined {
  return STRING.test(field) ? field.slice(1, -1).replaceAll(/\\(["\\])/g, '$1') : undefined
}
