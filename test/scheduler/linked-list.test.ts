import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LinkedList } from '../../src/scheduler/linked-list.js'
import { Item } from './item.js'

function members(list: LinkedList<Item>): { readonly forwards: string[]; readonly backwards: string[] } {
  const forwards: string[] = []
  const backwards: string[] = []
  for (let item = list.head; item !== null; item = item.next) forwards.push(item.name)
  for (let item = list.tail; item !== null; item = item.prev) backwards.unshift(item.name)
  return { forwards, backwards }
}

describe('LinkedList', () => {
  it('is empty at first', () => {
    const { head, tail, size } = new LinkedList<Item>()
    expect({ head, tail, size }).toEqual({ head: null, tail: null, size: 0 })
  })

  it('keeps the order of its members, whichever are removed', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(10), { size: 'max', maxLength: 200 }), (steps) => {
        const items = Array.from({ length: 10 }, (_, index) => new Item(String(index)))
        const list = new LinkedList<Item>()
        const model: Item[] = []
        for (const index of steps) {
          const item = items[index]
          if (item === undefined) {
            const first = list.head
            const shifted = list.shift()
            expect(shifted).toBe(first)
            expect(shifted).toBe(model.shift() ?? null)
            expect([shifted?.prev ?? null, shifted?.next ?? null]).toEqual([null, null])
            expect(members(list).backwards).toEqual(model.map(({ name }) => name))
            continue
          }
          const at = model.indexOf(item)
          if (at < 0) {
            list.push(item)
            model.push(item)
          } else {
            list.remove(item)
            model.splice(at, 1)
            expect([item.prev, item.next], 'whoever left holds on to nobody').toEqual([null, null])
          }
          const names = model.map(({ name }) => name)
          expect(members(list)).toEqual({ forwards: names, backwards: names })
          expect(list.size).toBe(names.length)
        }
      })
    )
  })
})
