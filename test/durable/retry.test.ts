import { describe, expect, it } from 'vitest'
import { snooze, type Task, type TaskContext, type WorkerPool } from '../../src/index.js'
import { startedDurablePool } from '../support/durable-pools.js'
import { gate } from '../support/gate.js'
import { startedPool } from '../support/pools.js'

type Shown = [event: string, state: string, attempt: number, revision: number]

/** What a listener of each event reads of the task. */
// biome-ignore lint/suspicious/noExplicitAny: a pool with any handlers
function shownAt(pool: WorkerPool<any>): Shown[] {
  const shown: Shown[] = []
  for (const event of ['started', 'retrying', 'snoozed', 'succeeded', 'failed'] as const)
    pool.on(event, (...[task]: readonly [Task, ...unknown[]]) => {
      const { state, attempt, revision } = task.record()
      shown.push([event, state, attempt, revision])
    })
  return shown
}

describe.each([0, 50])('a retry after %d ms', (backoffMs) => {
  /** Fails, is snoozed, fails and succeeds. */
  const handlers = () => {
    let calls = 0
    const run = (): void => {
      if (++calls === 2) throw snooze(backoffMs)
      if (calls < 4) throw new Error('again')
    }
    return { work: { run, retry: { attempts: 3, backoffMs: () => backoffMs } } }
  }

  it('is shown with a store as without one: the same events, states, attempts and revisions', async () => {
    const plain = startedPool({ handlers: handlers() })
    const expected = shownAt(plain.pool)
    plain.pool.queueTask('work' as never)
    const durable = startedDurablePool({ handlers: handlers() })
    const shown = shownAt(durable.pool)
    durable.store.hold()
    durable.pool.queueTask('work')
    for (let turns = 0; turns < 40; turns++) {
      await plain.clock.advance(10)
      await durable.clock.advance(10)
      if (durable.store.isWaiting) durable.store.releaseOne()
    }
    expect(expected).toHaveLength(8)
    expect(shown).toEqual(expected)
  })
})

it('a retry is not seen before it is on disk: readers see the attempt and its progress', async () => {
  const end = gate()
  const { clock, pool, store, witness } = startedDurablePool({
    handlers: {
      work: {
        run: async (_: unknown, { attempt, progress }: TaskContext) => {
          if (attempt === 2) return
          progress(0.5)
          await end.promise
          throw new Error('again')
        },
        retry: { attempts: 2, backoffMs: () => 1_000 }
      }
    }
  })
  const task = pool.queueTask('work')
  await clock.turn()
  const before = task.record()
  expect(before).toMatchObject({ state: 'running', attempt: 1, progress: { ratio: 0.5 } })
  store.hold()
  end.open()
  await clock.turn()
  expect(store.isWaiting).toBe(true)
  expect(pool.stats().delayed).toBe(1)
  expect(task.record()).toEqual(before)
  expect(witness.names(task)).not.toContain('retrying')
  store.release()
  await clock.turn()
  expect(task.record()).toMatchObject({ state: 'queued', attempt: 1, revision: before.revision + 1 })
  expect(task.record()).not.toHaveProperty('progress')
  expect(witness.names(task).filter((name) => name === 'retrying')).toHaveLength(1)
  await clock.advance(1_000)
  expect(task.state).toBe('succeeded')
})
