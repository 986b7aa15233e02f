import { type HttpRequest, headerOf } from './request.js'
import { requestError } from './request-error.js'

/** A longer media type is refused without parsing. */
const MAX_LENGTH = 256

/**
 * Requires uncompressed JSON in UTF-8. This also protects against pages of other origins: a browser sends this content
 * type to another origin only after a CORS preflight.
 *
 * @throws RequestError (415)
 */
export function requireJson(request: Pick<HttpRequest, 'headers'>): void {
  const encoding = headerOf(request, 'content-encoding')
  if (encoding !== undefined && encoding !== '') throw requestError('UNSUPPORTED_MEDIA_TYPE')
  if (!isJson(headerOf(request, 'content-type') ?? '')) throw requestError('UNSUPPORTED_MEDIA_TYPE')
}

const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+"
const ESSENCE = new RegExp(`(${TOKEN})/(${TOKEN})`, 'y')
const PARAMETER = new RegExp(`[ \\t]*;[ \\t]*(?:(${TOKEN})=(?:(${TOKEN})|"((?:[^"\\\\]|\\\\.)*)"))?`, 'y')

/** Whether the whole text is a JSON media type whose charset, if any, is UTF-8. @see RFC 9110, section 8.3.1 */
function isJson(contentType: string): boolean {
  if (contentType.length > MAX_LENGTH) return false
  const text = contentType.toLowerCase()
  const [essence, type, subtype = ''] = matchAt(ESSENCE, text, 0)
  if (essence === undefined || type !== 'application') return false
  if (subtype !== 'json' && !subtype.endsWith('+json')) return false
  let at = essence.length
  while (at < text.length) {
    const [parameter, name, token, quoted] = matchAt(PARAMETER, text, at)
    if (parameter === undefined) return false
    const value = token ?? quoted?.replaceAll(/\\(.)/g, '$1') ?? ''
    if (name === 'charset' && value !== 'utf-8' && value !== 'utf8') return false
    at += parameter.length
  }
  return true
}

/** The groups of a match at exactly this position; empty when there is none. */
function matchAt(sticky: RegExp, text: string, at: number): readonly (string | undefined)[] {
  sticky.lastIndex = at
  return sticky.exec(text) ?? []
}
