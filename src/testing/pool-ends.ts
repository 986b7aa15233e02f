import assert from 'node:assert/strict'
import { failureOf, type PoolBody } from './pool-stage.js'

/** How tasks end. */
export const poolEnds: Readonly<Record<string, PoolBody>> = {
  'gives the function its input and its context, and the caller its result': async (stage) => {
    const pool = await stage.pool({ concurrency: 1, queueCapacity: 1 })
    const input = { list: [1, 'zwei', null, { deep: true }], text: '😀' }
    const task = await pool.queueTask('echo', input, { key: 'tenant', metadata: { from: 'test' } })
    assert.deepEqual(await task.result(), input)
    assert.equal(stage.calls.length, 1)
    const [call] = stage.calls
    assert.ok(call !== undefined)
    const { id, name, key, attempt, metadata } = call.ctx
    assert.deepEqual({ id, name, key, attempt }, { id: task.id, name: 'echo', key: 'tenant', attempt: 1 })
    assert.deepEqual(metadata, { from: 'test' })
  },

  'fails with the error of the function': async (stage) => {
    const pool = await stage.pool({ concurrency: 1, queueCapacity: 1 })
    const task = await pool.queueTask('fail', 'coat')
    await assert.rejects(task.result(), { message: 'no coat', code: 'E_NONE' })
    const { state, attempt, error } = (await pool.findTask(task.id)) ?? {}
    assert.deepEqual([state, attempt], ['failed', 1])
    assert.deepEqual({ ...error }, { name: 'RangeError', message: 'no coat', code: 'E_NONE' })
    assert.equal(stage.calls.length, 1)
  },

  'calls a function that fails again, as often as the policy says': async (stage) => {
    const pool = await stage.pool({ concurrency: 1, queueCapacity: 2, retry: { attempts: 3, backoffMs: 1 } })
    const [good, bad] = [await pool.queueTask('flaky', 3), await pool.queueTask('flaky', 4)]
    const failure = failureOf(bad.result())
    assert.equal(await good.result(), 3)
    assert.equal((await failure).message, 'attempt 3')
    assert.deepEqual([(await pool.findTask(good.id))?.attempt, (await pool.findTask(bad.id))?.attempt], [3, 3])
    assert.equal(stage.calls.length, 6)
  },

  'ends an attempt that takes longer than its limit, and goes on': async (stage) => {
    const pool = await stage.pool({ concurrency: 1, queueCapacity: 2 })
    const task = await pool.queueTask('hold', 'a', { timeoutMs: 20 })
    await assert.rejects(task.result(), { code: 'ERR_TASK_TIMEOUT' })
    const found = await pool.findTask(task.id)
    assert.deepEqual([found?.state, found?.error?.code], ['failed', 'ERR_TASK_TIMEOUT'])
    assert.equal(await (await pool.queueTask('echo', 1)).result(), 1)
  },

  'ends each of many tasks once': async (stage) => {
    const pool = await stage.pool({ concurrency: 4, queueCapacity: 200 })
    const outcomes: Promise<string>[] = []
    for (let at = 0; at < 120; at += 1) {
      const task = await pool.queueTask(at % 3 === 0 ? 'fail' : 'echo', at)
      const outcome = task.result().then(
        (result) => `${at} gave ${String(result)}`,
        (error: { readonly message?: unknown }) => `${at}: ${String(error.message)}`
      )
      outcomes.push(outcome)
    }
    assert.deepEqual(
      await Promise.all(outcomes),
      Array.from({ length: 120 }, (_, at) => (at % 3 === 0 ? `${at}: no ${at}` : `${at} gave ${at}`))
    )
    assert.equal(new Set(stage.calls.map(({ ctx }) => ctx.id)).size, 120)
    assert.equal(stage.calls.length, 120)
  }
}
