import { expect, it } from 'vitest'
import { jsonOf, requestTo } from '../support/request-of.js'
import { service } from '../support/service.js'

it('a key releases the result of its task soon after that has settled and its ticket is forgotten', async () => {
  expect(globalThis.gc).toBeTypeOf('function')
  const results: WeakRef<object>[] = []
  const { pool, routes, clock } = service({
    pool: { retention: { count: 0 } },
    accept: [
      {
        path: '/tasks',
        submit: () =>
          pool.queueTask(() => {
            const result = { text: 'x'.repeat(1_000) }
            results.push(new WeakRef(result))
            return result
          })
      }
    ]
  })
  const headers = { 'content-type': 'application/json', 'idempotency-key': 'a' }
  const post = async () => jsonOf(await routes.handle(requestTo('POST /tasks', { json: {}, headers })))
  const { id } = await post()
  await clock.advance(200)
  for (let round = 0; round < 10 && results[0]?.deref() !== undefined; round++) {
    await clock.turn()
    globalThis.gc?.()
  }
  expect(results).toHaveLength(1)
  expect(results[0]?.deref()).toBeUndefined()
  expect(await post()).toMatchObject({ id, status: 'succeeded', result: null })
})
