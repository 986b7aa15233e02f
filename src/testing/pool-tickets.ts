import assert from 'node:assert/strict'
import { failureOf, type PoolBody } from './pool-stage.js'

/** What a ticket is good for: to find a task, to follow it, and to cancel it. */
export const poolTickets: Readonly<Record<string, PoolBody>> = {
  'gives each task another ticket that fits in a URL': async (stage) => {
    const pool = await stage.pool({ concurrency: 1, queueCapacity: 100 })
    const ids = new Set<string>()
    for (let at = 0; at < 50; at += 1) ids.add((await pool.queueTask('echo', at)).id)
    assert.equal(ids.size, 50)
    for (const id of ids) assert.match(id, /^[\w.:-]{16,128}$/)
  },

  'takes the ticket that the caller chose, once': async (stage) => {
    const pool = await stage.pool({ concurrency: 1, queueCapacity: 2 })
    const task = await pool.queueTask('hold', 'a', { id: 'report-7' })
    assert.equal(task.id, 'report-7')
    await assert.rejects(async () => pool.queueTask('echo', 'b', { id: 'report-7' }), { code: 'ERR_DUPLICATE_TASK' })
    await stage.called(1)
    stage.release('a')
    await task.result()
    assert.equal(stage.calls.length, 1)
  },

  'finds the record of a task: queued, running, ended': async (stage) => {
    const pool = await stage.pool({ concurrency: 1, queueCapacity: 1 })
    const first = await pool.queueTask('hold', 'a')
    await stage.called(1)
    const task = await pool.queueTask('hold', 'b', { key: 'tenant', metadata: [1] })
    const queued = await pool.findTask(task.id)
    stage.release('a')
    await stage.called(2)
    await stage.until('the record of a running task', async () => (await pool.findTask(task.id))?.state === 'running')
    const running = await pool.findTask(task.id)
    stage.release('b')
    await task.result()
    const ended = await pool.findTask(task.id)
    const seen = [queued, running, ended].map((record) => [record?.state, record?.attempt])
    assert.deepEqual(seen, [
      ['queued', 0],
      ['running', 1],
      ['succeeded', 1]
    ])
    for (const record of [queued, running, ended]) {
      assert.ok(record !== undefined)
      const { id, name, key, metadata } = record
      assert.deepEqual([id, name, key, metadata], [task.id, 'hold', 'tenant', [1]])
    }
    assert.equal(ended?.result, 'b')
    assert.ok(queued !== undefined && running !== undefined && ended !== undefined)
    const revisions = [queued, running, ended].map(({ revision }) => revision)
    assert.deepEqual(
      [...new Set(revisions)].sort((a, b) => a - b),
      revisions
    )
    const times = [ended.queuedAt, ended.startedAt, ended.settledAt].map((time) => Date.parse(String(time)))
    assert.deepEqual([...times].sort(), times)
    assert.equal((await pool.findTask(first.id))?.state, 'succeeded')
  },

  'finds nothing under a ticket that it did not give': async (stage) => {
    const pool = await stage.pool({ concurrency: 1, queueCapacity: 1 })
    assert.equal(await pool.findTask('none'), undefined)
    assert.equal(await pool.cancel('none'), 'unknown')
  },

  'shows the progress that a function reports': async (stage) => {
    const pool = await stage.pool({ concurrency: 1, queueCapacity: 1 })
    const task = await pool.queueTask('half', 'a')
    await stage.called(1)
    await stage.until('progress', async () => (await pool.findTask(task.id))?.progress !== undefined)
    assert.deepEqual({ ...(await pool.findTask(task.id))?.progress }, { ratio: 0.5, message: 'half' })
    stage.release('a')
    await task.result()
  },

  'cancels a queued task, which is never called': async (stage) => {
    const pool = await stage.pool({ concurrency: 1, queueCapacity: 2 })
    await pool.queueTask('hold', 'a')
    await stage.called(1)
    const task = await pool.queueTask('echo', 'b')
    const failure = failureOf(task.result())
    assert.equal(await pool.cancel(task.id), 'canceled')
    assert.equal((await failure).code, 'ERR_TASK_CANCELED')
    const found = await pool.findTask(task.id)
    assert.ok(found !== undefined)
    const { state, reason, attempt, startedAt } = found
    assert.deepEqual([state, reason, attempt, startedAt], ['canceled', 'user', 0, undefined])
    stage.release('a')
    await (await pool.queueTask('echo', 'c')).result()
    assert.deepEqual(
      stage.calls.map(({ input }) => input),
      ['a', 'c']
    )
  },

  'asks a running task to end, which keeps its worker until then': async (stage) => {
    const pool = await stage.pool({ concurrency: 1, queueCapacity: 1 })
    const task = await pool.queueTask('hold', 'a')
    await stage.called(1)
    const failure = failureOf(task.result())
    assert.equal(await pool.cancel(task.id), 'requested')
    assert.equal((await failure).code, 'ERR_TASK_CANCELED')
    assert.equal(stage.calls[0]?.ctx.signal.aborted, true)
    assert.equal((await pool.findTask(task.id))?.state, 'canceled')
    assert.equal(await (await pool.queueTask('echo', 1)).result(), 1)
    assert.equal(stage.peak, 1)
  },

  'cannot cancel a task that has ended': async (stage) => {
    const pool = await stage.pool({ concurrency: 1, queueCapacity: 1 })
    const task = await pool.queueTask('echo', 1)
    await task.result()
    assert.equal(await pool.cancel(task.id), 'finished')
    assert.equal((await pool.findTask(task.id))?.state, 'succeeded')
  }
}
