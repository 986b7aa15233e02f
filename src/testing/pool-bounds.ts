import assert from 'node:assert/strict'
import { failureOf, type PoolBody, type Stage } from './pool-stage.js'

const inputsOf = ({ calls }: Stage) => calls.map(({ input }) => input)

/** Whom a pool accepts, and in which order it runs what it has accepted. */
export const poolBounds: Readonly<Record<string, PoolBody>> = {
  'runs at most `concurrency` tasks at the same time, and all of them in the end': async (stage) => {
    const pool = await stage.pool({ concurrency: 3, queueCapacity: 20 })
    const results: Promise<unknown>[] = []
    for (let at = 0; at < 12; at += 1) results.push((await pool.queueTask('hold', at)).result())
    for (let done = 0; done < 12; done += 1) {
      await stage.called(Math.min(done + 3, 12))
      stage.release(stage.calls[done]?.input as null)
    }
    assert.deepEqual(
      await Promise.all(results),
      Array.from({ length: 12 }, (_, at) => at)
    )
    assert.equal(stage.peak, 3)
  },

  'refuses a task that has no room, never calls it, and accepts again when there is room': async (stage) => {
    const pool = await stage.pool({ concurrency: 1, queueCapacity: 2 })
    await pool.queueTask('hold', 'a')
    await stage.called(1)
    const queued = [await pool.queueTask('echo', 'b'), await pool.queueTask('echo', 'c')]
    await assert.rejects(async () => pool.queueTask('echo', 'refused'), { code: 'ERR_QUEUE_FULL' })
    stage.release('a')
    for (const task of queued) await task.result()
    await (await pool.queueTask('echo', 'd')).result()
    assert.deepEqual(inputsOf(stage), ['a', 'b', 'c', 'd'])
  },

  'starts tasks in the order in which it accepted them': async (stage) => {
    const pool = await stage.pool({ concurrency: 1, queueCapacity: 10 })
    await pool.queueTask('hold', 0)
    await stage.called(1)
    for (const input of [1, 2, 3, 4, 5]) await pool.queueTask('echo', input)
    stage.release(0)
    await stage.called(6)
    assert.deepEqual(inputsOf(stage), [0, 1, 2, 3, 4, 5])
  },

  'starts tasks of a higher priority first': async (stage) => {
    const pool = await stage.pool({ concurrency: 1, queueCapacity: 10 })
    await pool.queueTask('hold', 'first')
    await stage.called(1)
    await pool.queueTask('echo', 'low', { priority: -1 })
    await pool.queueTask('echo', 'normal')
    await pool.queueTask('echo', 'high', { priority: 5 })
    stage.release('first')
    await stage.called(4)
    assert.deepEqual(inputsOf(stage), ['first', 'high', 'normal', 'low'])
  },

  'does not know other handlers than its own': async (stage) => {
    const pool = await stage.pool({ concurrency: 1, queueCapacity: 1 })
    await assert.rejects(async () => pool.queueTask('none', null), TypeError)
  },

  'lets a running task end within the grace of a stop, and refuses new ones': async (stage) => {
    const pool = await stage.pool({ concurrency: 1, queueCapacity: 1 })
    const task = await pool.queueTask('hold', 'a')
    await stage.called(1)
    const stopped = pool.stop({ graceMs: 60_000 })
    await assert.rejects(async () => pool.queueTask('echo', 'late'), { code: 'ERR_POOL_STOPPED' })
    assert.equal(stage.calls[0]?.ctx.stopping.aborted, true)
    stage.release('a')
    assert.equal(await task.result(), 'a')
    await stopped
    assert.deepEqual([pool.state, inputsOf(stage)], ['stopped', ['a']])
  },

  'aborts a running task at the end of the grace, and waits for its end': async (stage) => {
    const pool = await stage.pool({ concurrency: 1, queueCapacity: 1 })
    const task = await pool.queueTask('hold', 'a')
    await stage.called(1)
    const failure = failureOf(task.result())
    await pool.stop({ graceMs: 0, forceMs: 60_000 })
    assert.notEqual((await failure).message, undefined)
    assert.deepEqual([pool.state, stage.calls[0]?.ctx.signal.aborted], ['stopped', true])
  }
}
