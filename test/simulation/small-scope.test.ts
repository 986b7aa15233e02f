import { expect, it } from 'vitest'
import { describePlan, type Operation, type Plan, type TaskPlan } from './plan.js'
import { simulate } from './simulate.js'

const FATES = ['end', 'fail', 'cancel', 'timeout'] as const
type Fate = (typeof FATES)[number]

/** Queued at once, or waiting for room. */
const HANDOVERS = ['QQQ', 'QQW', 'QWW', 'WWW'] as const

const ORDERS = [
  [0, 1, 2],
  [0, 2, 1],
  [1, 0, 2],
  [1, 2, 0],
  [2, 0, 1],
  [2, 1, 0]
] as const

/** Where the pool is stopped: before this fate; 4: never. */
const STOPS = [0, 1, 2, 3, 4] as const

/** Whether the third task comes after the first fate; and how far the world goes between two operations. */
const PACES = [
  [false, 'nothing'],
  [false, 'turn'],
  [true, 'turn']
] as const

interface Scope {
  readonly fates: readonly Fate[]
  readonly handover: string
  readonly order: readonly number[]
  readonly stop: number
  readonly graceMs: number
  readonly queueCapacity: number
  readonly late: boolean
  readonly upTo: Operation['upTo']
}

function* scopes(): Generator<Scope> {
  for (const first of FATES) {
    for (const second of FATES) {
      for (const third of FATES) {
        for (const handover of HANDOVERS) {
          for (const order of ORDERS) {
            for (const stop of STOPS) {
              for (const queueCapacity of [0, 1]) {
                for (const [late, upTo] of PACES) {
                  const graceMs = stop % 2 === 0 ? 0 : 15
                  yield { fates: [first, second, third], handover, order, stop, graceMs, queueCapacity, late, upTo }
                }
              }
            }
          }
        }
      }
    }
  }
}

function planOf({ fates, handover, order, stop, graceMs, queueCapacity, late, upTo }: Scope): Plan {
  const task = (fate: Fate | undefined): TaskPlan => ({
    attempts: [fate === 'end' ? 'is deaf' : 'waits and honours abort'],
    lazy: false,
    progress: false,
    inside: [],
    ...(fate === 'timeout' ? { timeoutMs: 10 } : undefined)
  })
  const handOver = (i: number): Operation =>
    handover[i] === 'Q'
      ? { do: 'queue', task: task(fates[i]), asks: true, upTo }
      : { do: 'wait', task: task(fates[i]), asks: true, upTo }
  const meet = (i: number): Operation => {
    const target = `t${i + 1}`
    const fate = fates[i]
    if (fate === 'timeout') return { do: 'advance', ms: 10, upTo }
    if (fate === 'cancel') return { do: 'cancel', target, by: 'task', reason: true, upTo }
    return { do: 'end', target, well: fate === 'end', upTo }
  }
  const operations: Operation[] = [handOver(0), handOver(1)]
  if (!late) operations.push(handOver(2))
  operations.push({ do: 'drain', upTo })
  for (const [at, i] of order.entries()) {
    if (at === stop) operations.push({ do: 'stop', graceMs, forceMs: 7, upTo })
    operations.push(meet(i))
    if (late && at === 0) operations.push(handOver(2))
  }
  if (stop === 3) operations.push({ do: 'stop', graceMs, forceMs: 7, upTo })
  if (stop < 4) operations.push({ do: 'advance', ms: 30, upTo })
  return {
    seed: 0,
    setup: {
      concurrency: 2,
      queueCapacity,
      waiterCapacity: 2,
      retention: { count: 1_000, ms: Number.POSITIVE_INFINITY },
      stuckAfterMs: 5,
      started: true,
      quiet: false,
      throwing: [],
      rejecting: []
    },
    operations,
    reactions: []
  }
}

it('keeps every promise for three tasks and two workers, whatever happens to them in whatever order', async () => {
  let count = 0
  const seen = new Map<string, number>()
  for (const scope of scopes()) {
    const plan = planOf(scope)
    const run = await simulate(plan)
    if (run.broken !== undefined) throw new Error(`${run.broken.message}\n${describePlan(plan)}`)
    for (const end of run.seen) seen.set(end, (seen.get(end) ?? 0) + 1)
    if (++count % 100 === 0) await new Promise((resolve) => setImmediate(resolve))
  }
  expect(count).toBe(4 ** 3 * 4 * 6 * 5 * 2 * 3)
  const ends = ['succeeded', 'failed', 'canceled', 'timed out', 'interrupted', 'refused', 'a place for a waiter']
  expect(ends.filter((end) => (seen.get(end) ?? 0) < 1_000)).toEqual([])
}, 300_000)
