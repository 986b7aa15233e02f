import { describe, expect, it } from 'vitest'
import { type Task, WorkerPool, type WorkerPoolOptions } from '../../src/index.js'
import { startedDurablePool } from '../support/durable-pools.js'
import { ManualClock } from '../support/manual-clock.js'
import { startedPool } from '../support/pools.js'

const MINUTES = 60_000

const make = (options: Partial<WorkerPoolOptions> = {}) => {
  const clock = new ManualClock()
  const pool = new WorkerPool({ concurrency: 4, queueCapacity: 5_000, clock, ...options }).start()
  const run = async (count: number, look: (task: Task) => void = () => {}): Promise<Task[]> => {
    const tasks = Array.from({ length: count }, (_, n) => pool.queueTask(() => n))
    for (const task of tasks) look(task)
    const drained = pool.drain()
    while (pool.stats().totals.accepted > pool.stats().totals.succeeded) await clock.turn()
    await drained
    return tasks
  }
  const found = (tasks: readonly Task[]): number => tasks.filter((task) => pool.task(task.id) === task).length
  return { clock, pool, run, found }
}

const readId = (task: Task): string => task.id

describe('how long tickets last', () => {
  it('is ten minutes for each of a thousand tickets, whatever number of tasks without a ticket end meanwhile', async () => {
    const { clock, pool, run, found } = make()
    const tickets = await run(1_000, readId)
    for (let minute = 0; minute < 9; minute++) {
      await clock.advance(1 * MINUTES)
      await run(3_000)
    }
    expect(found(tickets)).toBe(1_000)
    expect(pool.stats().retention).toEqual({ retained: 1_000, oldestMs: 9 * MINUTES, forgottenEarly: 0 })
    await clock.advance(1 * MINUTES)
    expect(found(tickets)).toBe(0)
    expect(pool.stats().retention).toMatchObject({ retained: 0, oldestMs: 0, forgottenEarly: 0 })
  })

  it('is less for those beyond the count, and stats() reports it', async () => {
    const { clock, pool, run, found } = make()
    const tickets = await run(3_000, readId)
    expect(found(tickets)).toBe(1_000)
    expect(pool.stats().retention).toEqual({ retained: 1_000, oldestMs: 0, forgottenEarly: 2_000 })
    await clock.advance(5 * MINUTES)
    await run(400, readId)
    expect(pool.stats().retention).toEqual({ retained: 1_000, oldestMs: 5 * MINUTES, forgottenEarly: 2_400 })
    await clock.advance(6 * MINUTES)
    expect(pool.stats().retention).toEqual({ retained: 400, oldestMs: 6 * MINUTES, forgottenEarly: 2_400 })
  })

  it('is the whole time for three thousand tickets, with a count for them', async () => {
    const { clock, pool, run, found } = make({ retention: { count: 3_000 } })
    const tickets = await run(3_000, readId)
    await clock.advance(10 * MINUTES - 1)
    expect(found(tickets)).toBe(3_000)
    expect(pool.stats().retention.forgottenEarly).toBe(0)
    await clock.advance(1)
    expect(found(tickets)).toBe(0)
  })

  it('counts ids that were chosen as tickets, and records that were read', async () => {
    const { clock, pool, run } = make({ retention: { count: 3 } })
    pool.queueTask(() => {}, { id: 'chosen' })
    await run(1, (task) => void task.record())
    await run(1, (task) => void JSON.stringify(task))
    await clock.turn()
    await run(500)
    expect(pool.stats()).toMatchObject({ retained: 6, retention: { retained: 3 } })
    expect(pool.task('chosen')?.state).toBe('succeeded')
    await run(1, readId)
    expect(pool.task('chosen')).toBeUndefined()
    expect(pool.stats().retention).toMatchObject({ retained: 3, forgottenEarly: 1 })
  })
})

describe('a ticket that is read after the end', () => {
  it('is found, whether the task was read from a handle, tasks() or a listener', async () => {
    const { pool, run, found } = make()
    const heard: string[] = []
    pool.once('settled', ({ id }) => void heard.push(id))
    const [first, ...others] = await run(3)
    expect(pool.task(heard[0] ?? '')).toBe(first)
    const ids = pool.tasks().map(({ id }) => id)
    expect(ids).toHaveLength(3)
    expect(ids.every((id) => pool.task(id) !== undefined)).toBe(true)
    expect(found(others)).toBe(2)
    expect(pool.stats()).toMatchObject({ retained: 3, retention: { retained: 3 } })
  })

  it('is found in whatever order three thousand handles are read, until its own time has passed', async () => {
    const { clock, pool, run, found } = make({ retention: { count: 5_000 } })
    const early = await run(1_500)
    await clock.advance(1 * MINUTES)
    const late = await run(1_500)
    expect(pool.stats()).toMatchObject({ retained: 100, retention: { retained: 0 } })
    expect(found([...late, ...early].reverse())).toBe(3_000)
    expect(pool.stats()).toMatchObject({ retained: 3_000, retention: { oldestMs: 1 * MINUTES, forgottenEarly: 0 } })
    await clock.advance(9 * MINUTES)
    expect([found(early), found(late), pool.stats().retained]).toEqual([0, 1_500, 1_500])
    await clock.advance(1 * MINUTES)
    expect([found(late), pool.stats().retained, clock.timers()]).toEqual([0, 0, 0])
  })

  it('is not found once the time of the task has passed, or where nothing is retained', async () => {
    const { clock, run, found } = make({ retention: { ms: 1_000 } })
    const tasks = await run(200)
    await clock.advance(1_000)
    expect(found(tasks)).toBe(0)
    const none = make({ retention: { count: 0 } })
    expect(none.found(await none.run(3))).toBe(0)
    expect(none.pool.stats()).toMatchObject({ retained: 0, retention: { retained: 0, oldestMs: 0, forgottenEarly: 3 } })
  })

  it('is found after a stop, and expires without a timer', async () => {
    const { clock, pool, run, found } = make({ retention: { ms: 1_000 } })
    const tasks = await run(200)
    void pool.stop()
    await clock.turn()
    expect([pool.state, found(tasks), clock.timers()]).toEqual(['stopped', 200, 0])
    await clock.advance(1_000)
    expect([found(tasks), pool.stats().retained]).toEqual([0, 0])
  })
})

describe('tasks whose ticket nobody reads', () => {
  it('are listed by tasks(), the last hundred of them, besides the tickets', async () => {
    const { pool, run } = make({ retention: { count: 500 } })
    const tickets = await run(600, readId)
    const others = await run(600)
    const listed = pool.tasks({ limit: 1_000 })
    expect(new Set(listed)).toEqual(new Set([...tickets.slice(100), ...others.slice(500)]))
    expect(pool.stats()).toMatchObject({ retained: 600, retention: { retained: 500, forgottenEarly: 100 } })
  })

  it('are not retained longer than the others, nor in a number above the count', async () => {
    const { clock, pool, run } = make({ retention: { count: 2, ms: 1_000 } })
    const tasks = await run(5)
    expect(pool.tasks()).toEqual([tasks[4], tasks[3]])
    await clock.advance(1_000)
    expect([pool.tasks(), pool.stats().retained, clock.timers()]).toEqual([[], 0, 0])
  })
})

describe.each([
  ['a pool', startedPool],
  ['a pool with a store', startedDurablePool]
])('%s', (_, started) => {
  it('forgets ended tasks by a timer, each at its time, though nobody asks', async () => {
    const { clock, pool } = started({ handlers: { work: () => 'done' }, retention: { ms: 1_000 } })
    const tasks = [1_000, 600, 400].map((retainMs) =>
      pool.queueTask('work' as never, undefined, { id: `for-${retainMs}-ms`, ...(retainMs < 1_000 && { retainMs }) })
    )
    await clock.turn()
    const held = () => tasks.map((task) => (task as unknown as { ticket: { task: unknown } }).ticket.task !== null)
    expect([held(), clock.timers(), clock.timers('alive')]).toEqual([[true, true, true], 1, 0])
    await clock.advance(400)
    expect(held()).toEqual([true, true, false])
    await clock.advance(200)
    expect(held()).toEqual([true, false, false])
    await clock.advance(400)
    expect([held(), clock.timers()]).toEqual([[false, false, false], 0])
  })
})
