/** A task that is known by its record only: what it shows, and how it follows what is read later. */
import { describe, expect, it } from 'vitest'
import { recordChanges } from '../../../src/http/tickets/record-changes.js'
import { RecordTask } from '../../../src/http/tickets/record-task.js'
import type { TicketPool } from '../../../src/http/tickets/ticket-pool.js'
import { isPoolError, type TaskRecord } from '../../../src/index.js'
import { ManualClock } from '../../support/manual-clock.js'

const TIME = '2030-01-01T00:00:00.000Z'
const recordOf = (more: Partial<TaskRecord> = {}): TaskRecord => ({
  ...{ id: 'ticket', name: 'report', key: 'client', state: 'running', attempt: 1, revision: 3, queuedAt: TIME },
  ...more
})
const later = (...records: readonly TaskRecord[]) =>
  async function* () {
    yield* records
  }

describe('a task that is known by its record', () => {
  it('shows what the record has, and can do nothing', () => {
    const task = new RecordTask(recordOf(), later())
    expect([task.id, task.name, task.key, task.state]).toEqual(['ticket', 'report', 'client', 'running'])
    expect(task.error).toBeUndefined()
    expect([task.cancel(), task.forget(), task.reprioritize()]).toEqual([false, false, false])
    expect(task.record()).toEqual(recordOf())
  })

  it('resolves with the result of a later record, and ignores older ones', async () => {
    const old = recordOf({ revision: 2 })
    const end = recordOf({ state: 'succeeded', revision: 4, result: 'done' })
    const task = new RecordTask(recordOf(), later(old, end))
    expect(await task.result()).toBe('done')
    expect(await task.settled()).toBe(task)
  })

  it('that has ended has no further changes', async () => {
    const end = recordOf({ state: 'succeeded', revision: 4, result: 'done' })
    const task = new RecordTask(end, later(recordOf({ revision: 5 })))
    const seen: TaskRecord[] = []
    for await (const record of task.changes()) seen.push(record)
    expect(seen).toEqual([end])
  })

  it.each(['failed', 'canceled'] as const)('rejects when it has %s, with or without an error', async (state) => {
    const error = { name: 'Error', message: 'no luck' }
    await expect(new RecordTask(recordOf({ state, error }), later()).result()).rejects.toMatchObject(error)
    const bare = new RecordTask(recordOf({ state }), later())
    await expect(bare.result()).rejects.toThrow(`The task ticket ended as ${state}`)
  })

  it('has errors of this library as such, with the ticket if they name it', () => {
    const errorOf = (message: string) => {
      const error = { name: 'TaskTimeoutError', code: 'ERR_TASK_TIMEOUT', message }
      return new RecordTask(recordOf({ state: 'failed', error }), later()).error
    }
    expect(isPoolError(errorOf('The task ticket ran longer.'))).toBe(true)
    expect(errorOf('The task ticket ran longer.')).toMatchObject({ id: 'ticket' })
    expect(errorOf('The task another ran longer.')).toMatchObject({ id: '' })
  })
})

describe('the changes of a record', () => {
  const poolOf = (more: Partial<TicketPool>): TicketPool => ({
    state: 'running',
    closed: new Promise(() => {}),
    tasks: () => [],
    cancel: () => 'unknown',
    ...more
  })

  it('are those that the pool reports', async () => {
    const end = recordOf({ state: 'succeeded', revision: 4 })
    const seen: TaskRecord[] = []
    for await (const record of recordChanges(poolOf({ changes: later(end) }), new ManualClock(), recordOf()))
      seen.push(record)
    expect(seen).toEqual([end])
  })

  it('end at once for a signal that has aborted', async () => {
    const changes = recordChanges(poolOf({}), new ManualClock(), recordOf(), AbortSignal.abort('left'))
    await expect(changes.next()).rejects.toBe('left')
  })

  it('survive a read that fails, and end when the task is forgotten', async () => {
    const clock = new ManualClock()
    const answers = [
      () => Promise.reject(new Error('away')),
      async () => recordOf({ revision: 4 }),
      async () => undefined
    ]
    const pool = poolOf({ findTask: () => (answers.shift() as () => Promise<TaskRecord | undefined>)() })
    const seen: number[] = []
    const all = (async () => {
      for await (const { revision } of recordChanges(pool, clock, recordOf())) seen.push(revision)
    })()
    for (let second = 0; second < 3; second++) {
      await clock.turn()
      await clock.advance(1_000)
    }
    await all
    expect(seen).toEqual([4])
  })
})
