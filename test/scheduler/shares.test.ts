import { describe, expect, it } from 'vitest'
import { Shares } from '../../src/scheduler/shares.js'
import type { Item } from './item.js'

describe('Shares', () => {
  it('opens one share per key, and removes it once it has no tasks', () => {
    const shares = new Shares<Item>({ concurrency: 2, queueCapacity: 3 })
    const share = shares.open('acme')
    expect(share).toMatchObject({ key: 'acme', concurrency: 2, running: 0, held: 0, parked: [] })
    expect(shares.open('acme')).toBe(share)
    expect(shares.get('acme')).toBe(share)
    expect(shares.get('other')).toBeUndefined()
    expect(shares.size).toBe(1)

    share.running = 1
    shares.release(share)
    expect(shares.size, 'it runs a task').toBe(1)
    share.running = 0
    share.held = 1
    shares.release(share)
    expect(shares.size, 'it holds a task').toBe(1)
    share.held = 0
    shares.release(share)
    expect(shares.size).toBe(0)
  })

  it.each([
    { running: 0, held: 0, free: true, room: true, limit: false },
    { running: 0, held: 0, free: false, room: true, limit: false },
    { running: 1, held: 0, free: true, room: true, limit: false },
    { running: 1, held: 1, free: false, room: false, limit: false },
    { running: 1, held: 1, free: true, room: true, limit: false },
    { running: 2, held: 0, free: true, room: true, limit: true },
    { running: 2, held: 1, free: true, room: false, limit: true },
    { running: 0, held: 3, free: true, room: false, limit: false }
  ])(
    'bounds a key with concurrency 2 and queueCapacity 1: $running running and $held held, worker free: $free → room: $room',
    ({ running, held, free, room, limit }) => {
      const shares = new Shares<Item>({ concurrency: 2, queueCapacity: 1 })
      Object.assign(shares.open('acme'), { running, held })
      expect(shares.hasRoom('acme', free)).toBe(room)
      expect(shares.atLimit('acme', 0)).toBe(limit)
    }
  )

  it('with queueCapacity 0, accepts a task of a key only for a free worker', () => {
    const shares = new Shares<Item>({ concurrency: 1, queueCapacity: 0 })
    expect(shares.hasRoom('acme', true)).toBe(true)
    expect(shares.hasRoom('acme', false)).toBe(false)
    shares.open('acme').running = 1
    expect(shares.hasRoom('acme', true)).toBe(false)
  })

  it('gives an idle key bounds of its own, with a rate that it had not', () => {
    const shares = new Shares<Item>({ concurrency: 2, queueCapacity: 3 })
    const share = shares.open('acme')
    shares.openWith('acme', { concurrency: 1, queueCapacity: 0, rateLimit: { starts: 1, intervalMs: 100 } })
    expect([share.concurrency, share.queueCapacity, shares.atLimit('acme', 0)]).toEqual([1, 0, false])
    share.rate?.take()
    expect(shares.atLimit('acme', 0)).toBe(true)
  })

  it('has no bound with Infinity', () => {
    const shares = new Shares<Item>({ concurrency: Number.POSITIVE_INFINITY, queueCapacity: Number.POSITIVE_INFINITY })
    Object.assign(shares.open('acme'), { running: 1e9, held: 1e9 })
    expect(shares.hasRoom('acme', false)).toBe(true)
    expect(shares.atLimit('acme', 0)).toBe(false)
    expect(shares.atLimit('nobody', 0)).toBe(false)
  })

  it('keeps the share of an idle key with a rate as long as its starts count, and drops a few in each step', () => {
    const shares = new Shares<Item>({
      concurrency: Number.POSITIVE_INFINITY,
      queueCapacity: Number.POSITIVE_INFINITY,
      rateLimit: { starts: 1, intervalMs: 100 }
    })
    for (const [index, key] of ['a', 'b', 'c', 'd'].entries()) {
      const share = shares.open(key)
      share.rate?.take()
      share.rate?.called(index)
      shares.release(share)
    }
    const unused = shares.open('unused')
    shares.release(unused)
    expect(shares.size, 'nothing counts for a key without starts').toBe(4)
    shares.open('d')
    expect([shares.atLimit('a', 99), shares.atLimit('a', 100)]).toEqual([true, false])
    shares.dropIdle(99)
    expect(shares.size).toBe(4)
    shares.dropIdle(1_000)
    expect(shares.size, 'two at most in one step').toBe(2)
    shares.dropIdle(1_000)
    shares.dropIdle(1_000)
    expect([shares.size, shares.get('d')?.key], 'it was opened again').toEqual([1, 'd'])
  })
})
