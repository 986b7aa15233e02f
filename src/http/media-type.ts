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

function isJson(contentType: string): boolean {
  if (contentType.length > MAX_LENGTH) return false
  const [type = '', ...parameters] = contentType.toLowerCase().split(';')
  return isJsonType(type.trim()) && parameters.every(isHarmless)
}

function isJsonType(type: string): boolean {
  return type === 'application/json' || (type.startsWith('application/') && type.endsWith('+json'))
}

/** Any parameter but a charset other than UTF-8. */
function isHarmless(parameter: string): boolean {
  const [name = '', value = ''] = parameter.split('=')
  if (name.trim() !== 'charset') return true
  const charset = value.trim().replaceAll('"', '')
  return charset === 'utf-8' || charset === 'utf8'
}
