import { describe, expect, it } from 'vitest'
import { snooze, TaskTimeoutError } from '../../src/index.js'
import { gate } from '../support/gate.js'
import { quietPool, startedPool } from '../support/pools.js'

/** A function that snoozes some times, then returns. */
const snoozing = (times: number, delayMs: number) => {
  const attempts: number[] = []
  const call = ({ attempt }: { attempt: number }): string => {
    attempts.push(attempt)
    if (attempts.length <= times) throw snooze(delayMs)
    return 'done'
  }
  return { attempts, call }
}

describe('throw snooze(delayMs)', () => {
  it('puts the task back after the delay, without an attempt used up or a failure counted', async () => {
    const { clock, pool, witness } = startedPool()
    const { attempts, call } = snoozing(2, 50)
    const task = pool.queueTask(call)
    await clock.turn()
    expect(task.record()).toMatchObject({ state: 'queued', attempt: 0 })
    expect(task.record().startedAt).toBeDefined()
    expect(pool.stats()).toMatchObject({
      running: 0,
      delayed: 1,
      totals: { started: 1, snoozed: 1, failed: 0, retried: 0 }
    })
    await clock.advance(100)
    expect([await task.result(), task.record().attempt, attempts]).toEqual(['done', 1, [1, 1, 1]])
    expect(pool.stats().totals).toMatchObject({ started: 3, snoozed: 2, retried: 0, succeeded: 1, failed: 0 })
    expect(witness.names(task)).toEqual([
      'queued',
      'started',
      'snoozed',
      'started',
      'snoozed',
      'started',
      'succeeded',
      'settled'
    ])
  })

  it('needs no retry policy, and uses up none of its attempts', async () => {
    const { clock, pool } = startedPool({ retry: { attempts: 2, backoffMs: () => 1 } })
    const seen: number[] = []
    const task = pool.queueTask(async ({ attempt }) => {
      seen.push(attempt)
      if (seen.length === 2) throw new Error('once')
      if (seen.length < 5) throw snooze(10)
      throw new Error('twice')
    })
    await clock.advance(100)
    expect([task.state, seen]).toEqual(['failed', [1, 1, 2, 2, 2]])
    expect(task.error).toMatchObject({ message: 'twice' })
  })

  it('keeps the place, frees the worker, and the revision grows at each change', async () => {
    const { clock, pool } = startedPool({ queueCapacity: 1 })
    const { call } = snoozing(1, 50)
    const task = pool.queueTask(call)
    await clock.turn()
    const other = pool.queueTask(() => {}) // by the free worker: the queue is full
    expect(other.state).toBe('running')
    expect(() => pool.queueTask(() => {}, { delayMs: 1 })).toThrow('1 of 1 queued')
    const revisions: number[] = []
    const read = (async () => {
      for await (const { revision } of task.changes()) revisions.push(revision)
    })()
    await clock.advance(50)
    await read
    expect(revisions).toEqual(revisions.toSorted((a, b) => a - b))
    expect(new Set(revisions).size).toBe(revisions.length)
  })

  it('D3 B10 is waited for by drain, and ended by cancel and stop', async () => {
    const { clock, pool } = startedPool()
    const task = pool.queueTask(snoozing(1, 1_000).call)
    await clock.turn()
    expect([task.cancel(), task.state]).toEqual([true, 'canceled'])
    const other = pool.queueTask(snoozing(1, 1_000).call)
    await clock.turn()
    const report = pool.stop({ graceMs: 0 })
    await clock.turn()
    expect([other.state, (await report).aborted.count, clock.timers('alive')]).toEqual(['canceled', 1, 0])
  })

  it('after a cancel counts as the answer to it', async () => {
    const { clock, pool } = startedPool()
    const blocker = gate()
    const task = pool.queueTask(async () => {
      await blocker.promise
      throw snooze(10)
    })
    await clock.turn()
    task.cancel()
    blocker.open()
    await clock.turn()
    expect(task.record()).toMatchObject({ state: 'canceled', reason: 'user' })
  })

  it('after a timeout counts as the answer to it', async () => {
    const { clock, pool } = startedPool()
    const blocker = gate()
    const task = pool.queueTask(
      async () => {
        await blocker.promise
        throw snooze(10)
      },
      { timeoutMs: 5 }
    )
    await clock.advance(5)
    blocker.open()
    await clock.turn()
    expect([task.state, task.error]).toEqual(['failed', expect.any(TaskTimeoutError)])
  })

  it('of 0 lets others go first', async () => {
    const { clock, pool } = startedPool()
    const order: string[] = []
    let calls = 0
    pool.queueTask(() => {
      order.push('a')
      if (++calls < 3) throw snooze(0)
    })
    pool.queueTask(() => order.push('b'))
    await clock.advance(1)
    expect(order).toEqual(['a', 'b', 'a', 'a'])
  })

  it('is an error that says what it is, where nothing of the pool is around', () => {
    expect(snooze(5)).toBeInstanceOf(Error)
    expect(snooze(5).message).toContain('called again after 5 ms')
    for (const delayMs of [-1, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => snooze(delayMs)).toThrow('Expected `delayMs` to be a finite number of milliseconds from 0, got ')
    }
    expect(() => snooze('5' as never)).toThrow(TypeError)
  })

  it('is told from an error whose properties cannot be read', async () => {
    const { clock, pool } = quietPool({ onUnobservedError: () => {} })
    pool.start()
    const hostile = new Proxy(new Error('x'), {
      get() {
        throw new Error('no')
      }
    })
    const task = pool.queueTask(() => Promise.reject(hostile))
    await clock.turn()
    expect(task.state).toBe('failed')
  })
})
