import { describe, expect, it } from 'vitest'
import { type OpenStore, PoolStoppedError, StoreError, WorkerPool } from '../../src/index.js'
import { memoryStore } from '../../src/testing/index.js'
import { durablePool, onlyRow, startedDurablePool } from '../support/durable-pools.js'
import { gate } from '../support/gate.js'
import { ManualClock } from '../support/manual-clock.js'
import { never, rejection, untilAborted } from '../support/pools.js'

const run = (_: unknown, ctx: Parameters<typeof untilAborted>[0]) => untilAborted(ctx)

describe('a stop', () => {
  it('leaves what is queued, waits for a retry, or may be rerun to the next pool', async () => {
    const options = {
      handlers: {
        may: { run, rerun: true },
        once: run,
        fails: { run: () => Promise.reject(new Error('again')), retry: { attempts: 2, backoffMs: () => 60_000 } }
      },
      concurrency: 3
    }
    const { clock, pool, disk, store, witness } = startedDurablePool(options)
    const fails = pool.queueTask('fails')
    await clock.turn()
    const may = pool.queueTask('may', null)
    const once = pool.queueTask('once', null)
    const other = pool.queueTask('once', null)
    const queued = pool.queueTask('once', null)
    await clock.turn()
    const settled = queued.settled()
    const results = [queued, may, fails].map((task) => rejection(task.result()))
    const stopped = pool.stop({ graceMs: 0, forceMs: 1_000 })
    await clock.turn()
    const report = await stopped
    expect(report.left).toEqual({ count: 3, ids: expect.arrayContaining([queued.id, may.id, fails.id]) })
    expect(report).toMatchObject({ canceled: 2, failed: 0, unrecorded: 0, aborted: { count: 2 } })
    for (const error of await Promise.all(results)) expect(error).toBeInstanceOf(PoolStoppedError)
    expect((await settled).state).toBe('queued')
    expect(pool.stats()).toMatchObject({ queued: 3, running: 0, delayed: 0, untold: 0 })
    expect(pool.cancel(queued.id)).toBe('finished')
    expect(disk.inUse).toBe(false)
    expect(disk.tasks().map(({ id, state, attempt, failures }) => ({ id, state, attempt, failures }))).toEqual([
      { id: fails.id, state: 'queued', attempt: 1, failures: 1 },
      { id: may.id, state: 'queued', attempt: 1, failures: 0 },
      { id: once.id, state: 'canceled', attempt: 1, failures: 0 },
      { id: other.id, state: 'canceled', attempt: 1, failures: 0 },
      { id: queued.id, state: 'queued', attempt: 0, failures: 0 }
    ])
    expect(witness.names(queued)).toEqual(['queued'])
    expect(store.violations).toEqual([])
    const next = startedDurablePool({ ...options, disk, clock: new ManualClock(0, clock.date()) })
    await next.clock.turn()
    expect(next.pool.task(may.id)?.record()).toMatchObject({ state: 'running', attempt: 2 })
    expect(onlyRunning(next.disk)).toEqual([may.id, queued.id])
    expect(next.pool.stats().delayed).toBe(1)
  })

  it('leaves a running task that may be rerun even if its function ignores the signal, at the force deadline', async () => {
    const { clock, pool, disk } = startedDurablePool({
      handlers: { may: { run: never, rerun: true }, once: never },
      concurrency: 2
    })
    const may = pool.queueTask('may')
    const once = pool.queueTask('once')
    await clock.turn()
    const stopped = pool.stop({ graceMs: 0, forceMs: 500 })
    await clock.advance(500)
    const report = await stopped
    expect(report).toMatchObject({ left: { ids: [may.id] }, interrupted: { ids: [once.id] } })
    expect(disk.tasks().map(({ state, crashes }) => ({ state, crashes }))).toEqual([
      { state: 'queued', crashes: 0 },
      { state: 'failed', crashes: 0 }
    ])
  })

  it('waits for the last batch, then closes the store, then resolves `closed`', async () => {
    const { clock, pool, store, disk } = startedDurablePool({ handlers: { work: () => 1 } })
    const task = pool.queueTask('work')
    await clock.turn()
    store.hold()
    const second = pool.queueTask('work')
    let report: unknown
    void pool.stop().then((given) => {
      report = given
    })
    for (let turns = 0; turns < 3; turns++) await clock.turn()
    expect(report).toBeUndefined()
    expect(disk.inUse).toBe(true)
    store.release()
    await clock.turn()
    expect(report).toMatchObject({ succeeded: 1, left: { count: 0 }, unrecorded: 0 })
    expect(disk.inUse).toBe(false)
    expect([task.state, second.state]).toEqual(['succeeded', 'succeeded'])
  })

  it('gives up on a store that fails, after one last try at the force deadline', async () => {
    const end = gate<string>()
    const { clock, pool, store, disk } = startedDurablePool({ handlers: { work: () => end.promise } })
    const task = pool.queueTask('work')
    await clock.turn()
    store.failAlways()
    const stopped = pool.stop({ graceMs: 1_000, forceMs: 1_000 })
    end.open('done')
    await clock.advance(1_999)
    expect(task.state).toBe('running')
    const recorded = rejection(task.recorded)
    await clock.advance(1)
    expect(await stopped).toMatchObject({ succeeded: 1, unrecorded: 1 })
    expect(await task.result()).toBe('done')
    expect(await recorded).toBeInstanceOf(StoreError)
    expect(onlyRow(disk).state).toBe('running')
    expect(disk.inUse).toBe(false)
    expect(clock.timers()).toBe(0)
  })

  it('gives up on a store that does not answer, some time after the force deadline', async () => {
    const { clock, pool, store } = startedDurablePool({ handlers: { work: () => 1 } })
    store.hold()
    const task = pool.queueTask('work')
    await clock.turn()
    const failed = rejection(task.result())
    const stopped = pool.stop({ graceMs: 0, forceMs: 1_000 })
    await clock.advance(1_000)
    expect(pool.state).toBe('stopping')
    await clock.advance(2_000)
    expect(await stopped).toMatchObject({ unrecorded: 1, left: { count: 1 } })
    expect(await failed).toMatchObject({ code: 'ERR_STORE', inDoubt: true })
    expect(clock.timers()).toBe(0)
  })

  it('ignores a write that succeeds after it was given up', async () => {
    const { unfinished, finished, lastSeq, secret } = memoryStore()
    const writing = gate()
    const store: OpenStore = {
      ...{ unfinished, finished, lastSeq, secret },
      ...{ write: () => writing.promise, get: () => undefined, close: () => {} }
    }
    const clock = new ManualClock()
    const pool = new WorkerPool({ concurrency: 1, queueCapacity: 1, clock, store, handlers: { work: () => 1 } }).start()
    const task = pool.queueTask('work')
    const failed = rejection(task.result())
    await clock.turn()
    const stopped = pool.stop({ graceMs: 0, forceMs: 0 })
    await clock.advance(2_000)
    writing.open()
    await clock.turn()
    expect(await stopped).toMatchObject({ unrecorded: 1 })
    expect(await failed).toMatchObject({ code: 'ERR_STORE', inDoubt: true })
    expect(await rejection(task.recorded)).toMatchObject({ inDoubt: true })
  })

  it('in a listener shows the retries of the same batch before it leaves their tasks', async () => {
    const { clock, pool, witness } = startedDurablePool({
      handlers: {
        fails: { run: () => Promise.reject(new Error('again')), retry: { attempts: 2, backoffMs: () => 60_000 } }
      },
      concurrency: 2
    })
    let stopped: Promise<unknown> | undefined
    pool.once('retrying', () => {
      stopped = pool.stop({ graceMs: 0 })
    })
    const tasks = [pool.queueTask('fails'), pool.queueTask('fails')]
    await clock.turn()
    expect(await stopped).toMatchObject({ left: { count: 2 }, unrecorded: 0 })
    for (const task of tasks) expect(witness.names(task)).toEqual(['queued', 'started', 'retrying'])
    const [first, second] = tasks.map((task) => task.record())
    expect(second).toMatchObject({ state: 'queued', revision: first?.revision })
  })

  it('ends the changes of a task that it leaves, without another record', async () => {
    const { clock, pool } = durablePool({ handlers: { work: () => 1 } })
    const task = pool.queueTask('work')
    await clock.turn()
    const changes = task.changes()[Symbol.asyncIterator]()
    expect(await changes.next()).toMatchObject({ value: { state: 'queued' } })
    const last = changes.next()
    void pool.stop()
    await clock.turn()
    expect(await last).toEqual({ value: undefined, done: true })
  })

  it('of a pool that was never started leaves what it took up', async () => {
    const first = startedDurablePool({ handlers: { may: { run: never, rerun: true }, once: never }, concurrency: 2 })
    const may = first.pool.queueTask('may')
    const once = first.pool.queueTask('once')
    const queued = first.pool.queueTask('once')
    await first.clock.turn()
    first.store.kill()
    const next = durablePool({ handlers: { may: { run: never, rerun: true }, once: never }, disk: first.disk })
    const stopped = next.pool.stop()
    await next.clock.turn()
    expect((await stopped).left.ids.toSorted()).toEqual([may.id, queued.id].toSorted())
    expect(next.pool.task(once.id)?.state).toBe('failed')
    expect(next.disk.tasks().map(({ state, crashes }) => `${state} ${crashes}`)).toEqual([
      'queued 1',
      'failed 1',
      'queued 0'
    ])
  })
})

function onlyRunning(disk: ReturnType<typeof startedDurablePool>['disk']): string[] {
  return disk
    .tasks()
    .filter(({ state }) => state === 'running')
    .map(({ id }) => id)
}

describe('a stop of a pool whose store fails', () => {
  it('ends although more tasks wait than fit in a slice, some with a change that is not written', async () => {
    const { clock, pool, store } = startedDurablePool({
      handlers: { fails: { run: () => Promise.reject(new Error('again')), retry: { attempts: 2, backoffMs: 60_000 } } },
      concurrency: 100,
      queueCapacity: 200
    })
    for (let i = 0; i < 100; i++) pool.queueTask('fails')
    await clock.turn()
    for (let i = 0; i < 100; i++) pool.queueTask('fails')
    store.failNext({ after: 1 }, Number.POSITIVE_INFINITY)
    await clock.turn()
    expect(pool.stats()).toMatchObject({ delayed: 200, storeFailing: true })
    const now = clock.now.bind(clock)
    let readings = 0
    clock.now = () => now() + 20 * readings++ // longer than a slice
    const stopped = pool.stop({ graceMs: 0, forceMs: 0 })
    await clock.turn()
    expect(pool.stats()).toMatchObject({ untold: 0, running: 0, delayed: 0 })
    expect(await stopped).toMatchObject({ left: { count: 200 }, unrecorded: 100 })
  })
})

it('a cancel that comes when nothing is written any more ends the task, unrecorded', async () => {
  const { clock, pool, store, disk } = startedDurablePool({
    handlers: { fails: { run: () => Promise.reject(new Error('again')), retry: { attempts: 2, backoffMs: 60_000 } } },
    concurrency: 200,
    queueCapacity: 201
  })
  const written = Array.from({ length: 200 }, () => pool.queueTask('fails'))
  await clock.turn()
  const unwritten = pool.queueTask('fails')
  store.failNext({ after: 1 }, Number.POSITIVE_INFINITY)
  await clock.turn()
  expect(pool.stats()).toMatchObject({ delayed: 201, storeFailing: true })
  const now = clock.now.bind(clock)
  let readings = 0
  clock.now = () => now() + 20 * readings++ // longer than a slice
  pool.on('retrying', (task) => {
    expect(task).toBe(unwritten)
    expect(written.at(-1)?.cancel()).toBe(true)
  })
  const stopped = pool.stop({ graceMs: 0, forceMs: 0 })
  await clock.turn()
  expect(await stopped).toMatchObject({ left: { count: 200 }, canceled: 1, unrecorded: 2 })
  expect(written.at(-1)?.state).toBe('canceled')
  expect(new Set(disk.tasks().map(({ state }) => state))).toEqual(new Set(['queued', 'running']))
})
