import type { HttpReply, HttpRequest } from 'coatcheck/http'

/** A request without a socket. */
export function requestTo(line: string, parts: Partial<HttpRequest> & { readonly json?: unknown } = {}): HttpRequest {
  const { json, ...rest } = parts
  const [method = '', target = ''] = line.split(' ')
  return {
    method,
    target,
    headers: json === undefined ? {} : { 'content-type': 'application/json' },
    body: bytesOf(json === undefined ? '' : JSON.stringify(json)),
    signal: new AbortController().signal,
    ...rest
  }
}

export async function* bytesOf(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text)
}

/** The body of a reply that is a text. */
export function textOf(reply: HttpReply | undefined): string {
  const body = reply?.body ?? ''
  if (typeof body !== 'string') throw new Error('the body comes in pieces')
  return body
}

export function jsonOf(reply: HttpReply | undefined): Record<string, unknown> {
  return JSON.parse(textOf(reply) || 'null') as Record<string, unknown>
}
