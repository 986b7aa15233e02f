import { describe, expect, it } from 'vitest'
import { type Task, type TaskContext, WorkerPool } from '../../src/index.js'
import { memoryStore } from '../../src/testing/index.js'
import { expectBalance, Witness } from '../support/books.js'
import { ManualClock } from '../support/manual-clock.js'

const FORCE_MS = 1_000
/** How long the last write may take after the force deadline. */
const LAST_WRITE_MS = 2_000
const STEPS = 9

const failures = [
  ['once', 1, {}],
  ['for ever', Number.POSITIVE_INFINITY, {}],
  ['in doubt, and the batch is on disk', 1, { applied: true }],
  ['in doubt, and the batch is not on disk', 1, { inDoubt: true }],
  ['in doubt for ever, and each batch is on disk', Number.POSITIVE_INFINITY, { applied: true }],
  ['in doubt for ever, and no batch is on disk', Number.POSITIVE_INFINITY, { inDoubt: true }]
] as const

const operations = ['write', 'get', 'close'] as const

const cases = operations.flatMap((operation) =>
  failures
    .filter(([, , failure]) => operation === 'write' || Object.keys(failure).length === 0)
    .flatMap(([how, count, failure]) =>
      Array.from({ length: operation === 'close' ? 1 : STEPS }, (_, after) => ({
        operation,
        how,
        step: after + 1,
        failure: { ...failure, operation, after },
        count
      }))
    )
)

/** Accepts, starts, retries, reports progress, cancels, ends, forgets and stops, with a turn and some time in between. */
async function scenario(failure: (typeof cases)[number]) {
  const clock = new ManualClock()
  const store = memoryStore()
  store.failNext(failure.failure, failure.count)
  const reported: unknown[] = []
  let fails = 1
  const pool = new WorkerPool({
    concurrency: 2,
    queueCapacity: 10,
    clock,
    store,
    onUnobservedError: (error) => reported.push(error),
    retry: { attempts: 2, backoffMs: 5 },
    handlers: {
      quick: () => 'done',
      retries: () => {
        if (fails-- > 0) throw new Error('again')
        return 'at last'
      },
      waits: (_: unknown, ctx: TaskContext) => {
        ctx.progress(0.5)
        return new Promise<never>((_, reject) => ctx.signal.addEventListener('abort', () => reject(ctx.signal.reason)))
      }
    }
  })
  const witness = new Witness(pool)
  const tasks: Task[] = []
  let answered = 0
  const queue = (name: 'quick' | 'retries' | 'waits'): Task | undefined => {
    try {
      const task: Task = pool.queueTask(name)
      tasks.push(task)
      const answer = (): void => {
        answered++
      }
      task.result().then(answer, answer)
      task.recorded.catch(() => {})
      return task
    } catch (error) {
      expect(error).toMatchObject({ code: 'ERR_STORE' })
      return undefined
    }
  }
  const step = async (ms = 1): Promise<void> => {
    await clock.advance(ms)
    expectBalance(pool)
    for (const { id } of tasks) {
      await pool.findTask(id).catch((error: unknown) => expect(error).toMatchObject({ code: 'ERR_STORE' }))
    }
    await pool.findTask('nobody').catch((error: unknown) => expect(error).toMatchObject({ code: 'ERR_STORE' }))
  }
  pool.start()
  const quick = queue('quick')
  await step()
  queue('retries')
  await step()
  await step(5)
  const waiting = queue('waits')
  await step()
  waiting?.cancel()
  await step()
  if (quick !== undefined) pool.forget(quick.id)
  queue('waits')
  queue('waits')
  queue('quick')
  await step()
  const began = clock.now()
  const stopped = pool.stop({ graceMs: 0, forceMs: FORCE_MS })
  let report: Awaited<typeof stopped> | undefined
  void stopped.then((given) => {
    report = given
  })
  await clock.advance(FORCE_MS)
  if (report === undefined) await clock.advance(LAST_WRITE_MS)
  expectBalance(pool)
  return { clock, store, pool, witness, tasks, reported, answered: () => answered, report, ms: clock.now() - began }
}

describe('a store whose operation fails', () => {
  it.each(cases)('$operation $how, from the one that is number $step', async (failure) => {
    const { clock, store, pool, witness, tasks, reported, answered, report } = await scenario(failure)
    witness.check()
    expect(store.violations).toEqual([])
    expect(pool.state).toBe('stopped')
    expect(report).toBeDefined()
    expect(store.disk.inUse).toBe(false)
    expect(clock.timers('alive')).toBe(0)
    expect(answered()).toBe(tasks.length)
    const { untold, running, delayed, queued } = pool.stats()
    expect({ untold, running, delayed }).toEqual({ untold: 0, running: 0, delayed: 0 })
    expect(queued).toBe(report?.left.count)
    if (failure.operation !== 'write' || failure.count === 1) expect(report?.unrecorded).toBe(0)
    if (failure.operation === 'close') expect(reported).toHaveLength(1)
    for (const { id, state } of tasks) {
      const row = store.disk.task(id)
      if (report?.unrecorded === 0 && row !== undefined) expect(row.state).toBe(state)
    }
  })

  it('for ever makes the stop count what is not on disk', async () => {
    const counts: number[] = []
    for (const failure of cases.filter(({ operation, count }) => operation === 'write' && count !== 1)) {
      const { store, tasks, report } = await scenario(failure)
      const different = tasks.filter(({ id, state }) => (store.disk.task(id)?.state ?? state) !== state)
      expect(report?.unrecorded).toBeGreaterThanOrEqual(different.length)
      counts.push(report?.unrecorded ?? 0)
    }
    expect(Math.max(...counts)).toBeGreaterThan(0)
  })
})
