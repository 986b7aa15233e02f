import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Heap, type HeapItem } from '../../src/scheduler/heap.js'

class Item implements HeapItem {
  index = -1
  readonly value: number

  constructor(value: number) {
    this.value = value
  }
}

const smallest = (): Heap<Item> => new Heap<Item>((a, b) => a.value < b.value)

/** Removes all items in order. */
function drained(heap: Heap<Item>): number[] {
  const values: number[] = []
  for (let { first } = heap; first !== undefined; first = heap.first) {
    values.push(first.value)
    heap.remove(first)
  }
  return values
}

describe('Heap', () => {
  it('is empty at first', () => {
    const heap = smallest()
    expect(heap.size).toBe(0)
    expect(heap.first).toBeUndefined()
  })

  it('returns its items in order, whatever order they were added in', () => {
    fc.assert(
      fc.property(fc.array(fc.integer(), { size: 'max', maxLength: 200 }), (values) => {
        const heap = smallest()
        for (const value of values) heap.add(new Item(value))
        expect(heap.size).toBe(values.length)
        expect(drained(heap)).toEqual([...values].sort((a, b) => a - b))
        expect(heap.size).toBe(0)
      })
    )
  })

  it('removes an item from any position, and adds it again', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 0, max: 30 }), fc.boolean()), { size: 'max', maxLength: 100 }),
        (steps) => {
          const items = Array.from({ length: 31 }, (_, index) => new Item((index * 7) % 11))
          const heap = smallest()
          const inside = new Set<Item>()
          for (const [at, add] of steps) {
            const item = items[at] as Item
            if (add === inside.has(item)) continue
            if (add) heap.add(item)
            else heap.remove(item)
            if (add) inside.add(item)
            else inside.delete(item)
            expect(heap.size).toBe(inside.size)
            expect(heap.first?.value).toBe(
              inside.size === 0 ? undefined : Math.min(...[...inside].map(({ value }) => value))
            )
            expect(items.every((each) => each.index >= 0 === inside.has(each))).toBe(true)
          }
          expect(drained(heap)).toEqual([...inside].map(({ value }) => value).sort((a, b) => a - b))
        }
      )
    )
  })
})
