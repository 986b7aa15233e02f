import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

/** A reply as it was received. */
export interface RawReply {
  readonly status: number
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>
  readonly body: string
  /** All lines but `Date`, which must be the same from every server. */
  readonly bytes: string
}

/** A request with the fields that HTTP/1.1 requires; the length is added unless the headers have one. */
export function request(line: string, headers: readonly string[] = [], body: string | Buffer = ''): Buffer {
  const named = (name: string) => headers.some((each) => each.toLowerCase().startsWith(`${name}:`))
  const lines = [`${line} HTTP/1.1`]
  if (!named('host')) lines.push('Host: localhost')
  if (!named('connection')) lines.push('Connection: close')
  const bytes = Buffer.from(body)
  if (bytes.byteLength > 0 && !named('content-length') && !named('transfer-encoding')) {
    lines.push(`Content-Length: ${bytes.byteLength}`)
  }
  return Buffer.concat([Buffer.from(`${[...lines, ...headers].join('\r\n')}\r\n\r\n`, 'latin1'), bytes])
}

/** A POST with a JSON body. */
export function post(path: string, body: unknown, headers: readonly string[] = []): Buffer {
  const text = typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body)
  return request(`POST ${path}`, ['Content-Type: application/json', ...headers], text)
}

/** Sends bytes and reads until the server closes. */
export async function exchange(port: number, bytes: Buffer): Promise<RawReply> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {}) // a reset after the reply is ignored; without a reply, parsing fails
  socket.write(bytes)
  return parse(await readAll(socket))
}

/** All bytes until the other side has closed. */
export async function readAll(socket: Socket): Promise<string> {
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  if (!socket.closed) await once(socket, 'close')
  return Buffer.concat(chunks).toString('latin1')
}

/** Parses the first reply. */
export function parse(text: string): RawReply {
  const end = text.indexOf('\r\n\r\n')
  if (end === -1) throw new Error(`no reply, but ${JSON.stringify(text.slice(0, 200))}`)
  const [statusLine = '', ...lines] = text.slice(0, end).split('\r\n')
  const headers = new Map(
    lines.map((line) => {
      const colon = line.indexOf(':')
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const
    })
  )
  const body = Buffer.from(text.slice(end + 4), 'latin1').toString('utf8')
  const kept = [statusLine, ...lines.filter((line) => !line.startsWith('Date:'))]
  return { status: Number(statusLine.split(' ')[1]), headers, body, bytes: `${kept.join('\r\n')}\r\n\r\n${body}` }
}

/** The chunks of a chunked body, complete or not. */
export function chunksOf(body: string): readonly string[] {
  const bytes = Buffer.from(body)
  const chunks: string[] = []
  for (let at = 0; at < bytes.length; ) {
    const line = bytes.indexOf('\r\n', at)
    const start = line + 2
    const end = start + Number.parseInt(bytes.toString('latin1', at, line), 16)
    if (line === -1 || end > bytes.length) break
    if (end > start) chunks.push(bytes.toString('utf8', start, end))
    at = end + 2
  }
  return chunks
}
