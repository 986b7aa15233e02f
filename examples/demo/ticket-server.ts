import { createServer, type RequestListener, type Server, type ServerOptions } from 'node:http'

/** A server with limits: on headers and bodies that come a byte at a time, and on how many clients may try it. */
export function ticketServer(onRequest: RequestListener, options: ServerOptions = {}): Server {
  const server = createServer(
    { headersTimeout: 10_000, requestTimeout: 30_000, connectionsCheckingInterval: 5_000, ...options },
    onRequest
  )
  server.maxConnections = 2_000
  return server
}
