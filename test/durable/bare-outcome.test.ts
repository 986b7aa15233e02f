import { expect, it, onTestFinished } from 'vitest'
import { type StoredTask, WorkerPool } from '../../src/index.js'
import { memoryStore } from '../../src/testing/index.js'

const row = (seq: number, state: StoredTask['state'], outcome: string | null): StoredTask => ({
  ...{ seq, id: `chosen-${seq}`, chosen: true, name: 'kept', key: null, priority: 0, queuedAt: Date.now() },
  ...{ input: null, options: null, metadata: null, fingerprint: null, state, ord: seq, attempt: 1, failures: 0 },
  ...{ revision: 3, crashes: 0, startedAt: Date.now(), dueAt: null, cancelAt: null, settledAt: Date.now(), outcome }
})

it('a row whose outcome has no details is shown as well as it can be', async () => {
  const before = memoryStore({ sync: true })
  const insert = [row(1, 'canceled', '{}'), row(2, 'failed', '{}'), row(3, 'succeeded', null)]
  await before.write({ insert, update: [], remove: [] })
  await before.close()
  const store = memoryStore({ sync: true, disk: before.disk })
  const pool = new WorkerPool({ concurrency: 1, queueCapacity: 1, store, handlers: { kept: () => 1 } })
  onTestFinished(() => pool.stop({ graceMs: 0 }).then(() => {}))
  const [canceled, failed, succeeded] = insert.map(({ id }) => pool.task(id)?.record())
  expect(canceled).toMatchObject({ state: 'canceled', reason: 'user' })
  expect(failed).toMatchObject({ state: 'failed', error: { name: 'Error', message: '' } })
  expect(succeeded).toMatchObject({ state: 'succeeded' })
})
