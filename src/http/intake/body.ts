import { type HttpRequest, headerOf } from '../wire/request.js'
import { requestError } from '../wire/request-error.js'

/**
 * Reads a body of at most `limit` bytes. A longer one is refused before a byte is read when its length is announced, else
 * with the chunk that passes the limit: never more than that is held.
 *
 * @throws RequestError 413 over the limit, 400 when the client stops in the middle
 * @throws TypeError when the adapter gives anything but bytes: of text nobody knows how many bytes it was
 */
export async function readBody(request: HttpRequest, limit: number): Promise<Uint8Array> {
  const announced = Number(headerOf(request, 'content-length') ?? 0)
  if (announced > limit) throw tooLarge(limit)
  const chunks: Uint8Array[] = []
  let size = 0
  try {
    for await (const chunk of begun(request.body)) {
      size += chunk.byteLength
      if (!(size <= limit)) break
      chunks.push(chunk)
    }
  } catch (cause) {
    throw requestError('INVALID_BODY', 'The body ended too soon.', { close: true, cause })
  }
  if (Number.isNaN(size)) throw new TypeError('Expected `body` to give bytes; did anything set an encoding before?')
  if (size > limit) throw tooLarge(limit)
  return Buffer.concat(chunks)
}

function begun(body: HttpRequest['body']): AsyncIterable<Uint8Array> {
  return typeof body === 'function' ? body() : body
}

function tooLarge(limit: number): Error {
  return requestError('BODY_TOO_LARGE', `The body is larger than the ${limit} bytes that this resource takes.`, {
    close: true
  })
}
