/** The adapter for `node:http` behind HTTP/2, whose requests and responses look the same but for a few things. */
import { once } from 'node:events'
import { type ClientHttp2Session, connect, createServer, type Http2Server, type IncomingHttpHeaders } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { WorkerPool } from 'coatcheck'
import { ticketRoutes } from 'coatcheck/http'
import { nodeListener } from 'coatcheck/node-http'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { eventBlock } from '../../http/support/event-reader.js'
import { type Gate, gate } from '../../support/gate.js'

let pool: WorkerPool
let work: Gate<unknown>
let server: Http2Server
let session: ClientHttp2Session
const warnings: Error[] = []
const seeWarning = (warning: Error): void => void warnings.push(warning)

beforeEach(async () => {
  process.on('warning', seeWarning)
  work = gate<unknown>()
  pool = new WorkerPool({ concurrency: 1, queueCapacity: 0 }).start()
  const routes = ticketRoutes(pool, { accept: [{ path: '/tasks', submit: () => pool.queueTask(() => work.promise) }] })
  server = createServer(nodeListener(routes)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  session = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
})

afterEach(async () => {
  session.close()
  server.close()
  work.open(undefined)
  await pool.stop({ graceMs: 1_000 })
  process.off('warning', seeWarning)
  expect(warnings.splice(0)).toEqual([])
})

const send = async (
  method: string,
  path: string,
  body = ''
): Promise<{ readonly headers: IncomingHttpHeaders; readonly body: string }> => {
  const type = body === '' ? {} : { 'content-type': 'application/json' }
  const stream = session.request({ ':method': method, ':path': path, ...type })
  const answered = once(stream, 'response') as Promise<[IncomingHttpHeaders]>
  if (body !== '') stream.end(body) // a GET has ended by itself
  const [headers] = await answered
  return { headers, body: await text(stream) }
}

describe('HTTP/2', () => {
  it('carries the same replies, and streams', async () => {
    const { headers, body } = await send('POST', '/tasks', '{}')
    expect(headers[':status']).toBe(202)
    const { id } = JSON.parse(body) as { readonly id: string }
    const streamed = send('GET', `/tasks/${id}/events`)
    await send('GET', '/livez') // by now the request before has arrived as well
    work.open('ok')
    const events = await streamed
    expect(events.headers['content-type']).toBe('text/event-stream')
    const blocks = events.body.split(/(?<=\n\n)/).map(eventBlock)
    expect(blocks.map(({ status }) => status?.status)).toEqual(['running', 'succeeded'])
  })

  it('has no header to close a connection with, which Node would warn of', async () => {
    void pool.stop({ graceMs: 1_000 })
    const { headers } = await send('POST', '/tasks', '{}')
    expect(headers[':status']).toBe(503)
    expect(headers).not.toHaveProperty('connection')
  })
})
