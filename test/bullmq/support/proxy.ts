import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'

/** An address that leads to a server, and to another one later. */
export interface Proxy {
  readonly port: number
  /** New connections lead to this port. */
  lead(port: number): void
  /** Ends all connections. */
  cut(): void
  /** Nothing passes through the present connections any more, and nobody learns of it: they stay open. */
  swallow(): void
}

interface Pair {
  readonly sockets: readonly [Socket, Socket]
  isSwallowed: boolean
}

export const proxyTo = async (target: number): Promise<Proxy> => {
  let port = target
  const pairs = new Set<Pair>()
  const cut = (): void => {
    for (const { sockets } of pairs) for (const socket of sockets) socket.destroy()
  }
  const server = createServer((socket) => {
    const pair: Pair = { sockets: [socket, connect(port, '127.0.0.1')], isSwallowed: false }
    pairs.add(pair)
    for (const [index, from] of pair.sockets.entries()) {
      const to = pair.sockets[1 - index] as Socket
      from.on('data', (data) => pair.isSwallowed || to.write(data))
      from.on('error', () => {}) // it closes
      from.on('close', () => {
        pairs.delete(pair)
        to.destroy()
      })
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    cut()
    server.close()
  })
  return {
    port: (server.address() as AddressInfo).port,
    lead: (to) => {
      port = to
    },
    cut,
    swallow: () => {
      for (const pair of pairs) pair.isSwallowed = true
    }
  }
}
