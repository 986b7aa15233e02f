import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import { type TaskContext, WorkerPool } from 'coatcheck'
import { expect, it } from 'vitest'

it('is the stats as JSON', () => {
  const pool = new WorkerPool({ concurrency: 1, queueCapacity: 1, name: 'mail' })
  const { pool: read } = JSON.parse(JSON.stringify({ pool })) as { readonly pool: unknown }
  expect(read).toEqual(JSON.parse(JSON.stringify(pool.stats())))
})

it('prints a pool, a task and a context in one line each, also inside of others', async () => {
  const pool = new WorkerPool({ concurrency: 1, queueCapacity: 1, name: 'mail' }).start()
  let ctx: TaskContext | undefined
  const task = pool.queueTask(
    (given) => {
      ctx = given
    },
    { id: 'one', name: 'send' }
  )
  await task.result()
  expect(inspect({ task, ctx })).toBe('{ task: Task send one succeeded, ctx: TaskContext send one attempt 1 }')
  expect(inspect(pool)).toBe('mail: running 0/1, queued 0/1, 1 succeeded, 0 failed, 0 refused')
  expect(`${task}`).toBe('Task send one succeeded')
  await pool.stop()
})

it('prints no name of a task without one', async () => {
  const pool = new WorkerPool({ concurrency: 1, queueCapacity: 1 }).start()
  expect(await pool.queueTask((ctx) => `${ctx}`, { id: 'one' }).result()).toBe('TaskContext one attempt 1')
  await pool.stop()
})

it('prints little of a pool in a failed assertion', () => {
  const pool = new WorkerPool({ concurrency: 1, queueCapacity: 1 })
  for (const fails of [() => assert.equal(pool, 1), () => assert.deepEqual(pool, {}), () => expect(pool).toBe(1)]) {
    let message = ''
    try {
      fails()
    } catch (error) {
      message = (error as Error).message
    }
    expect(message).not.toBe('')
    expect(message.split('\n').length).toBeLessThan(8)
  }
})

it('prints no more of a task in a failed assertion than its own fields', async () => {
  const pool = new WorkerPool({ concurrency: 1, queueCapacity: 1 }).start()
  const task = pool.queueTask(() => 1)
  await task.settled()
  for (const fails of [() => assert.equal(task, 1), () => assert.deepEqual(task, {})]) {
    let message = ''
    try {
      fails()
    } catch (error) {
      message = (error as Error).message
    }
    expect(message).toContain('PoolTask')
    expect(message.split('\n').length).toBeLessThan(40)
  }
})
