import type { ProblemCode } from '../../http/index.js'

/** The `type` of an error of the body parsers, and the problem of the client's that it stands for. */
const MISTAKES: ReadonlyMap<unknown, ProblemCode> = new Map([
  ['entity.parse.failed', 'INVALID_BODY'],
  ['request.aborted', 'INVALID_BODY'],
  ['request.size.invalid', 'INVALID_BODY'],
  ['querystring.parse.rangeError', 'INVALID_BODY'],
  ['entity.too.large', 'BODY_TOO_LARGE'],
  ['parameters.too.many', 'BODY_TOO_LARGE'],
  ['charset.unsupported', 'UNSUPPORTED_MEDIA_TYPE'],
  ['encoding.unsupported', 'UNSUPPORTED_MEDIA_TYPE']
])

/** What Express or a body parser of Express found wrong with a request; `undefined` for any other error. */
export function clientMistake(error: unknown): ProblemCode | undefined {
  if (!(error instanceof Error)) return undefined
  const { type, status, code } = error as Error & Readonly<Partial<Record<'type' | 'status' | 'code', unknown>>>
  const known = MISTAKES.get(type)
  if (known !== undefined) return known
  if (status !== 400) return undefined
  if (error instanceof URIError) return 'NOT_FOUND' // a path that cannot be decoded leads nowhere
  return typeof code === 'string' && code.startsWith('Z_') ? 'INVALID_BODY' : undefined // zlib's: not compressed as it claims
}
