import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LinkedList } from '../../src/scheduler/entry.js'
import { OUTSIDE } from '../../src/scheduler/lifecycle.js'
import { Job } from './job.js'

function members(list: LinkedList<Job>): { readonly forwards: string[]; readonly backwards: string[] } {
  const forwards: string[] = []
  const backwards: string[] = []
  for (let job = list.head; job !== null; job = job.next) forwards.push(job.name)
  for (let job = list.tail; job !== null; job = job.prev) backwards.unshift(job.name)
  return { forwards, backwards }
}

describe('Entry', () => {
  it('begins outside of everything', () => {
    const job = new Job('a')
    expect({ ...job }).toEqual({ name: 'a', stage: OUTSIDE, order: 0, lane: null, prev: null, next: null })
  })
})

describe('LinkedList', () => {
  it('is empty at first', () => {
    expect({ ...new LinkedList<Job>() }).toEqual({ head: null, tail: null, size: 0 })
  })

  it('keeps the order in which members came, whoever leaves', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(9), { size: 'max', maxLength: 200 }), (steps) => {
        const jobs = Array.from({ length: 10 }, (_, index) => new Job(String(index)))
        const list = new LinkedList<Job>()
        const model: Job[] = []
        for (const index of steps) {
          const job = jobs[index] as Job
          const at = model.indexOf(job)
          if (at < 0) {
            list.push(job)
            model.push(job)
          } else {
            list.remove(job)
            model.splice(at, 1)
            expect([job.prev, job.next], 'whoever left holds on to nobody').toEqual([null, null])
          }
          const names = model.map(({ name }) => name)
          expect(members(list)).toEqual({ forwards: names, backwards: names })
          expect(list.size).toBe(names.length)
        }
      })
    )
  })
})
