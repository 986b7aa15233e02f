import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'

/** How a server treats the connection of one request. */
export type Act = (socket: Socket) => void

/** A server that applies one act of the list to each request, and the last one to all further requests. */
export interface RawServer {
  readonly origin: string
  /** The complete requests, as their bytes. */
  readonly requests: readonly string[]
}

/** Sends this and closes. */
export const say = (status: string, headers: readonly string[] = [], body = ''): Act => {
  const head = [`HTTP/1.1 ${status}`, 'Connection: close', `Content-Length: ${Buffer.byteLength(body)}`, ...headers]
  return (socket) => void socket.end(`${head.join('\r\n')}\r\n\r\n${body}`)
}

/** Sends these bytes and closes. */
export const bytes =
  (text: string): Act =>
  (socket) =>
    void socket.end(text)

/** Breaks the connection. */
export const reset: Act = (socket) => void socket.resetAndDestroy()

export async function rawServer(acts: readonly Act[]): Promise<RawServer> {
  const requests: string[] = []
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {}) // the client may leave at any time
    let request = ''
    socket.setEncoding('latin1').on('data', (text: string) => {
      request += text
      const end = request.indexOf('\r\n\r\n')
      const length = Number(/^content-length: (\d+)/im.exec(request)?.[1] ?? 0)
      if (end === -1 || request.length < end + 4 + length) return
      const act = acts[Math.min(requests.push(request), acts.length) - 1]
      request = ''
      act?.(socket)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy()
    server.close()
    await once(server, 'close')
  })
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests }
}
