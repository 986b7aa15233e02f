import { type HttpRequest, headerOf } from './request.js'
import { requestError } from './request-error.js'

/** Longer than any media type of ours; nothing longer is looked at. */
const MAX_LENGTH = 256

/**
 * Lets only JSON in UTF-8 pass, not compressed. Also what keeps foreign pages out: a browser sends no such content type
 * to another origin without asking there first.
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

/** Whether all of it reads as a media type that is JSON, with no charset but UTF-8. @see RFC 9110, section 8.3.1 */
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

/** What a pattern finds exactly there, each group for itself; nothing when it does not match. */
function matchAt(sticky: RegExp, text: string, at: number): readonly (string | undefined)[] {
  sticky.lastIndex = at
  return sticky.exec(text) ?? []
}
