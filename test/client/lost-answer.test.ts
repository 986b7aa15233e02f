/** A POST whose answer is lost while the server is busy: the client's retry gets the ticket of the first attempt. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { WorkerPool } from 'coatcheck'
import { isClientError, submit } from 'coatcheck/client'
import { type HttpReply, ticketRoutes } from 'coatcheck/http'
import { nodeListener } from 'coatcheck/node-http'
import { expect, it, onTestFinished } from 'vitest'
import { gate } from '../support/gate.js'

/** A pool, its routes and a server that destroys the socket of the first POST after its task was queued. */
async function losingServer(work: () => unknown) {
  const pool = new WorkerPool({ concurrency: 10, queueCapacity: 10_000 }).start()
  const accept = [{ path: '/tasks', submit: () => pool.queueTask(work, { name: 'keyed' }) }]
  const tickets = ticketRoutes(pool, { accept })
  const replies: HttpReply[] = []
  const lost = gate()
  const handle = nodeListener({
    ...tickets,
    handle: async (request) => {
      const reply = await tickets.handle(request)
      if (reply !== undefined && request.method === 'POST') replies.push(reply)
      return reply
    }
  })
  const server = createServer((req, res) => {
    const isFirst = req.method === 'POST' && replies.length === 0
    if (isFirst) {
      // Before the answer is written: its first byte never leaves.
      res.writeHead = () => {
        req.socket.destroy()
        lost.open()
        return res
      }
    }
    handle(req, res)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(async () => {
    server.closeAllConnections()
    server.close()
    await pool.stop({ graceMs: 0, forceMs: 0 })
  })
  return {
    pool,
    tickets,
    replies,
    lost: lost.promise,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/tasks`
  }
}

/** Lets this many other tasks settle, whose tickets are read as those of other clients. */
async function settleOthers(pool: WorkerPool, count: number): Promise<void> {
  const last = pool.stats().totals.succeeded + count
  const tickets = new Set<string>()
  for (let queued = 0; queued < count; queued += 500) {
    for (let each = 0; each < 500; each++) tickets.add(pool.queueTask(() => each).id)
    await nextTurn()
  }
  while (pool.stats().totals.succeeded < last) await nextTurn()
}

const ticketsOf = (replies: readonly HttpReply[]): unknown[] => replies.map(({ headers }) => headers['Location'])

it('K13 a live task: the retry follows it to its result', async () => {
  const end = gate<string>()
  const { pool, replies, lost, url } = await losingServer(() => end.promise)
  const call = submit(url, {}, { retry: { backoffMs: 200 } })
  await lost
  await settleOthers(pool, 5_000)
  end.open('paper')
  expect(await call).toBe('paper')
  expect(replies).toHaveLength(2)
  expect(new Set(ticketsOf(replies)).size).toBe(1)
  expect(replies.map(({ headers }) => headers['Idempotent-Replayed'])).toEqual([undefined, 'true'])
  expect(pool.stats().totals.submitted).toBe(5_001)
})

it('K13 a task whose ticket is forgotten: the retry gets the same ticket and what became of it, and no second task runs', async () => {
  let runs = 0
  const { pool, tickets, replies, lost, url } = await losingServer(() => ++runs)
  const options = { idempotencyKey: 'order-7' }
  const held = gate()
  const call = submit(
    url,
    {},
    {
      ...options,
      fetch: async (input, init) => {
        if (replies.length > 0) await held.promise // the retry waits until the ticket is forgotten
        return fetch(input, init)
      }
    }
  ).catch((error: unknown) => error)
  await lost
  await settleOthers(pool, 5_000)
  expect(pool.tasks({ limit: 1_000 }).filter(({ name }) => name === 'keyed')).toEqual([])
  held.open()
  const error = await call
  expect(isClientError(error) && error.code).toBe('ERR_RESULT_OMITTED')
  expect(error).toMatchObject({ ticketUrl: new URL(String(ticketsOf(replies)[0]), url).href })
  expect(new Set(ticketsOf(replies)).size).toBe(1)
  expect(replies).toHaveLength(2)
  expect(runs).toBe(1)
  expect(pool.stats().totals.submitted).toBe(5_001)
  expect(tickets.stats()).toEqual({ idempotencyKeys: { kept: 1, capacity: 10_000, forgottenEarly: 0 } })
})
