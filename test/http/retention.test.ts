/** How long a ticket that was answered with 202 is known. */
import type { HttpReply } from 'coatcheck/http'
import { expect, it } from 'vitest'
import { jsonOf, requestTo } from './support/request-of.js'
import { type ServiceOptions, service } from './support/service.js'

const MINUTES = 60_000

const accepting = (pool: ServiceOptions['pool'] = {}) => {
  const opened = service({
    pool: { queueCapacity: 5_000, retention: {}, ...pool },
    accept: [{ path: '/tasks', submit: () => opened.pool.queueTask(() => 'done') }]
  })
  const ask = async (line: string): Promise<HttpReply> => {
    const parts = line.startsWith('POST') ? { json: {} } : {}
    return (await opened.routes.handle(requestTo(line, parts))) as HttpReply
  }
  const submit = async (count: number): Promise<string[]> => {
    const ids: string[] = []
    for (let n = 0; n < count; n++) {
      const reply = await ask('POST /tasks')
      expect(reply.status).toBe(202)
      ids.push(String(jsonOf(reply)['id']))
    }
    await opened.clock.turn()
    return ids
  }
  const statusOf = async (id: string | undefined): Promise<number> => (await ask(`GET /tasks/${id}`)).status
  return { ...opened, ask, submit, statusOf }
}

it('a ticket is known until `expiresAt`, whatever the server runs besides for nobody', async () => {
  const { ask, clock, pool, statusOf, submit } = accepting()
  const ids = await submit(20)
  for (let n = 0; n < 3_000; n++) pool.queueTask(() => n)
  await pool.drain()
  const status = jsonOf(await ask(`GET /tasks/${ids[0]}`))
  const lasts = Date.parse(String(status['expiresAt'])) - Date.parse(String(status['settledAt']))
  expect(lasts).toBe(10 * MINUTES)
  await clock.advance(lasts - 1)
  for (const id of ids) expect(await statusOf(id)).toBe(200)
  expect(pool.stats().retention).toMatchObject({ retained: 20, forgottenEarly: 0 })
  await clock.advance(1)
  for (const id of ids) expect(await statusOf(id)).toBe(404)
})

it('a ticket lasts as long as stats().retention states, where there are more than the count', async () => {
  const { clock, pool, statusOf, submit } = accepting({ retention: { count: 5, ms: 10 * MINUTES } })
  const first = await submit(4)
  await clock.advance(1 * MINUTES)
  const second = await submit(4)
  expect(pool.stats().retention).toEqual({ retained: 5, oldestMs: 1 * MINUTES, forgottenEarly: 3 })
  const all = [...first, ...second]
  const statuses = await Promise.all(all.map(statusOf))
  expect(statuses).toEqual([404, 404, 404, 200, 200, 200, 200, 200])
})
