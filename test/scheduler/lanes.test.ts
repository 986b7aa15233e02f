import { describe, expect, it } from 'vitest'
import { Lanes } from '../../src/scheduler/lanes.js'
import { Shares } from '../../src/scheduler/shares.js'
import { Item } from './item.js'

/** Drives the lanes like the scheduler does. */
class Queue {
  readonly lanes = new Lanes<Item>()
  readonly shares: Shares<Item> | null
  readonly items = new Map<string, Item>()
  #order = 0

  constructor(perKey?: number) {
    this.shares =
      perKey === undefined ? null : new Shares({ concurrency: perKey, queueCapacity: Number.POSITIVE_INFINITY })
  }

  /** Queues items by name: the key is the letter before the number; `x` means no key. */
  push(priority: number, ...names: string[]): void {
    for (const name of names) {
      const key = name.startsWith('x') ? undefined : name.slice(0, 1)
      const item = this.items.get(name) ?? new Item(name)
      this.items.set(name, item)
      item.order = ++this.#order
      const share = key === undefined || this.shares === null ? null : this.shares.open(key)
      item.lane ??= this.lanes.find(priority, key, share)
      this.lanes.push(item)
    }
  }

  item(name: string): Item {
    return this.items.get(name) as Item
  }

  take(): string | undefined {
    const item = this.lanes.take(0)
    if (item?.lane?.share) item.lane.share.running++
    return item?.name
  }

  /** Takes all entries that may start. */
  all(): string[] {
    const names: string[] = []
    for (let name = this.take(); name !== undefined; name = this.take()) names.push(name)
    return names
  }

  /** Ends a taken item. */
  end(name: string): void {
    const share = this.item(name).lane?.share
    if (!share) throw new Error('it has no share')
    share.running--
    this.lanes.unpark(share)
  }

  get busy(): string[] {
    return [...this.lanes.busy()].map(({ priority, key }) => `${priority} ${key ?? '-'}`)
  }
}

describe('Lanes', () => {
  it('I11 return entries first in, first out', () => {
    const queue = new Queue()
    queue.push(0, 'x1', 'x2', 'x3')
    expect(queue.all()).toEqual(['x1', 'x2', 'x3'])
    expect(queue.take()).toBeUndefined()
  })

  it('return higher priorities first, negative ones last', () => {
    const queue = new Queue()
    queue.push(0, 'x1')
    queue.push(-5, 'x2')
    queue.push(Number.MAX_SAFE_INTEGER, 'x3')
    queue.push(7, 'x4')
    queue.push(Number.MIN_SAFE_INTEGER, 'x5')
    queue.push(7, 'x6')
    expect(queue.all()).toEqual(['x3', 'x4', 'x6', 'x1', 'x2', 'x5'])
  })

  it('I11 let keys take turns, all tasks without a key as one', () => {
    const queue = new Queue()
    queue.push(0, 'a1', 'a2', 'a3', 'a4', 'x1', 'x2', 'b1', 'b2', 'b3')
    expect(queue.all()).toEqual(['a1', 'x1', 'b1', 'a2', 'x2', 'b2', 'a3', 'b3', 'a4'])
  })

  it('let keys take turns in each priority by itself', () => {
    const queue = new Queue()
    queue.push(1, 'a1', 'a2', 'b1')
    queue.push(0, 'a3', 'c1', 'a4')
    expect(queue.all()).toEqual(['a1', 'b1', 'a2', 'a3', 'c1', 'a4'])
  })

  it('add a new key at the end of the round', () => {
    const queue = new Queue()
    queue.push(0, 'a1', 'a2', 'b1', 'b2')
    expect(queue.take()).toBe('a1')
    queue.push(0, 'c1', 'c2')
    expect(queue.all()).toEqual(['b1', 'a2', 'c1', 'b2', 'c2'])
  })

  it('C1 remove an entry at the front, in the middle and at the end, and a lane that is empty', () => {
    const queue = new Queue()
    queue.push(0, 'a1', 'a2', 'a3', 'b1', 'c1')
    for (const name of ['a2', 'b1', 'a1']) queue.lanes.remove(queue.item(name))
    expect(queue.busy).toEqual(['0 a', '0 c'])
    expect(queue.all()).toEqual(['a3', 'c1'])
    expect(queue.busy).toEqual([])
  })

  it('continue with the next key when the one whose turn it was is removed', () => {
    const queue = new Queue()
    queue.push(0, 'a1', 'b1', 'c1', 'a2')
    expect(queue.take()).toBe('a1')
    queue.lanes.remove(queue.item('b1'))
    expect(queue.all()).toEqual(['c1', 'a2'])
  })

  it('remove a priority with its last entry, and add it again with a new one', () => {
    const queue = new Queue()
    queue.push(3, 'x1', 'a1')
    const level = queue.item('a1').lane?.level
    expect(queue.all()).toEqual(['x1', 'a1'])
    expect(queue.busy).toEqual([])
    queue.push(0, 'x2')
    queue.push(3, 'x3')
    expect(queue.item('x3').lane?.level, 'it was forgotten').not.toBe(level)
    expect(queue.all()).toEqual(['x3', 'x2'])
  })

  it('put a requeued entry at the back of its lane, also when another lane of its key was opened', () => {
    const queue = new Queue()
    queue.push(2, 'a1', 'a2')
    expect(queue.all()).toEqual(['a1', 'a2'])
    queue.push(2, 'a3') // a new lane of the same priority and key
    queue.push(2, 'a1', 'a2') // they still refer to the old one
    expect(queue.item('a1').lane).toBe(queue.item('a3').lane)
    expect(queue.busy).toEqual(['2 a'])
    expect(queue.all()).toEqual(['a3', 'a1', 'a2'])
  })

  it('give a lane one turn in a round, also when an entry is requeued', () => {
    const queue = new Queue()
    queue.push(2, 'a1')
    expect(queue.all()).toEqual(['a1'])
    queue.push(2, 'b1', 'b2', 'a2', 'a3')
    queue.push(2, 'a1') // it still refers to the removed lane
    expect(queue.lanes.position(queue.item('b2'))).toBe(4)
    expect(queue.all()).toEqual(['b1', 'a2', 'b2', 'a3', 'a1'])
  })

  it('park the lane of a key at its limit, until one of its tasks ends', () => {
    const queue = new Queue(1)
    queue.push(0, 'a1', 'a2', 'b1', 'x1', 'x2')
    expect(queue.all()).toEqual(['a1', 'b1', 'x1', 'x2'])
    expect(queue.busy, 'it still waits').toEqual(['0 a'])
    queue.end('b1')
    expect(queue.all()).toEqual([])
    queue.end('a1')
    expect(queue.all()).toEqual(['a2'])
    expect(queue.busy).toEqual([])
  })

  it('do not block lower priorities by a key at its limit', () => {
    const queue = new Queue(1)
    queue.push(5, 'a1', 'a2')
    queue.push(0, 'x1')
    expect(queue.all()).toEqual(['a1', 'x1'])
    queue.push(0, 'x2')
    queue.end('a1')
    expect(queue.all(), 'its priority is high again').toEqual(['a2', 'x2'])
  })

  it('unpark a key in every priority in which it waited', () => {
    const queue = new Queue(1)
    queue.push(5, 'a1', 'a2')
    queue.push(0, 'a3', 'a4')
    queue.push(-1, 'a5')
    expect(queue.all()).toEqual(['a1'])
    const order = ['a1', 'a2', 'a3', 'a4', 'a5']
    for (const [index, name] of order.slice(1).entries()) {
      queue.end(order[index] as string)
      expect(queue.all()).toEqual([name])
    }
  })

  it('remove entries of a parked lane, from the first to the last', () => {
    const queue = new Queue(1)
    queue.push(0, 'a1', 'a2', 'a3')
    queue.push(1, 'a4')
    expect(queue.all()).toEqual(['a4'])
    for (const name of ['a1', 'a3', 'a2']) queue.lanes.remove(queue.item(name))
    expect(queue.busy).toEqual([])
    expect(queue.shares?.get('a')?.parked).toEqual([])
    queue.push(0, 'a5')
    queue.end('a4')
    expect(queue.all()).toEqual(['a5'])
  })

  it('accept more entries for a parked lane', () => {
    const queue = new Queue(1)
    queue.push(0, 'a1', 'a2')
    expect(queue.all()).toEqual(['a1'])
    queue.push(0, 'a3')
    expect(queue.all()).toEqual([])
    queue.end('a1')
    expect(queue.all()).toEqual(['a2'])
    queue.end('a2')
    expect(queue.all()).toEqual(['a3'])
  })

  it('estimate the position of an entry by its lane, the number of keys and the higher priorities', () => {
    const queue = new Queue()
    const position = (name: string): number => queue.lanes.position(queue.item(name))
    queue.push(0, 'x1', 'x2', 'x3')
    expect(['x1', 'x2', 'x3'].map(position)).toEqual([1, 2, 3])
    queue.push(0, 'a1')
    expect(['x1', 'x2', 'x3', 'a1'].map(position)).toEqual([2, 4, 4, 2])
    queue.push(9, 'x4', 'x5')
    expect(['x4', 'x5', 'x1', 'a1'].map(position)).toEqual([1, 2, 4, 4])
    queue.lanes.remove(queue.item('x2'))
    expect(position('x3'), 'never beyond what is queued').toBe(5)
  })

  it('estimate it by the keys that still have entries', () => {
    const queue = new Queue()
    queue.push(0, 'a1', 'b1', 'b2', 'b3', 'c1', 'c2', 'c3')
    const position = (): number => queue.lanes.position(queue.item('b2'))
    expect(position()).toBe(6)
    queue.lanes.remove(queue.item('a1'))
    expect(position()).toBe(4)
  })

  it('estimate the position of an entry in a parked lane', () => {
    const queue = new Queue(1)
    queue.push(0, 'a1', 'a2', 'a3')
    expect(queue.all()).toEqual(['a1'])
    expect(['a2', 'a3'].map((name) => queue.lanes.position(queue.item(name)))).toEqual([1, 2])
  })

  it('hold nothing once they are empty, except the lane of priority 0 without a key', () => {
    const queue = new Queue(2)
    for (let n = 0; n < 100; n++) queue.push(n % 7, `${'abcx'.charAt(n % 4)}${n}`)
    for (const [name, item] of queue.items) if (Number(name.slice(1)) % 3 === 0) queue.lanes.remove(item)
    for (let taken = queue.all(); taken.length > 0; taken = queue.all()) {
      for (const name of taken) if (!name.startsWith('x')) queue.end(name)
    }
    expect(queue.busy).toEqual([])
    for (const item of queue.items.values()) {
      expect([item.prev, item.next, item.lane?.entries.size, item.lane?.right]).toEqual([null, null, 0, null])
    }
    const share = queue.shares?.get('a')
    expect(share?.parked).toEqual([])
    expect(queue.lanes.find(0, undefined, null)).toBe(queue.lanes.find(0, undefined, null))
    expect(queue.lanes.find(1, undefined, null)).not.toBe(queue.lanes.find(1, undefined, null))
  })
})
