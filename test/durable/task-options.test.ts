import { describe, expect, it } from 'vitest'
import { KeyQueueFullError, snooze } from '../../src/index.js'
import { durablePool, onlyRow, startedDurablePool } from '../support/durable-pools.js'
import { gate } from '../support/gate.js'
import { ManualClock } from '../support/manual-clock.js'
import { never, thrown } from '../support/pools.js'

const handlers = { n: (n: number) => n, hangs: never }

/** A clock of the next process, so much later. */
const later = (clock: ManualClock, ms: number): ManualClock => new ManualClock(5, clock.date() + ms)

describe('over a restart', () => {
  it('delayMs goes on with what is left of it', async () => {
    const { clock, pool, store, disk } = startedDurablePool({ handlers })
    const task = pool.queueTask('n', 1, { delayMs: 1_000 })
    await clock.turn()
    store.kill()
    const next = startedDurablePool({ handlers, disk, clock: later(clock, 400) })
    expect(next.pool.stats()).toMatchObject({ delayed: 1, queued: 0, running: 0 })
    await next.clock.advance(599)
    expect(next.pool.task(task.id)?.state).toBe('queued')
    await next.clock.advance(1)
    expect(await next.pool.task(task.id)?.result()).toBe(1)
  })

  it('a snoozed task comes back after its delay, without an attempt used up', async () => {
    let calls = 0
    const attempts: number[] = []
    const snoozing = {
      s: (_: unknown, ctx: { readonly attempt: number }) => {
        attempts.push(ctx.attempt)
        if (++calls <= 2) throw calls === 1 ? snooze(500) : new Error('busy')
        return 'done'
      }
    }
    const options = { handlers: snoozing, retry: { attempts: 2, backoffMs: () => 10 } }
    const { clock, pool, store, disk } = startedDurablePool(options)
    const task = pool.queueTask('s', undefined)
    await clock.turn()
    expect(onlyRow(disk)).toMatchObject({ state: 'queued', failures: 0, dueAt: clock.date() + 500 })
    store.kill()
    const next = startedDurablePool({ ...options, disk, clock: later(clock, 100) })
    await next.clock.advance(399)
    expect(calls).toBe(1)
    await next.clock.advance(1)
    await next.clock.advance(10)
    expect([calls, await next.pool.task(task.id)?.result()]).toEqual([3, 'done'])
  })

  it('weight counts again, beyond a smaller capacity as well', async () => {
    const options = { handlers, queueCapacity: 10 }
    const { clock, pool, store, disk } = durablePool({ ...options, weightCapacity: 10 })
    const tasks = [pool.queueTask('hangs', undefined, { weight: 4 }), pool.queueTask('n', 1, { weight: 3.5 })]
    await clock.turn()
    store.kill()
    const next = durablePool({ ...options, disk, weightCapacity: 6 })
    expect(next.pool.stats()).toMatchObject({ heldWeight: 7.5, queued: 2 })
    expect(thrown(() => next.pool.queueTask('n', 2))).toMatchObject({ code: 'ERR_QUEUE_FULL' })
    for (const { id } of tasks) next.pool.cancel(id)
    expect(next.pool.stats().heldWeight).toBe(0)
    next.pool.queueTask('n', 2, { weight: 6 })
  })

  it('retainMs counts from the end of the task', async () => {
    const retention = { ms: 1_000 }
    const { clock, pool, store, disk } = startedDurablePool({ handlers, concurrency: 3, retention })
    const [short, usual, long] = [100, undefined, 5_000].map((retainMs) => pool.queueTask('n', 1, { retainMs }).id)
    await clock.turn()
    store.kill()
    const next = durablePool({ handlers, disk, retention, clock: later(clock, 500) })
    const found = () => [short, usual, long].map((id) => next.pool.task(id as string)?.state)
    expect(found()).toEqual([undefined, 'succeeded', 'succeeded'])
    await next.clock.advance(600)
    expect(found()).toEqual([undefined, undefined, 'succeeded'])
    next.store.kill()
    const third = durablePool({ handlers, disk, retention, clock: later(next.clock, 1_000) })
    expect(third.pool.task(long as string)?.state).toBe('succeeded')
  })

  it('reprioritize is written: the task starts in its new place', async () => {
    const { clock, pool, store, disk } = startedDurablePool({ handlers })
    pool.pause()
    const [first, second, delayed] = [
      pool.queueTask('n', 1),
      pool.queueTask('n', 2),
      pool.queueTask('n', 3, { delayMs: 10 })
    ]
    await clock.turn()
    expect(second?.reprioritize(5)).toBe(true)
    expect(delayed?.reprioritize(9)).toBe(true)
    await clock.turn()
    await second?.recorded
    expect(disk.tasks().map(({ priority }) => priority)).toEqual([0, 5, 9])
    store.kill()
    const next = durablePool({ handlers, disk, clock: later(clock, 10) })
    const order: string[] = []
    next.pool.on('started', ({ id }) => void order.push(id))
    next.pool.start()
    await next.clock.turn()
    expect(order).toEqual([delayed?.id, second?.id, first?.id])
  })

  it('a task that is reprioritized before it was written is inserted with its new priority', async () => {
    const { clock, pool, disk } = durablePool({ handlers })
    const task = pool.queueTask('n', 1)
    task.reprioritize(-2)
    await clock.turn()
    await task.recorded
    expect(onlyRow(disk).priority).toBe(-2)
  })

  it('a recovered key gets the bounds of its function', async () => {
    const perKey = (key: string) => (key === 'small' ? { concurrency: 1, queueCapacity: 1 } : {})
    const options = { handlers, concurrency: 5, perKey }
    const { clock, pool, store, disk } = durablePool({ handlers, concurrency: 5 })
    for (const key of ['small', 'small', 'small', 'large', 'large']) pool.queueTask('hangs', undefined, { key })
    await clock.turn()
    store.kill()
    const asked: string[] = []
    const next = durablePool({
      ...options,
      disk,
      perKey: (key) => {
        asked.push(key)
        return perKey(key)
      }
    })
    expect(asked, 'once for each key').toEqual(['small', 'large'])
    next.pool.start()
    expect(next.pool.stats()).toMatchObject({ running: 3, queued: 2 })
    expect(thrown(() => next.pool.queueTask('n', 1, { key: 'small' }))).toBeInstanceOf(KeyQueueFullError)
    next.pool.queueTask('n', 1, { key: 'large' })
    void next.pool.stop({ graceMs: 0, forceMs: 0 })
    await next.clock.advance(1)
  })

  it('an error of that function is reported, and the key has no bounds of its own', async () => {
    const { clock, pool, store, disk } = durablePool({ handlers, concurrency: 5 })
    for (const n of [1, 2]) pool.queueTask('n', n, { key: 'a' })
    await clock.turn()
    store.kill()
    const errors: unknown[] = []
    const failure = new Error('no plans yet')
    const next = durablePool({
      ...{ handlers, disk, concurrency: 5, onUnobservedError: (error: unknown) => void errors.push(error) },
      perKey: () => {
        throw failure
      }
    })
    next.pool.start()
    expect(next.pool.stats().running).toBe(2)
    await next.clock.turn()
    expect(errors).toEqual([failure])
  })
})

describe('forget', () => {
  it('removes the row: nothing finds the task, before and after a restart', async () => {
    const { clock, pool, store, disk } = startedDurablePool({ handlers, concurrency: 2 })
    const [kept, gone] = [pool.queueTask('n', 1), pool.queueTask('n', 2, { id: 'mine' })]
    await clock.turn()
    expect(disk.tasks()).toHaveLength(2)
    expect([pool.forget('mine'), pool.forget('mine'), gone?.forget()]).toEqual([true, false, false])
    expect(await pool.findTask('mine'), 'before it is written').toBeUndefined()
    await clock.turn()
    expect(disk.tasks().map(({ id }) => id)).toEqual([kept?.id])
    expect(await pool.findTask('mine')).toBeUndefined()
    store.kill()
    const next = durablePool({ handlers, disk, clock: later(clock, 1) })
    expect(next.pool.task('mine')).toBeUndefined()
    expect(next.pool.queueTask('n', 3, { id: 'mine' }).state).toBe('queued')
  })

  it('is repeated after an error of the store, together with what changed meanwhile', async () => {
    const { clock, pool, store, disk } = startedDurablePool({ handlers })
    const task = pool.queueTask('n', 1)
    await clock.turn()
    store.failNext()
    task.forget()
    await clock.turn()
    expect(disk.tasks()).toHaveLength(1)
    await clock.advance(20)
    expect(disk.tasks()).toEqual([])
  })

  it('does not miss one that comes while a batch is being written', async () => {
    const { clock, pool, store, disk } = startedDurablePool({ handlers, concurrency: 2 })
    const tasks = [pool.queueTask('n', 1), pool.queueTask('n', 2)]
    await clock.turn()
    store.hold()
    tasks[0]?.forget()
    await clock.turn()
    expect(store.isWaiting).toBe(true)
    tasks[1]?.forget()
    store.release()
    await clock.turn()
    expect(disk.tasks()).toEqual([])
  })

  it('is written before a stop closes the store; afterwards the row stays', async () => {
    const { clock, pool, disk } = startedDurablePool({ handlers, concurrency: 2 })
    const tasks = [pool.queueTask('n', 1), pool.queueTask('n', 2)]
    await clock.turn()
    expect(tasks[0]?.forget()).toBe(true)
    const report = pool.stop()
    await clock.turn()
    await report
    expect(disk.tasks().map(({ seq }) => seq)).toEqual([2])
    expect(tasks[1]?.forget()).toBe(true)
    await clock.turn()
    expect(disk.tasks()).toHaveLength(1)
  })

  it('leaves a task alone that lives, or whose end is not on disk yet', async () => {
    const { clock, pool, store, disk } = startedDurablePool({ handlers })
    const { promise, open } = gate()
    const task = pool.queueTask('n', 1)
    store.hold()
    await clock.turn()
    expect(task.forget()).toBe(false)
    store.releaseOne()
    await clock.turn()
    expect(task.forget()).toBe(false)
    store.release()
    open()
    await promise
    await clock.turn()
    expect([task.state, disk.tasks().length]).toEqual(['succeeded', 1])
  })
})
