import { describe, expect, it } from 'vitest'
import { DuplicateTaskError, QueueFullError, type Task } from '../../src/index.js'
import { gate } from '../support/gate.js'
import { quietPool, startedPool, thrown } from '../support/pools.js'

/** A pool with one settled task. */
const settledTask = async (id?: string) => {
  const { clock, pool } = startedPool()
  const task = pool.queueTask(() => 'done', id === undefined ? {} : { id })
  await clock.turn()
  expect(task.state).toBe('succeeded')
  return { clock, pool, task }
}

describe('forget()', () => {
  it('ends the retention of a settled task, once, and leaves its handle as it is', async () => {
    const { pool, task } = await settledTask()
    const { id } = task
    expect(pool.task(id)).toBe(task)
    expect([pool.forget(id), pool.forget(id), task.forget()]).toEqual([true, false, false])
    expect([pool.task(id), pool.tasks(), pool.stats().retained]).toEqual([undefined, [], 0])
    expect([task.id, task.state, await task.result(), task.record().result]).toEqual([id, 'succeeded', 'done', 'done'])
    expect(pool.stats().retention).toEqual({ retained: 0, oldestMs: 0, forgottenEarly: 0 })
  })

  it('has no effect on a live task, nor on an id that nobody has', async () => {
    const { clock, pool } = startedPool()
    const { promise, open } = gate<void>()
    const running = pool.queueTask(() => promise)
    const queued = pool.queueTask(() => {})
    expect([pool.forget('nobody'), pool.forget(running.id), running.forget(), queued.forget()]).toEqual(
      Array(4).fill(false)
    )
    open()
    await clock.turn()
    expect(pool.task(running.id)).toBe(running)
    expect(pool.task(queued.id)).toBe(queued)
  })

  it('is final for a task whose id nobody has read: an id that is read later leads nowhere', async () => {
    const { pool, task } = await settledTask()
    expect(task.forget()).toBe(true)
    expect(pool.tasks()).toEqual([])
    expect(pool.task(task.id)).toBeUndefined()
    expect(pool.stats().retained).toBe(0)
  })

  it('is final, too, for one that more recent ones have displaced already', async () => {
    const { clock, pool } = startedPool({ queueCapacity: 500 })
    const tasks = Array.from({ length: 102 }, () => pool.queueTask(() => {}))
    await clock.turn()
    const [first, second] = tasks as [Task, Task]
    expect([first.forget(), first.forget()]).toEqual([false, false])
    expect([pool.task(first.id), pool.task(second.id)]).toEqual([undefined, second])
  })

  it('leaves a chosen id to the next task', async () => {
    const { clock, pool, task } = await settledTask('report-7')
    expect(thrown(() => pool.queueTask(() => {}, { id: 'report-7' }))).toBeInstanceOf(DuplicateTaskError)
    expect(task.forget()).toBe(true)
    const next = pool.queueTask(() => 'again', { id: 'report-7' })
    expect([pool.task('report-7'), task.forget()]).toEqual([next, false])
    await clock.turn()
    expect(pool.task('report-7')).toBe(next)
  })

  it('forgets after a stop as well', async () => {
    const { clock, pool, task } = await settledTask('a')
    await Promise.all([pool.stop(), clock.turn()])
    expect([pool.forget('a'), pool.task('a'), task.state]).toEqual([true, undefined, 'succeeded'])
  })
})

describe("onDuplicate: 'join-live'", () => {
  it('joins the task with the id while that is queued or runs', async () => {
    const { clock, pool } = startedPool()
    const { promise, open } = gate<void>()
    const running = pool.queueTask(() => promise, { id: 'a' })
    const queued = pool.queueTask(() => {}, { id: 'b' })
    expect(pool.queueTask(() => {}, { id: 'a', onDuplicate: 'join-live' })).toBe(running)
    expect(pool.queueTask(() => {}, { id: 'b', onDuplicate: 'join-live' })).toBe(queued)
    expect(await pool.queueTaskWhenFree(() => {}, { id: 'b', onDuplicate: 'join-live' })).toBe(queued)
    expect(pool.stats().totals).toMatchObject({ submitted: 2, accepted: 2, refused: 0 })
    open()
    await clock.turn()
  })

  it('replaces the task with the id once that has settled, and the id leads to the new one', async () => {
    const { clock, pool, task } = await settledTask('a')
    const next = pool.queueTask(() => 'again', { id: 'a', onDuplicate: 'join-live' })
    expect(next).not.toBe(task)
    expect([pool.task('a'), pool.stats().retained]).toEqual([next, 0])
    await clock.turn()
    expect([pool.task('a'), await next.result(), pool.stats().retained]).toEqual([next, 'again', 1])
    const third = await pool.queueTaskWhenFree(() => {}, { id: 'a', onDuplicate: 'join-live' })
    expect(pool.task('a')).toBe(third)
  })

  it('replaces a settled task by its generated ticket', async () => {
    const { pool, task } = await settledTask()
    const next = pool.queueTask(() => {}, { id: task.id, onDuplicate: 'join-live' })
    expect(pool.task(task.id)).toBe(next)
  })

  it('leaves the settled task where it is when the new one is refused', async () => {
    const { clock, pool } = quietPool({ queueCapacity: 0 })
    pool.start()
    const settled = pool.queueTask(() => {}, { id: 'a' })
    await clock.turn()
    const { promise, open } = gate<void>()
    pool.queueTask(() => promise)
    const refused = thrown(() => pool.queueTask(() => {}, { id: 'a', onDuplicate: 'join-live' }))
    expect(refused).toBeInstanceOf(QueueFullError)
    expect(pool.task('a')).toBe(settled)
    open()
    await clock.turn()
  })

  it('is judged for a waiter when its place comes', async () => {
    const { clock, pool } = startedPool({ queueCapacity: 0, waiterCapacity: 2 })
    const gates = [gate<void>(), gate<void>()]
    const settled = pool.queueTask(() => gates[0]?.promise, { id: 'a' })
    const waiting = pool.queueTaskWhenFree(() => gates[1]?.promise, { id: 'b', onDuplicate: 'join-live' })
    const second = pool.queueTaskWhenFree(() => {}, { id: 'b', onDuplicate: 'join-live' })
    gates[0]?.open()
    await clock.turn()
    expect(settled.state).toBe('succeeded')
    const task = await waiting
    gates[1]?.open()
    await clock.turn()
    const other = await second
    expect([task.state, other === task, pool.task('b')]).toEqual(['succeeded', false, other])
  })
})

describe('retainMs', () => {
  it('retains a task longer or shorter than the others, and its record states until when', async () => {
    const { clock, pool } = startedPool({ retention: { ms: 1_000 } })
    const [short, usual, long] = [500, undefined, 5_000].map((retainMs) => {
      const task = pool.queueTask(() => {}, { retainMs })
      expect(task.id).toBeTypeOf('string')
      return task
    }) as [Task, Task, Task]
    await clock.turn()
    const found = () => [short, usual, long].map((task) => pool.task(task.id) === task)
    const lasts = [short, usual, long].map((task) => {
      const { settledAt = '', expiresAt = '' } = task.record()
      return Date.parse(expiresAt) - Date.parse(settledAt)
    })
    expect(lasts).toEqual([500, 1_000, 5_000])
    await clock.advance(499)
    expect(found()).toEqual([true, true, true])
    await clock.advance(1)
    expect(found()).toEqual([false, true, true])
    await clock.advance(500)
    expect(found()).toEqual([false, false, true])
    expect(pool.stats().retention).toEqual({ retained: 1, oldestMs: 0, forgottenEarly: 0 })
    await clock.advance(4_000)
    expect([found(), pool.stats().retained, clock.timers()]).toEqual([[false, false, false], 0, 0])
  })

  it('retains a task also where the pool retains none', async () => {
    const { clock, pool } = startedPool({ retention: { ms: 0 } })
    const [kept, other] = [{ retainMs: 100 }, {}].map((options) => pool.queueTask(() => {}, options)) as [Task, Task]
    await clock.turn()
    expect([pool.task(kept.id), pool.task(other.id)]).toEqual([kept, undefined])
    await clock.advance(100)
    expect(pool.task(kept.id)).toBeUndefined()
  })

  it('of 0 leaves the id free at the settle, and an id that is read later leads nowhere', async () => {
    const { clock, pool } = startedPool()
    const chosen = pool.queueTask(() => {}, { id: 'a', retainMs: 0 })
    const generated = pool.queueTask(() => {}, { retainMs: 0 })
    await clock.turn()
    expect([pool.task('a'), pool.task(chosen.id), pool.task(generated.id), pool.tasks()]).toEqual([
      undefined,
      undefined,
      undefined,
      []
    ])
    expect(pool.queueTask(() => {}, { id: 'a' }).state).toBe('running')
    expect(pool.stats().retention.forgottenEarly).toBe(0)
  })

  it('counts among the count: the oldest ticket goes, whatever time is left to it', async () => {
    const { clock, pool } = startedPool({ retention: { count: 2 } })
    const tasks = ['a', 'b', 'c'].map((id) => pool.queueTask(() => {}, { id, retainMs: Number.POSITIVE_INFINITY }))
    await clock.turn()
    expect(['a', 'b', 'c'].map((id) => pool.task(id))).toEqual([undefined, tasks[1], tasks[2]])
    expect(pool.stats().retention).toMatchObject({ retained: 2, forgottenEarly: 1 })
    expect(tasks[1]?.record().expiresAt).toBeUndefined()
  })
})
