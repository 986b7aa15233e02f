import { describe, expect, it } from 'vitest'
import { WaiterList } from '../../src/scheduler/waiter-list.js'
import { Caller } from './item.js'

describe('WaiterList', () => {
  it('is full at its capacity and not before', () => {
    const list = new WaiterList<Caller>(2)
    const first = new Caller('first')
    expect(list.full).toBe(false)
    list.push(first)
    expect(list.full).toBe(false)
    list.push(new Caller('second'))
    expect(list.full).toBe(true)
    list.remove(first)
    expect([list.full, list.size, list.head?.name]).toEqual([false, 1, 'second'])
  })

  it('is always full with capacity 0, and never with Infinity', () => {
    expect(new WaiterList<Caller>(0).full).toBe(true)
    const endless = new WaiterList<Caller>(Number.POSITIVE_INFINITY)
    for (let n = 0; n < 1_000; n++) endless.push(new Caller(String(n)))
    expect(endless.full).toBe(false)
  })

  it('keeps priority and key of each waiter', () => {
    expect({ ...new Caller('a', 7, 'acme') }).toEqual({
      name: 'a',
      delayed: false,
      weight: 1,
      priority: 7,
      key: 'acme',
      prev: null,
      next: null
    })
  })
})
