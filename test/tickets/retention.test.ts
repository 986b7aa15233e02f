import { describe, expect, it } from 'vitest'
import { Retention } from '../../src/tickets/retention.js'
import { quietPool } from '../support/pools.js'

interface Kept {
  readonly name: string
  readonly settledMs: number
  readonly retainMs: undefined
  ticket: string | null
  prev: Kept | null
  next: Kept | null
}

const names = (list: { readonly head: Kept | null }): string[] => {
  const found: string[] = []
  for (let task = list.head; task !== null; task = task.next) found.push(task.name)
  return found
}

function setup(count: number, ms: number) {
  const forgotten: string[] = []
  const retention = new Retention<Kept>({ count, ms }, ({ name }) => forgotten.push(name))
  const settle = (name: string, settledMs: number, ticket: string | null): Kept => {
    const task: Kept = { name, settledMs, retainMs: undefined, ticket, prev: null, next: null }
    retention.add(task)
    return task
  }
  return {
    retention,
    forgotten,
    add: (name: string, settledMs: number) => settle(name, settledMs, name),
    addUnread: (name: string, settledMs: number) => settle(name, settledMs, null),
    read: (task: Kept, nowMs: number): boolean => {
      const isRetained = retention.addLate(task, nowMs)
      task.ticket = task.name
      return isRetained
    },
    kept: () => names(retention.ticketed),
    unread: () => names(retention.unread)
  }
}

describe('Retention', () => {
  it('I16 keeps the newest `count` tasks, and counts those that it forgot early', () => {
    const { forgotten, add, kept, retention } = setup(3, Number.POSITIVE_INFINITY)
    for (const [ms, name] of ['a', 'b', 'c', 'd', 'e'].entries()) add(name, ms)
    expect(kept()).toEqual(['c', 'd', 'e'])
    expect(forgotten).toEqual(['a', 'b'])
    expect(retention.forgottenEarly).toBe(2)
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
    expect(retention.forgottenEarly).toBe(0)
  })

  it('does not count as early what the count displaces when its time has passed', () => {
    const { add, retention } = setup(1, 50)
    add('a', 0)
    add('b', 50)
    expect(retention.forgottenEarly).toBe(0)
    add('c', 99)
    expect(retention.forgottenEarly).toBe(1)
  })

  it('keeps nothing with a count of 0', () => {
    const { forgotten, add, addUnread, read, retention } = setup(0, 1_000)
    add('a', 0)
    const unread = addUnread('b', 0)
    expect(read(unread, 0)).toBe(false)
    expect([forgotten, retention.size, retention.nextExpiryMs]).toEqual([['a', 'b'], 0, Number.POSITIVE_INFINITY])
    expect(retention.forgottenEarly).toBe(2)
  })

  it('keeps nothing for a time of 0', () => {
    const { forgotten, add, addUnread, read, retention } = setup(Number.POSITIVE_INFINITY, 0)
    add('a', 0)
    expect(read(addUnread('b', 0), 0)).toBe(false)
    expect([forgotten, retention.size, retention.forgottenEarly]).toEqual([['a'], 0, 0])
  })

  it('keeps tasks for ever with Infinity', () => {
    const { forgotten, add, kept, retention } = setup(Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY)
    for (let n = 0; n < 2_000; n++) add(String(n), n)
    expect(retention.nextExpiryMs).toBe(Number.POSITIVE_INFINITY)
    retention.expire(Number.MAX_VALUE)
    expect([forgotten, kept().length]).toEqual([[], 2_000])
  })

  it('clears the links of what it drops', () => {
    const { add, addUnread } = setup(1, 100)
    const dropped = [add('a', 0), addUnread('b', 0)]
    add('c', 1)
    addUnread('d', 1)
    expect(dropped.map(({ prev, next }) => [prev, next])).toEqual([
      [null, null],
      [null, null]
    ])
  })
})

describe('Retention of tasks whose ticket nobody has', () => {
  it('I16 keeps the last hundred, or `count` if that is less, and displaces no ticket', () => {
    const { add, addUnread, kept, unread, retention } = setup(1_000, 100)
    add('a', 0)
    for (let n = 0; n < 3_000; n++) addUnread(String(n), n % 2)
    expect([kept(), unread().length, unread()[0], retention.forgottenEarly]).toEqual([['a'], 100, '2900', 0])
    const small = setup(2, 100)
    for (const name of ['a', 'b', 'c']) small.addUnread(name, 0)
    expect(small.unread()).toEqual(['b', 'c'])
  })

  it('keeps none longer than its time, and wakes for it', () => {
    const { addUnread, unread, retention } = setup(10, 100)
    addUnread('a', 0)
    addUnread('b', 20)
    expect(retention.nextExpiryMs).toBe(100)
    retention.expire(100)
    expect([unread(), retention.nextExpiryMs]).toEqual([['b'], 120])
  })

  it('keeps a task with the tickets from the moment its ticket is read', () => {
    const { addUnread, read, kept, unread } = setup(10, 100)
    const tasks = ['a', 'b', 'c'].map((name, ms) => addUnread(name, ms))
    expect(tasks.toReversed().map((task) => read(task, 5))).toEqual([true, true, true])
    expect([kept(), unread()]).toEqual([['c', 'b', 'a'], []])
  })

  it('keeps also a task that was dropped without a ticket, unless its time has passed', () => {
    const { addUnread, read, kept, unread } = setup(1, 100)
    const [first, second] = ['a', 'b'].map((name) => addUnread(name, 0)) as [Kept, Kept]
    expect(read(first, 99)).toBe(true)
    expect([kept(), unread()]).toEqual([['a'], ['b']])
    expect(read(second, 100)).toBe(false)
    expect(kept()).toEqual(['a'])
  })

  it('I16 keeps a ticket that is read late no longer than its time, behind tasks that settled after it', () => {
    const { add, addUnread, read, kept, forgotten, retention } = setup(10, 100)
    const [early, other] = [addUnread('early', 0), addUnread('other', 10)]
    add('a', 20)
    add('b', 30)
    read(other, 40)
    read(early, 40)
    add('c', 40)
    expect(kept()).toEqual(['a', 'b', 'other', 'early', 'c'])
    expect([retention.oldestTicketMs, retention.nextExpiryMs]).toEqual([0, 100])
    retention.expire(100)
    expect([forgotten, retention.oldestTicketMs]).toEqual([['early'], 10])
    retention.expire(110)
    expect([forgotten, retention.oldestTicketMs, kept()]).toEqual([['early', 'other'], 20, ['a', 'b', 'c']])
    retention.expire(140)
    expect([kept(), retention.oldestTicketMs]).toEqual([[], Number.POSITIVE_INFINITY])
  })

  it('forgets a ticket that was read late when it is the first of too many', () => {
    const { add, addUnread, read, kept, forgotten, retention } = setup(2, 100)
    const early = addUnread('early', 0)
    add('a', 20)
    read(early, 30)
    for (const name of ['b', 'c']) add(name, 40)
    expect([forgotten, kept()]).toEqual([
      ['a', 'early'],
      ['b', 'c']
    ])
    expect([retention.nextExpiryMs, retention.forgottenEarly]).toEqual([140, 2])
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
