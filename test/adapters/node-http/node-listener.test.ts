import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createHttp2Server } from 'node:http2'
import { createServer as createHttpsServer } from 'node:https'
import { replyWith } from 'coatcheck/http'
import { nodeListener, requestOf, sendReply } from 'coatcheck/node-http'
import { expect, it } from 'vitest'
import { post, request } from '../../http/support/raw.js'
import { ask, demo, expectNotFound } from '../support.js'

it('gives what is not for the tickets to `next`, with its body unread', async () => {
  const next = async (req: IncomingMessage, res: ServerResponse) => {
    const [chunk] = (await once(req, 'data')) as [Buffer]
    res.end(`${req.method} ${req.url} ${chunk}`)
  }
  const server = createServer(nodeListener(demo(), { next }))
  expect((await ask(server, post('/elsewhere', { a: 1 }))).body).toBe('POST /elsewhere {"a":1}')
  expect((await ask(server, request('GET /livez'))).body).toBe('{"status":"ok"}')
})

it('without `next` answers 404 with a problem document', async () => {
  expectNotFound(await ask(createServer(nodeListener(demo())), request('GET /elsewhere')))
})

it('is a listener for every kind of server of Node', () => {
  const listener = nodeListener(demo())
  for (const server of [createServer(listener), createHttpsServer({}, listener), createHttp2Server(listener)]) {
    expect(server.listeners('request')).toContain(listener)
  }
})

it('ends the connection, and does not say 500, when no reply can be made or sent', async () => {
  const failing = nodeListener({ handle: () => Promise.reject(new Error('secret')) })
  await expect(ask(createServer(failing), request('GET /'))).rejects.toThrow('no reply')
  const unsendable = { status: 200, headers: { 'X-Bad': 'a\r\nb' }, close: false }
  const sending = nodeListener({ handle: () => Promise.resolve(unsendable) })
  await expect(ask(createServer(sending), request('GET /'))).rejects.toThrow('no reply')
})

it('writes no second reply', async () => {
  const server = createServer((req, res) => {
    expect(requestOf(req, res)).toMatchObject({ method: 'GET', target: '/x?y' })
    sendReply(req, res, replyWith(200, { body: 'first' }))
    sendReply(req, res, replyWith(500, { body: 'second' }))
  })
  expect((await ask(server, request('GET /x?y'))).body).toBe('first')
})

it.each([
  [undefined, {}, /`tickets` to be what ticketRoutes returns/],
  [{ handle: 1 }, {}, /`tickets` to be what ticketRoutes returns/],
  [{ handle: () => {} }, { next: 1 }, /`next` to be a function/],
  [{ handle: () => {} }, { nxt: () => {} }, /only the options next/],
  [{ handle: () => {} }, () => {}, /`options` to be an object/]
])('is not made of %o and %o', (tickets, options, message) => {
  expect(() => nodeListener(tickets as never, options as never)).toThrow(message)
})
