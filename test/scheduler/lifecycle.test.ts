import { describe, expect, it } from 'vitest'
import {
  CANCELED,
  DELAYED,
  FAILED,
  LEFT,
  move,
  OUTSIDE,
  QUEUED,
  RUNNING,
  type Stage,
  SUCCEEDED
} from '../../src/scheduler/lifecycle.js'

const STAGES = { OUTSIDE, QUEUED, DELAYED, RUNNING, SUCCEEDED, FAILED, CANCELED, LEFT } as const
type Name = keyof typeof STAGES
const names = Object.keys(STAGES) as Name[]

/** Every pair of stages. */
const LEGAL: Readonly<Record<Name, readonly Name[]>> = {
  OUTSIDE: ['QUEUED', 'DELAYED', 'RUNNING'],
  QUEUED: ['RUNNING', 'FAILED', 'CANCELED', 'LEFT'],
  DELAYED: ['QUEUED', 'FAILED', 'CANCELED', 'LEFT'],
  RUNNING: ['DELAYED', 'SUCCEEDED', 'FAILED', 'CANCELED', 'LEFT'],
  SUCCEEDED: [],
  FAILED: [],
  CANCELED: [],
  LEFT: ['FAILED']
}

const moves = names.flatMap((from) => names.map((to) => ({ from, to })))
const stage = (name: Name): Stage => STAGES[name]

describe('the stages of a task', () => {
  it('I8 are eight distinct numbers', () => {
    expect(new Set(Object.values(STAGES))).toEqual(new Set([0, 1, 2, 3, 4, 5, 6, 7]))
  })

  it.each(moves.filter(({ from, to }) => LEGAL[from].includes(to)))('I8 $from may become $to', ({ from, to }) => {
    const entry: { stage: Stage } = { stage: stage(from) }
    move(entry, stage(to))
    expect(entry.stage).toBe(STAGES[to])
  })

  it.each(moves.filter(({ from, to }) => !LEGAL[from].includes(to)))('I8 $from never becomes $to', ({ from, to }) => {
    const entry: { stage: Stage } = { stage: stage(from) }
    expect(() => move(entry, stage(to))).toThrow(new Error(`illegal move: ${STAGES[from]} to ${STAGES[to]}`))
    expect(entry.stage, 'nothing has moved').toBe(STAGES[from])
  })
})
