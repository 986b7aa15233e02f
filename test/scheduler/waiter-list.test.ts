import { describe, expect, it } from 'vitest'
import { WaitingLine } from '../../src/scheduler/waiter-list.js'
import { Caller } from './item.js'

describe('WaitingLine', () => {
  it('is full at its capacity and not before', () => {
    const line = new WaitingLine<Caller>(2)
    const first = new Caller('first')
    expect(line.full).toBe(false)
    line.push(first)
    expect(line.full).toBe(false)
    line.push(new Caller('second'))
    expect(line.full).toBe(true)
    line.remove(first)
    expect([line.full, line.size, line.head?.name]).toEqual([false, 1, 'second'])
  })

  it('is always full where nobody may wait, and never where everybody may', () => {
    expect(new WaitingLine<Caller>(0).full).toBe(true)
    const endless = new WaitingLine<Caller>(Number.POSITIVE_INFINITY)
    for (let n = 0; n < 1_000; n++) endless.push(new Caller(String(n)))
    expect(endless.full).toBe(false)
  })

  it('remembers what each caller asked for', () => {
    expect({ ...new Caller('a', 7, 'acme') }).toEqual({ name: 'a', priority: 7, key: 'acme', prev: null, next: null })
  })
})
