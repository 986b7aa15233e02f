import type { Task } from 'coatcheck'
import { expect, it } from 'vitest'
import { HeldRequests } from '../../../src/http/holding/held-requests.js'
import { EventReader } from '../support/event-reader.js'
import { service } from '../support/service.js'

const collect = (): void => {
  expect(globalThis.gc).toBeTypeOf('function')
  globalThis.gc?.()
}

/** Bytes of the heap that are in use. */
const heap = (): number => {
  collect()
  return process.memoryUsage().heapUsed
}

it('requests that are no longer held use no memory, however many tickets and owners there were', () => {
  const holds = new HeldRequests({ perTicket: 1, perOwner: 1, total: 1 })
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

/** Tracks the followers of a task until they are collected. */
const followersOf = (task: Task): (() => number) => {
  const changes = task.changes.bind(task)
  const followers: WeakRef<object>[] = []
  const watched: Task['changes'] = (options) => {
    const iterator = changes(options)[Symbol.asyncIterator]()
    followers.push(new WeakRef(iterator))
    return { [Symbol.asyncIterator]: () => iterator }
  }
  Object.defineProperty(task, 'changes', { value: watched })
  return () => followers.filter((each) => each.deref() !== undefined).length
}

it('followers of clients that left are released while the task runs', async () => {
  const { clock, begin, send } = service()
  const { task } = await begin()
  const followers = followersOf(task)
  const stream = async (): Promise<void> => {
    const { reply } = await send(`GET /tasks/${task.id}/events`)
    const reader = new EventReader(reply)
    void reader.takeAll()
    await clock.turn()
    expect(reader.pieces).toHaveLength(1)
    await reader.leave()
  }
  const longPoll = async (): Promise<void> => {
    const sent = await send(`GET /tasks/${task.id}`, { prefer: 'wait=5' })
    expect(followers()).toBeGreaterThan(0)
    await clock.advance(5_000)
    await sent.answered
  }
  for (const follow of [longPoll, stream]) {
    await follow()
    for (let round = 0; round < 10 && followers() > 0; round++) {
      await clock.turn()
      collect()
    }
    expect(followers(), follow.name).toBe(0)
  }
  expect(task.state).toBe('running')
})
