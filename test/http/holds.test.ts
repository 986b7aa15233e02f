import { expect, it } from 'vitest'
import { Holds } from '../../src/http/holds.js'

/** Bytes of the heap that are in use. */
const heap = (): number => {
  globalThis.gc?.()
  return process.memoryUsage().heapUsed
}

it('requests that are no longer held take no memory, however many tickets and owners there were', () => {
  expect(globalThis.gc).toBeTypeOf('function')
  const holds = new Holds({ perTicket: 1, perOwner: 1, total: 1 })
  const hold = (count: number): void => {
    for (let each = 0; each < count; each++) {
      const release = holds.take(`ticket ${each}`, `owner ${each}`)
      if (release === undefined) throw new Error('one of before is held still')
      release()
    }
  }
  hold(1_000)
  const before = heap()
  hold(200_000)
  expect(heap() - before).toBeLessThan(2_000_000)
})
