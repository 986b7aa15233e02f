import { describe, expect, it } from 'vitest'
import { Retention } from '../src/retention.js'

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
  it('I16 keeps the newest so many', () => {
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

  it('keeps for ever with Infinity', () => {
    const { forgotten, add, kept, retention } = setup(Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY)
    for (let n = 0; n < 2_000; n++) add(String(n), n)
    expect(retention.nextExpiryMs).toBe(Number.POSITIVE_INFINITY)
    retention.expire(Number.MAX_VALUE)
    expect([forgotten, kept().length]).toEqual([[], 2_000])
  })

  it('knows the only one it keeps, and lets go of its links', () => {
    const { add, retention } = setup(1, 100)
    const only = add('a', 0)
    expect(retention.has(only)).toBe(true)
    const next = add('b', 1)
    expect([retention.has(only), only.prev, only.next]).toEqual([false, null, null])
    expect([retention.has(next), next.prev, next.next]).toEqual([true, null, null])
  })
})
