import { describe, expect, it } from 'vitest'
import { hasRedis, shared } from './support/pools.js'

const handlers = { echo: async (input: { text: string }) => input.text }

describe.skipIf(!hasRedis)('a task in Redis', () => {
  it('is accepted by one process, run by another, and read by a third', async () => {
    const { open } = await shared()
    const [taker, worker, reader] = [await open(handlers), await open(handlers), await open(handlers)]
    worker.start()
    const task = await taker.queueTask('echo', { text: 'hello' }, { key: 'ann', metadata: { page: [1, {}] } })
    expect(await task.result()).toBe('hello')
    const record = await reader.findTask(task.id)
    expect(record).toMatchObject({
      ...{ id: task.id, name: 'echo', key: 'ann', state: 'succeeded', attempt: 1, result: 'hello' },
      metadata: { page: [1, {}] }
    })
    const { queuedAt, startedAt, settledAt, expiresAt } = record!
    expect([queuedAt, startedAt, settledAt, expiresAt].toSorted()).toEqual([queuedAt, startedAt, settledAt, expiresAt])
  })
})
