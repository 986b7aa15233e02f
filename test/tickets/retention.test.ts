import { describe, expect, it } from 'vitest'
import { Retention } from '../../src/tickets/retention.js'
import { quietPool } from '../support/pools.js'

interface Kept {
  readonly name: string
  readonly settledMs: number
  prev: Kept | null
  next: Kept | null
}

function setup(count: number, ms: number) {
  const forgotten: string[] = []
  const retention = new Retention<Kept>({ count, ms }, ({ name }) => forgotten.push(name))
  const add = (name: string, settledMs: number): Kept => {
    const task: Kept = { name, settledMs, prev: null, next: null }
    retention.add(task)
    return task
  }
  const kept = (): string[] => {
    const names: string[] = []
    for (let task = retention.tasks.head; task !== null; task = task.next) names.push(task.name)
    return names
  }
  return { retention, forgotten, add, kept }
}

describe('Retention', () => {
  it('I16 keeps the newest `count` tasks', () => {
    const { forgotten, add, kept, retention } = setup(3, Number.POSITIVE_INFINITY)
    const tasks = ['a', 'b', 'c', 'd', 'e'].map((name, ms) => add(name, ms))
    expect(kept()).toEqual(['c', 'd', 'e'])
    expect(forgotten).toEqual(['a', 'b'])
    expect(tasks.map((task) => retention.has(task))).toEqual([false, false, true, true, true])
  })

  it('I16 keeps none longer than its time, to the millisecond', () => {
    const { forgotten, add, kept, retention } = setup(100, 50)
    expect(retention.nextExpiryMs).toBe(Number.POSITIVE_INFINITY)
    add('a', 10)
    add('b', 10)
    add('c', 30)
    expect(retention.nextExpiryMs).toBe(60)
    retention.expire(59)
    expect(forgotten).toEqual([])
    retention.expire(60)
    expect([forgotten, kept(), retention.nextExpiryMs]).toEqual([['a', 'b'], ['c'], 80])
    retention.expire(1_000)
    expect([forgotten, kept(), retention.nextExpiryMs]).toEqual([['a', 'b', 'c'], [], Number.POSITIVE_INFINITY])
  })

  it('keeps nothing with a count of 0', () => {
    const { forgotten, add, kept, retention } = setup(0, 1_000)
    const task = add('a', 0)
    expect([forgotten, kept(), retention.has(task), retention.nextExpiryMs]).toEqual([
      ['a'],
      [],
      false,
      Number.POSITIVE_INFINITY
    ])
  })

  it('keeps nothing for a time of 0', () => {
    const { forgotten, add, kept } = setup(Number.POSITIVE_INFINITY, 0)
    add('a', 0)
    expect([forgotten, kept()]).toEqual([['a'], []])
  })

  it('keeps tasks for ever with Infinity', () => {
    const { forgotten, add, kept, retention } = setup(Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY)
    for (let n = 0; n < 2_000; n++) add(String(n), n)
    expect(retention.nextExpiryMs).toBe(Number.POSITIVE_INFINITY)
    retention.expire(Number.MAX_VALUE)
    expect([forgotten, kept().length]).toEqual([[], 2_000])
  })

  it('has the only task it keeps, and clears its links when it is dropped', () => {
    const { add, retention } = setup(1, 100)
    const only = add('a', 0)
    expect(retention.has(only)).toBe(true)
    const next = add('b', 1)
    expect([retention.has(only), only.prev, only.next]).toEqual([false, null, null])
    expect([retention.has(next), next.prev, next.next]).toEqual([true, null, null])
  })
})

describe('the settled tasks of a pool', () => {
  it('I15 I16 are dropped by one timer, set for the oldest, which does not keep the process alive', async () => {
    const { clock, pool } = quietPool({ retention: { ms: 1_000 } })
    pool.start()
    const settle = async (): Promise<void> => {
      pool.queueTask(() => 'done')
      await clock.turn()
      expect([clock.timers(), clock.timers('alive')]).toEqual([1, 0])
    }
    await settle()
    await clock.advance(400)
    await settle()
    await clock.advance(1_000 - 1)
    expect(clock.timers(), 'the first is forgotten, the second is not').toBe(1)
    await clock.advance(1)
    expect(clock.timers(), 'nothing is kept').toBe(0)
    await settle()
  })

  it('set no timer where they are kept for ever', async () => {
    const { clock, pool } = quietPool({ retention: { ms: Number.POSITIVE_INFINITY } })
    pool.start()
    pool.queueTask(() => 'done')
    await clock.turn()
    expect([clock.timers(), pool.stats().retained]).toEqual([0, 1])
  })

  it('set no timer once the pool has stopped, and are dropped at the next look-up', async () => {
    const { clock, pool } = quietPool({ retention: { ms: 1_000 } })
    pool.start()
    const { id: first } = pool.queueTask(() => 'done')
    await clock.advance(400)
    const { id: second } = pool.queueTask(() => 'done')
    await clock.turn()
    void pool.stop()
    await clock.turn()
    const looked = (): unknown[] => [pool.task(first)?.state, pool.task(second)?.state, clock.timers()]
    await clock.advance(599)
    expect(looked()).toEqual(['succeeded', 'succeeded', 0])
    await clock.advance(1)
    expect(looked()).toEqual([undefined, 'succeeded', 0])
    await clock.advance(400)
    expect(looked()).toEqual([undefined, undefined, 0])
  })
})
