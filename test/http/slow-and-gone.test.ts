/** Clients that dribble, and clients that leave. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { nodeListener } from 'coatcheck/node-http'
import { afterEach, describe, expect, it } from 'vitest'
import { application } from '../../examples/demo/application.js'
import { ticketServer } from '../../examples/demo/ticket-server.js'
import { Gates } from './support/gates.js'
import { exchange, post, readAll, request } from './support/raw.js'
import { Sides } from './support/sides.js'

describe('slow clients', () => {
  it('are given so long and no longer by the examples, and so many and no more', () => {
    const server = ticketServer(() => {})
    expect(server.headersTimeout).toBe(10_000)
    expect(server.requestTimeout).toBe(30_000)
    expect(server.maxConnections).toBe(2_000)
  })

  it('K1 hold up nobody and are cut, 250 in their headers and 250 in their bodies', async () => {
    const app = application({ work: new Gates().work })
    const limits = { headersTimeout: 1_500, requestTimeout: 3_000, connectionsCheckingInterval: 100 }
    const server = ticketServer(nodeListener(app), limits)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as { port: number }

    const inBody = request('POST /tasks', ['Content-Type: application/json', 'Content-Length: 9000'], '{')
    const starts = Array.from({ length: 500 }, (_, index) =>
      index % 2 === 0 ? Buffer.from('POST /tasks HTTP/1.1\r\nHost:') : inBody
    )
    const sockets = starts.map((start) => dribbling(port, start))
    const replies = Promise.all(sockets.map(readAll))
    await Promise.all(sockets.map((socket) => once(socket, 'connect')))

    expect((await exchange(port, post('/tasks', {}))).status).toBe(202)
    const endings = await replies
    expect(endings.filter((text) => text.startsWith('HTTP/1.1 408 '))).toHaveLength(500)
    expect(app.pool.stats().totals.submitted).toBe(1)

    server.close()
    await app.pool.stop({ graceMs: 0 })
  })
})

/** Sends the start, then a byte now and then, until it is cut. */
function dribbling(port: number, start: Buffer): Socket {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  socket.write(start)
  const drip = setInterval(() => socket.write(' '), 1_000)
  socket.on('close', () => clearInterval(drip))
  return socket
}

describe('clients that leave', () => {
  let sides: Sides
  afterEach(() => sides.close())

  it('K11 before their body is whole have handed nothing in', async () => {
    sides = await Sides.open()
    await sides.each(async ({ port, decided, server, errors }) => {
      const socket = connect(port, '127.0.0.1')
      const begun = once(server, 'request')
      socket.write(request('POST /tasks', ['Content-Type: application/json', 'Content-Length: 50'], '{"label":'))
      await begun
      socket.destroy()
      expect(await decided[0]).toMatchObject({ status: 400, close: true })
      expect(errors).toEqual([])
    })
    expect(sides.totals().submitted).toBe(0)
  })

  it('K11 after their work was accepted do not cancel it', async () => {
    sides = await Sides.open()
    await sides.each(async ({ port, decided, server, app, gates }) => {
      const socket = connect(port, '127.0.0.1')
      const queued = new Promise((resolve) => app.pool.on('queued', resolve))
      const left = new Promise((resolve) => server.once('request', (_req, res) => res.once('close', resolve)))
      socket.write(post('/tasks', { label: 'a' }))
      await queued
      socket.destroy()
      await left
      await decided[0]
      const [task] = app.pool.tasks()
      expect(task?.state).toBe('running')
      gates.end('a')
      await task?.settled()
      expect(task?.state).toBe('succeeded')
    })
  })

  it('K11 are told to the routes by the signal, and those who got their reply are not', async () => {
    sides = await Sides.open()
    const signals: AbortSignal[] = []
    let arrived = (): void => {}
    const server = ticketServer(
      nodeListener({
        handle: (seen) => {
          signals.push(seen.signal)
          arrived()
          if (signals.length === 1) return Promise.resolve(undefined)
          return new Promise((resolve) => seen.signal.addEventListener('abort', () => resolve(undefined)))
        }
      })
    )
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as { port: number }

    await exchange(port, request('GET /answered'))
    const socket = connect(port, '127.0.0.1')
    const here = new Promise<void>((resolve) => {
      arrived = resolve
    })
    socket.write(request('GET /never'))
    await here
    socket.destroy()
    await once(signals[1]!, 'abort')
    expect(signals.map(({ aborted }) => aborted)).toEqual([false, true])
    server.close()
  })
})
