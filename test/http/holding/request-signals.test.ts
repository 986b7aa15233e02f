/** The signal of a request: the routes have one listener on it while the request waits, and none afterwards. */
import { getEventListeners } from 'node:events'
import type { HttpReply } from 'coatcheck/http'
import { expect, it } from 'vitest'
import { gate } from '../../support/gate.js'
import { EventReader } from '../support/event-reader.js'
import { requestTo } from '../support/request-of.js'
import { service } from '../support/service.js'

const listenersOf = (signal: AbortSignal): number => getEventListeners(signal, 'abort').length

it('has one listener in a long poll, however often the task changes', async () => {
  const { begin, send } = service()
  const { task, progress, end } = await begin()
  const sent = await send(`GET /tasks/${task.id}`, { prefer: 'wait=20' })
  for (let count = 1; count <= 12; count++) {
    await progress(count / 12)
    expect(listenersOf(sent.signal)).toBe(1)
  }
  await end()
  expect(sent.reply?.status).toBe(200)
  expect(listenersOf(sent.signal)).toBe(0)
})

it('has one listener in an event stream, however often the task changes', async () => {
  const { begin, send, clock } = service()
  const { task, progress, end } = await begin()
  const sent = await send(`GET /tasks/${task.id}/events`)
  const reader = new EventReader(sent.reply)
  void reader.takeAll()
  for (let count = 1; count <= 12; count++) {
    await progress(count / 12)
    await clock.advance(250)
    expect(listenersOf(sent.signal)).toBe(1)
  }
  await end()
  await clock.advance(250)
  expect(reader.last?.status?.done).toBe(true)
  expect(listenersOf(sent.signal)).toBe(0)
})

it('has one listener while it waits for its idempotency key, however often that fails for others', async () => {
  const gates: ReturnType<typeof gate<void>>[] = []
  const { routes, clock } = service({
    accept: [
      {
        path: '/tasks',
        submit: async () => {
          const end = gate()
          gates.push(end)
          await end.promise
          throw new Error('not now')
        }
      }
    ]
  })
  const headers = { 'content-type': 'application/json', 'idempotency-key': 'a' }
  const post = (signal: AbortSignal): Promise<HttpReply | undefined> =>
    routes.handle(requestTo('POST /tasks', { json: {}, headers, signal }))
  const signals = Array.from({ length: 12 }, () => new AbortController().signal)
  const replies = signals.map(post)
  await clock.turn()
  for (const [index] of signals.entries()) {
    const waiting = signals.map(listenersOf)
    expect(Math.max(...waiting)).toBe(index === 11 ? 0 : 1)
    gates[index]?.fail(new Error('not now'))
    await clock.turn()
  }
  await Promise.all(replies)
  expect(gates).toHaveLength(12)
  expect(signals.map(listenersOf)).toEqual(signals.map(() => 0))
})
