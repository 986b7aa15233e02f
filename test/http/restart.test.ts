import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { WorkerPool } from 'coatcheck'
import { ticketRoutes } from 'coatcheck/http'
import { sqliteStore } from 'coatcheck/stores/sqlite'
import { describe, expect, it, onTestFinished } from 'vitest'
import { gate } from '../support/gate.js'
import { bytesOf, jsonOf, requestTo } from './support/request-of.js'

/** Starts a server on the file, again and again: one at a time. */
const restarts = () => {
  const folder = mkdtempSync(join(tmpdir(), 'coatcheck-restart-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return async () => {
    const store = await sqliteStore({ path: join(folder, 'tasks.db'), thread: false })
    const handlers = { quick: async (input: unknown) => ({ got: input }), slow: () => gate().promise }
    const pool = new WorkerPool({ concurrency: 2, queueCapacity: 10, handlers, store, onUnobservedError: () => {} })
    pool.start()
    const stop = () => pool.stop({ graceMs: 0, forceMs: 0 })
    onTestFinished(() => stop().then(() => {}))
    const routes = ticketRoutes(pool, {
      onError: () => {},
      accept: [
        { path: '/quick', submit: (input, { once }) => pool.queueTask('quick', input, { ...once }) },
        { path: '/slow', submit: (_, { once }) => pool.queueTask('slow', undefined, { ...once }) }
      ]
    })
    const post = (path: string, body: string, key: string) =>
      routes.handle(
        requestTo(`POST ${path}`, {
          body: bytesOf(body),
          headers: { 'content-type': 'application/json', 'idempotency-key': key }
        })
      )
    const send = (line: string) => routes.handle(requestTo(line))
    return { pool, post, send, stop }
  }
}

describe('a server whose pool has a store, after a restart', () => {
  it('knows its idempotency keys: the same ticket, 422 for another body, no second task', async () => {
    const start = restarts()
    const before = await start()
    const { id } = jsonOf(await before.post('/quick', '{"a":1}', 'k')) as { id: string }
    await before.pool.task(id)?.settled()
    await before.stop()

    const after = await start()
    const again = await after.post('/quick', '{"a":1}', 'k')
    expect(again).toMatchObject({ status: 202, headers: { 'Idempotent-Replayed': 'true' } })
    expect(jsonOf(again)).toMatchObject({ id, status: 'succeeded', result: { got: { a: 1 } } })
    expect(await after.post('/quick', '{"a":2}', 'k')).toMatchObject({ status: 422 })
    const many = await Promise.all(Array.from({ length: 20 }, () => after.post('/quick', '{"a":1}', 'k')))
    expect(new Set(many.map((reply) => (jsonOf(reply) as { id: string }).id))).toEqual(new Set([id]))
    expect(jsonOf(await after.post('/quick', '{"a":1}', 'other'))).not.toMatchObject({ id })
  })

  it('answers GET with the same status, and a cancel of what has ended with 409', async () => {
    const start = restarts()
    const before = await start()
    const { id } = jsonOf(await before.post('/quick', '{}', 'k')) as { id: string }
    await before.pool.task(id)?.settled()
    const seen = await before.send(`GET /tasks/${id}`)
    await before.stop()

    const after = await start()
    expect(await after.send(`GET /tasks/${id}`)).toMatchObject({ status: 200, body: seen?.body })
    expect(await after.send(`DELETE /tasks/${id}`)).toMatchObject({ status: 409 })
  })

  it('has a cancel written before it answers', async () => {
    const start = restarts()
    const before = await start()
    const { id } = jsonOf(await before.post('/slow', '{}', 'k')) as { id: string }
    await before.send(`GET /tasks/${id}`)
    before.pool.pause()
    const { id: queued } = jsonOf(await before.post('/slow', '{}', 'l')) as { id: string }
    const canceled = await before.send(`DELETE /tasks/${queued}`)
    expect(canceled?.status).toBe(200)
    expect(jsonOf(canceled)).toMatchObject({ status: 'canceled' })
    await before.stop()

    const after = await start()
    expect(jsonOf(await after.send(`GET /tasks/${queued}`))).toMatchObject({ status: 'canceled', reason: 'user' })
  })
})
