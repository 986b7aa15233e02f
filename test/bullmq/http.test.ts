import { describe, expect, it } from 'vitest'
import { jsonOf, requestTo } from '../http/support/request-of.js'
import { instances } from './support/instances.js'
import { hasRedis } from './support/pools.js'

describe.skipIf(!hasRedis)('tickets of a shared pool over HTTP', () => {
  it('are given by one instance and shown by the other', async () => {
    const { a, b, done, begun, post, get } = await instances()
    const { reply, status } = await post(a, 21)
    expect(reply.status).toBe(202)
    expect(reply.headers).toMatchObject({ Location: `/tasks/${status.id}` })
    await begun
    const first = await get(b, status.id)
    expect(first.status).toMatchObject({ id: status.id, name: 'work', status: 'running', attempt: 1, done: false })
    done.open()
    const { status: last } = await get(b, status.id, { prefer: 'wait=25' })
    expect(last).toMatchObject({ status: 'succeeded', result: 42, done: true })
    expect((await get(a, status.id)).status).toEqual(last)
    const tag = String((await get(a, status.id)).reply.headers['ETag'])
    expect((await get(b, status.id, { 'if-none-match': tag })).reply.status).toBe(304)
    expect((await get(b, 'nobody')).reply.status).toBe(404)
  })

  it('tell a long poll at the other instance of each change', async () => {
    const { a, b, begun, done, post, get } = await instances()
    const { status } = await post(a, 1)
    await begun
    let { reply, status: seen } = await get(b, status.id)
    while (seen?.['progress'] === null) {
      const headers = { prefer: 'wait=25', 'if-none-match': String(reply.headers['ETag']) }
      ;({ reply, status: seen } = await get(b, status.id, headers))
      expect(reply.headers['Preference-Applied']).toBe('wait=25')
    }
    expect(seen).toMatchObject({ progress: { ratio: 0.5, message: 'half' } })
    done.open()
  })

  it('are streamed by the other instance', async () => {
    const { a, b, begun, done, post } = await instances()
    const { status } = await post(a, 4)
    await begun
    const reply = (await b.handle(requestTo(`GET /tasks/${status.id}/events`)))!
    done.open()
    let text = ''
    for await (const piece of reply.body as AsyncIterable<string>) text += piece
    const events = [...text.matchAll(/^data: (.+)$/gm)].map(([, data = '']) => JSON.parse(data) as { status: string })
    expect(events.at(-1)).toMatchObject({ status: 'succeeded', result: 8 })
  })

  it('are canceled by the other instance: queued ones at once, running ones by their signal', async () => {
    const { a, b, worker, begun, post, get } = await instances()
    const { status: running } = await post(a)
    await begun
    const asked = (await b.handle(requestTo(`DELETE /tasks/${running.id}`)))!
    expect(asked.status).toBe(202)
    expect(jsonOf(asked)).toMatchObject({ status: 'running', cancelRequested: true })
    const { status } = await get(a, running.id, { prefer: 'wait=25' })
    expect(status).toMatchObject({ status: 'canceled', reason: 'user', error: null })
    expect((await b.handle(requestTo(`DELETE /tasks/${running.id}`)))?.status).toBe(200)
    await worker.stop()
    const { status: queued } = await post(a)
    const reply = (await b.handle(requestTo(`DELETE /tasks/${queued.id}`)))!
    expect([reply.status, jsonOf(reply)]).toMatchObject([200, { status: 'canceled', startedAt: null }])
  })

  it('are queued once for an Idempotency-Key, at whatever instance and how many at once', async () => {
    const { a, b, pools, post } = await instances()
    const headers = { 'idempotency-key': 'k-1' }
    const replies = await Promise.all(Array.from({ length: 20 }, (_, i) => post(i % 2 === 0 ? a : b, 1, headers)))
    expect(new Set(replies.map(({ reply }) => reply.status))).toEqual(new Set([202]))
    expect(new Set(replies.map(({ status }) => status.id)).size).toBe(1)
    expect(replies.filter(({ reply }) => reply.headers['Idempotent-Replayed'] !== 'true')).toHaveLength(1)
    const { queued, running, succeeded } = await pools[0]!.counts()
    expect(queued + running + succeeded).toBe(1)
    expect((await post(b, 2, headers)).reply.status).toBe(422)
    expect(a.stats().idempotencyKeys.kept + b.stats().idempotencyKeys.kept).toBe(0) // Redis remembers them
    const { status } = await post(a, 1, { 'idempotency-key': 'k-2' })
    expect(status.id).not.toBe(replies[0]!.status.id)
  })

  it('are listed for their owner', async () => {
    const { a, b, done, post } = await instances({
      owner: ({ headers }) => headers['x-user'] as string,
      authorize: ({ owner }, { key }) => key === owner
    })
    done.open()
    const { status: mine } = await post(a, 1, { 'x-user': 'ann' })
    await post(a, 2, { 'x-user': 'bob' })
    const list = async (path: string) =>
      (
        jsonOf(await b.handle(requestTo(`GET ${path}`, { headers: { 'x-user': 'ann' } }))) as {
          tasks: { id: string }[]
        }
      ).tasks
    expect((await list('/tasks')).map(({ id }) => id)).toEqual([mine.id])
    expect(await list('/tasks?state=canceled')).toEqual([])
  })

  it('are refused with 503 when there is no room or no Redis, and looked up with 503', async () => {
    const { a, b, worker, server, post, get } = await instances()
    await worker.stop()
    const accepted = await Promise.all(Array.from({ length: 20 }, () => post(a)))
    const { reply, status } = await post(b)
    expect([reply.status, status['code']]).toEqual([503, 'QUEUE_FULL'])
    await server.kill()
    const { id } = accepted[0]!.status
    expect((await get(b, id)).status).toMatchObject({ status: 503, code: 'STORE_UNAVAILABLE' })
    expect((await post(b)).status).toMatchObject({ status: 503, code: 'STORE_UNAVAILABLE' })
    const canceled = (await b.handle(requestTo(`DELETE /tasks/${id}`)))!
    expect(canceled.status).toBe(503)
  })

  it('are ready to be given by an instance that does not work', async () => {
    const { a, pools } = await instances()
    expect((await a.handle(requestTo('GET /readyz')))?.status).toBe(200)
    const task = await pools[0]!.queueTask('work', { n: 1 })
    expect((await a.accepted(task)).status).toBe(202)
    await pools[0]!.stop()
    expect((await a.handle(requestTo('GET /readyz')))?.status).toBe(503)
  })
})
