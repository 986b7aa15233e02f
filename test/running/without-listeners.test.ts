import { AsyncLocalStorage } from 'node:async_hooks'
import { describe, expect, it } from 'vitest'
import { PoolDeadlockError, TaskTimeoutError } from '../../src/index.js'
import { quietPool, rejection, untilAborted } from '../support/pools.js'

describe('a pool that nobody listens to keeps', () => {
  it('the time limit of its tasks', async () => {
    const { clock, pool } = quietPool({ taskTimeoutMs: 100 })
    pool.start()
    const task = pool.queueTask(untilAborted)
    const result = rejection(task.result())
    await clock.advance(99)
    expect(task.state).toBe('running')
    await clock.advance(1)
    expect(await result).toBeInstanceOf(TaskTimeoutError)
  })

  it('the context of each attempt apart', async () => {
    const { clock, pool } = quietPool({ retry: { attempts: 2, backoffMs: 0 } })
    pool.start()
    const storage = new AsyncLocalStorage<string>()
    const seen: unknown[] = []
    const task = storage.run('of the request', () =>
      pool.queueTask(({ attempt }) => {
        seen.push(storage.getStore())
        storage.enterWith(`of attempt ${attempt}`)
        if (attempt === 1) throw new Error('again')
      })
    )
    await clock.advance(1)
    await task.result()
    expect(seen).toEqual(['of the request', 'of the request'])
  })

  it('tasks from waiting for themselves', async () => {
    const { clock, pool } = quietPool({ detectSelfWait: true })
    pool.start()
    const result = rejection(pool.queueTask(() => pool.drain()).result())
    await clock.turn()
    expect(await result).toBeInstanceOf(PoolDeadlockError)
  })
})
