import { describe, expect, it } from 'vitest'
import { type DrainTimeoutError, StoreError, TaskCanceledError } from '../../src/index.js'
import { durablePool, onlyRow, startedDurablePool } from '../support/durable-pools.js'
import { gate } from '../support/gate.js'
import { rejection, thrown } from '../support/pools.js'

const greet = { greet: ({ name }: { name: string }) => `hello ${name}` }

describe('the order of effects', () => {
  it('calls no function before its start is on disk, and shows no end before that is', async () => {
    const calls: string[] = []
    const { clock, pool, store, disk, witness } = startedDurablePool({
      handlers: { note: (text: string) => calls.push(text) }
    })
    store.hold()
    const task = pool.queueTask('note', 'a')
    await clock.turn()
    expect(store.isWaiting).toBe(true)
    expect(calls).toEqual([])
    expect(task.state).toBe('queued')
    expect(pool.stats().running).toBe(1)
    store.releaseOne()
    await clock.turn()
    expect(calls).toEqual(['a'])
    expect(onlyRow(disk)).toMatchObject({ state: 'running', attempt: 1, input: '"a"' })
    expect(task.state).toBe('running')
    expect(pool.stats()).toMatchObject({ running: 0, untold: 1, totals: { succeeded: 1 } })
    expect(task.record()).toMatchObject({ state: 'running', attempt: 1, revision: 3 })
    expect(witness.names(task)).toEqual(['queued', 'started'])
    let drained = false
    void pool.drain().then(() => {
      drained = true
    })
    await clock.turn()
    expect(drained).toBe(false)
    store.releaseOne()
    await clock.turn()
    expect(drained).toBe(true)
    expect(onlyRow(disk)).toMatchObject({ state: 'succeeded', revision: 4, outcome: '{"result":1}', input: null })
    expect(task.record()).toMatchObject({ state: 'succeeded', revision: 4, result: 1 })
    expect(witness.names(task)).toEqual(['queued', 'started', 'succeeded', 'settled'])
    expect(pool.stats().untold).toBe(0)
  })

  it('resolves `recorded` before the function is called, and before the result is known', async () => {
    const order: string[] = []
    const { clock, pool } = startedDurablePool({ handlers: { work: () => void order.push('called') } })
    const task = pool.queueTask('work')
    void task.recorded.then(() => order.push('recorded'))
    void task.result().then(() => order.push('result'))
    await clock.turn()
    expect(order).toEqual(['recorded', 'called', 'result'])
  })

  it('retains no ticket whose time had passed when its end was on disk', async () => {
    const end = gate()
    const { clock, pool, store } = startedDurablePool({
      handlers: { work: () => end.promise },
      retention: { ms: 100 }
    })
    const { id } = pool.queueTask('work')
    await clock.turn()
    store.hold()
    end.open()
    await clock.advance(100)
    expect(pool.task(id)?.state).toBe('running')
    store.release()
    await clock.turn()
    expect(pool.task(id)).toBeUndefined()
    expect(pool.stats()).toMatchObject({ totals: { succeeded: 1 }, retention: { retained: 0 } })
  })

  it('writes the present row of a task once per batch, however often it changed', async () => {
    const { clock, pool, store } = durablePool({ handlers: greet })
    const task = pool.queueTask('greet', { name: 'Ada' })
    task.cancel()
    expect(task.state).toBe('queued')
    await clock.turn()
    expect(store.stats()).toMatchObject({ writes: 1, inserted: 1, updated: 0 })
    expect(task.state).toBe('canceled')
    expect(await rejection(task.result())).toBeInstanceOf(TaskCanceledError)
  })

  it('has one batch under way, and what comes meanwhile is the next one', async () => {
    const { clock, pool, store } = durablePool({ handlers: greet })
    store.hold()
    pool.queueTask('greet', { name: 'a' })
    await clock.turn()
    pool.queueTask('greet', { name: 'b' })
    pool.queueTask('greet', { name: 'c' })
    await clock.turn()
    expect(store.stats().writes).toBe(1)
    store.release()
    await clock.turn()
    expect(store.stats()).toMatchObject({ writes: 2, inserted: 3 })
  })

  it('writes at most 4,096 rows per batch, and the rest in the next one', async () => {
    const { clock, pool, store } = durablePool({ handlers: greet, queueCapacity: 5_000 })
    store.hold()
    for (let n = 0; n < 4_100; n++) pool.queueTask('greet', { name: 'Ada' })
    await clock.turn()
    store.releaseOne()
    await clock.turn()
    expect(store.stats()).toMatchObject({ writes: 2, inserted: 4_096 })
    store.release()
    await clock.turn()
    expect(store.stats()).toMatchObject({ writes: 2, inserted: 4_100 })
  })

  it('resolves each promise of the same change', async () => {
    const { clock, pool, store } = durablePool({ handlers: greet })
    const task = pool.queueTask('greet', { name: 'Ada' })
    const recorded = Promise.all([task.recorded, task.recorded])
    await clock.turn()
    await recorded
    expect(store.stats().inserted).toBe(1)
  })

  it('lists each task once whose end is being written, also in the error of a drain', async () => {
    const end = gate()
    const { clock, pool, store } = startedDurablePool({
      handlers: { work: () => end.promise },
      concurrency: 102,
      queueCapacity: 200
    })
    for (let n = 0; n < 101; n++) pool.queueTask('work')
    await clock.turn()
    store.hold()
    const last = pool.queueTask('work')
    await clock.turn()
    end.open()
    last.cancel() // its insert is under way
    await clock.turn()
    expect(pool.stats()).toMatchObject({ running: 0, untold: 102 })
    expect(pool.tasks({ limit: 1_000 })).toHaveLength(102)
    const drained = rejection(pool.drain({ timeoutMs: 5 }))
    await clock.advance(5)
    const { waitingFor } = (await drained) as DrainTimeoutError
    expect([waitingFor.count, new Set(waitingFor.ids).size]).toEqual([102, 100])
    store.release()
    await clock.turn()
    expect(pool.stats().untold).toBe(0)
  })

  it('does not release a start when the task has a newer change than the batch', async () => {
    const calls: number[] = []
    const { clock, pool, store, disk } = startedDurablePool({ handlers: { work: () => calls.push(1) } })
    store.hold()
    const task = pool.queueTask('work')
    await clock.turn()
    task.cancel('no longer')
    store.releaseOne()
    await clock.turn()
    expect(calls).toEqual([])
    expect(task.state).toBe('queued')
    store.release()
    await clock.turn()
    expect(task.record()).toMatchObject({ state: 'canceled', attempt: 0 })
    expect(task.record()).not.toHaveProperty('startedAt')
    expect(onlyRow(disk)).toMatchObject({ state: 'canceled', attempt: 0, startedAt: null })
  })
})

describe('a commit that fails after the verdict', () => {
  it('fails exactly the tasks whose insert was in the batch, without a call', async () => {
    const calls: string[] = []
    const { clock, pool, store, disk, witness } = startedDurablePool({
      handlers: { note: (text: string) => calls.push(text) }
    })
    store.failNext()
    const task = pool.queueTask('note', 'lost')
    const { recorded } = task
    const failed = rejection(recorded)
    await clock.turn()
    expect(await failed).toBeInstanceOf(StoreError)
    expect(await rejection(task.result())).toMatchObject({ code: 'ERR_STORE', inDoubt: false })
    expect(task.record()).toMatchObject({ state: 'failed', attempt: 0, error: { code: 'ERR_STORE' } })
    expect(task.record()).not.toHaveProperty('startedAt')
    expect(pool.stats()).toMatchObject({ storeFailing: true, running: 0, untold: 0, totals: { started: 0, failed: 1 } })
    expect(calls).toEqual([])
    expect(witness.told.filter(({ event }) => event === 'store').map(({ args }) => args[0])).toEqual([
      { failing: true, error: expect.any(Error) }
    ])
    await clock.advance(20)
    expect(pool.stats().storeFailing).toBe(false)
    expect(disk.tasks()).toEqual([])
    const next = pool.queueTask('note', 'kept')
    await clock.turn()
    expect(calls).toEqual(['kept'])
    expect(next.state).toBe('succeeded')
  })

  it('removes what a failed batch may have left on disk, and says that it is in doubt', async () => {
    const { clock, pool, store, disk } = durablePool({ handlers: greet })
    store.failNext({ applied: true })
    const task = pool.queueTask('greet', { name: 'Ada' })
    await clock.turn()
    expect(await rejection(task.result())).toMatchObject({ code: 'ERR_STORE', inDoubt: true })
    expect(disk.tasks()).toHaveLength(1)
    await clock.advance(20)
    expect(disk.tasks()).toEqual([])
  })

  it('shows a cancel that was decided meanwhile when that is written, not before', async () => {
    const { clock, pool, store, disk } = durablePool({ handlers: greet })
    store.failNext({ applied: true })
    const task = pool.queueTask('greet', { name: 'Ada' })
    task.cancel()
    await clock.turn()
    expect(task.state).toBe('queued')
    expect(pool.stats()).toMatchObject({ untold: 1, totals: { canceled: 1, failed: 0 } })
    await clock.advance(20)
    expect(task.state).toBe('canceled')
    expect(onlyRow(disk).state).toBe('canceled')
  })

  it('refuses waiters too, when their turn comes while the store fails', async () => {
    const end = gate()
    const { clock, pool, store } = startedDurablePool({ handlers: { work: () => end.promise }, queueCapacity: 0 })
    const task = pool.queueTask('work')
    await clock.turn()
    const waiter = rejection(pool.queueTaskWhenFree('work'))
    store.failAlways()
    task.cancel()
    await clock.turn()
    end.open()
    await clock.turn()
    expect(await waiter).toBeInstanceOf(StoreError)
    store.recover()
    await clock.advance(20)
    expect(pool.stats()).toMatchObject({ untold: 0, storeFailing: false, totals: { refused: 1, succeeded: 1 } })
  })

  it('repeats an end until it is written: the function that returned keeps its result', async () => {
    const end = gate<string>()
    const { clock, pool, store, disk } = startedDurablePool({ handlers: { work: () => end.promise } })
    const task = pool.queueTask('work')
    await clock.turn()
    store.failAlways({ error: new Error('disk full') })
    end.open('done')
    await clock.turn()
    expect(task.state).toBe('running')
    expect(thrown(() => pool.queueTask('work'))).toBeInstanceOf(StoreError)
    expect(pool.stats()).toMatchObject({ storeFailing: true, untold: 1, totals: { refused: 1 } })
    const mine = pool.queueTask(async () => 'in memory', { volatile: true })
    expect(await Promise.all([mine.result(), clock.turn()])).toEqual(['in memory', undefined])
    for (const [ms, writes] of [
      [20, 3],
      [40, 4],
      [80, 5]
    ] as const) {
      await clock.advance(ms)
      expect(store.stats().writes).toBe(writes)
    }
    store.recover()
    await clock.advance(2_000)
    expect(await task.result()).toBe('done')
    expect(onlyRow(disk)).toMatchObject({ state: 'succeeded', outcome: '{"result":"done"}' })
    expect(clock.timers('alive')).toBe(0)
  })
})

describe('what is stored', () => {
  it.each([
    ['a function', () => durablePool().pool.queueTask(() => 1), TypeError],
    [
      'input without a JSON form',
      () => durablePool({ handlers: greet }).pool.queueTask('greet', { at: new Date() }),
      TypeError
    ],
    [
      'input beyond the limit',
      () => durablePool({ handlers: greet, maxInputBytes: 9 }).pool.queueTask('greet', 'é'.repeat(4)),
      RangeError
    ],
    [
      'functions in its own policy',
      () =>
        durablePool({ handlers: greet }).pool.queueTask('greet', {}, { retry: { attempts: 2, backoffMs: () => 1 } }),
      TypeError
    ]
  ])('refuses %s', (_what, queue, kind) => {
    expect(thrown(queue)).toBeInstanceOf(kind)
  })

  it('parses the input afresh for each call', async () => {
    const seen: unknown[] = []
    const input = { list: [1] }
    const { clock, pool } = startedDurablePool({
      handlers: {
        work: (given: { list: number[] }) => {
          seen.push(structuredClone(given))
          given.list.push(2)
          throw new Error('again')
        }
      },
      retry: { attempts: 2, backoffMs: 0 }
    })
    pool.queueTask('work', input)
    input.list.push(9)
    await clock.advance(1)
    expect(seen).toEqual([{ list: [1] }, { list: [1] }])
  })
})
