import { type HttpRequest, headerOf } from '../wire/request.js'
import { requestError } from '../wire/request-error.js'

/**
 * Reads a body of at most `limit` bytes. A longer one is refused before reading when `Content-Length` announces it, else
 * with the chunk that exceeds the limit. No further chunk is buffered.
 *
 * @throws RequestError 413 over the limit, 400 when the body ends early
 * @throws TypeError when the adapter provides anything but bytes: the size of decoded text is unknown
 */
export async function readBody(request: HttpRequest, limit: number): Promise<Uint8Array> {
  const announced = Number(headerOf(request, 'content-length') ?? 0)
  if (announced > limit) throw tooLarge(limit)
  const chunks: Uint8Array[] = []
  let size = 0
  try {
    for await (const chunk of chunksOf(request.body)) {
      size += chunk.byteLength
      if (!(size <= limit)) break
      chunks.push(chunk)
    }
  } catch (cause) {
    throw requestError('INVALID_BODY', 'The body ended too soon.', { close: true, cause })
  }
  if (Number.isNaN(size)) throw new TypeError('Expected `body` to give bytes; was an encoding set on it?')
  if (size > limit) throw tooLarge(limit)
  return Buffer.concat(chunks)
}

function chunksOf(body: HttpRequest['body']): AsyncIterable<Uint8Array> {
  return typeof body === 'function' ? body() : body
}

function tooLarge(limit: number): Error {
  return requestError('BODY_TOO_LARGE', `The body is larger than the ${limit} bytes that this resource takes.`, {
    close: true
  })
}
