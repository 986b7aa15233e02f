/** Clients that leave, on every adapter. */
import { once } from 'node:events'
import { type AddressInfo, connect } from 'node:net'
import { WorkerPool } from 'coatcheck'
import { type HttpRequest, ticketRoutes } from 'coatcheck/http'
import { expect, it, onTestFinished } from 'vitest'
import { carriers } from '../http/support/carriers.js'
import { request } from '../http/support/raw.js'

it.each(carriers)('a client that leaves has left all the requests that it sent at once, on %s', async (_, carry) => {
  const signals: AbortSignal[] = []
  const handle = ({ signal }: HttpRequest): Promise<never> => {
    signals.push(signal)
    return new Promise(() => {})
  }
  const pool = new WorkerPool({ concurrency: 1, queueCapacity: 0 })
  const server = await carry({ ...ticketRoutes(pool), handle })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
  socket.write(Buffer.concat(Array.from({ length: 12 }, () => request('GET /tasks/a', ['Connection: keep-alive']))))
  await expect.poll(() => signals.length).toBe(12)
  expect(signals.filter(({ aborted }) => aborted)).toEqual([])
  socket.destroy()
  await expect.poll(() => signals.filter(({ aborted }) => aborted).length).toBe(12)
})

it.each(carriers)('a route may listen to its request as often as it likes, on %s', async (_, carry) => {
  const pool = new WorkerPool({ concurrency: 1, queueCapacity: 0 }).start()
  const tickets = ticketRoutes(pool, {
    accept: [
      {
        path: '/tasks',
        submit: (_input, { signal }) => {
          for (let n = 0; n < 12; n++) signal.addEventListener('abort', () => {}) // Node would warn, and fail this test
          return pool.queueTask(() => 'done')
        }
      }
    ]
  })
  const server = await carry(tickets)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  const { port } = server.address() as AddressInfo
  const headers = { 'Content-Type': 'application/json', Connection: 'close' }
  const { status } = await fetch(`http://127.0.0.1:${port}/tasks`, { method: 'POST', headers, body: '{}' })
  expect(status).toBe(202)
})
