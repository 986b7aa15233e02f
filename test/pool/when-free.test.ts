import { AsyncLocalStorage } from 'node:async_hooks'
import { describe, expect, it } from 'vitest'
import {
  DuplicateTaskError,
  KeyQueueFullError,
  PoolStoppedError,
  QueueFullError,
  type Task,
  WaitFullError,
  type WaitOptions,
  WaitTimeoutError,
  type WorkerPool
} from '../../src/index.js'
import { expectBalance } from '../support/books.js'
import { gate } from '../support/gate.js'
import { listenersOn, never, rejection, startedPool, statesOf, untilAborted, watchedPool } from '../support/pools.js'

/** Waits for room and records by name how the wait ended. */
const waiting = (pool: WorkerPool, log: string[], name: string, options: WaitOptions = {}): Promise<Task> => {
  const granted = pool.queueTaskWhenFree(never, { ...options, name })
  granted.then(
    () => log.push(`${name} in`),
    (error: unknown) => log.push(`${name} ${(error as { code?: string }).code ?? String(error)}`)
  )
  return granted
}

describe('waiting for room', () => {
  it('is no wait if there is room', async () => {
    const { clock, pool, witness } = startedPool({ concurrency: 1, queueCapacity: 1 })
    const calls: number[] = []
    const first = pool.queueTaskWhenFree(() => calls.push(1), { waitMs: 0 })
    const second = pool.queueTaskWhenFree(() => calls.push(2))
    expect(pool.stats()).toMatchObject({ running: 1, queued: 1, waiting: 0 })
    expect(calls).toEqual([])
    expect([(await first).state, (await second).state]).toEqual(['succeeded', 'succeeded'])
    expect(calls).toEqual([1, 2])
    await clock.turn()
    expect(witness.names()).not.toContain('refused')
  })

  it('never throws: wrong arguments reject, and are not counted', async () => {
    const { pool, witness } = startedPool()
    const wrong: [unknown[], RegExp][] = [
      [['nobody'], /name of a handler/],
      [[7], /^Expected `task` to be a function, got `7` \(number\)$/],
      [[never, { waitMs: -1 }], /^Expected `waitMs` to be .*, got `-1` \(number\)$/],
      [[never, { waitMs: '5' }], /^Expected `waitMs` to be .*, got `"5"` \(string\)$/],
      [[never, { waitSignal: {} }], /^Expected `waitSignal` to be an AbortSignal/],
      [[never, { waitFor: 5 }], /`waitFor`/],
      [[never, null], /^Expected `options` to be an object, got `null` \(null\)$/]
    ]
    for (const [args, message] of wrong) {
      const call = pool.queueTaskWhenFree as (...args: unknown[]) => Promise<Task>
      expect(((await rejection(call.apply(pool, args))) as Error).message).toMatch(message)
    }
    expect(witness.names()).toEqual([])
    expect(expectBalance(pool).totals.submitted).toBe(0)
  })

  it('A17 grants exactly one of fifty waiters when one place frees, the first, and so on in order', async () => {
    const { clock, pool } = startedPool({ concurrency: 1, queueCapacity: 0, waiterCapacity: 50 })
    let running = gate()
    const order: number[] = []
    pool.queueTask(() => running.promise)
    for (let n = 0; n < 50; n++) {
      void pool.queueTaskWhenFree(() => {
        order.push(n)
        running = gate()
        return running.promise
      })
    }
    await clock.turn()
    expect(expectBalance(pool)).toMatchObject({ running: 1, waiting: 50 })
    for (let n = 0; n < 50; n++) {
      running.open()
      await clock.turn()
      expect(order).toHaveLength(n + 1)
      expect(expectBalance(pool)).toMatchObject({ running: 1, queued: 0, waiting: 49 - n, peakRunning: 1 })
    }
    expect(order).toEqual(Array.from({ length: 50 }, (_, n) => n))
  })

  it('refuses new tasks while there is a waiter, at whatever time they are queued', async () => {
    const { clock, pool } = startedPool({ concurrency: 1, queueCapacity: 1, waiterCapacity: 2 })
    const log: string[] = []
    const running = pool.queueTask(untilAborted)
    const queued = pool.queueTask(untilAborted)
    for (const name of ['first', 'second']) void waiting(pool, log, name)
    const newcomers: unknown[] = []
    for (const event of ['canceled', 'settled', 'queued', 'started', 'refused'] as const) {
      pool.on(event, () => {
        if (event === 'refused') return
        try {
          pool.queueTask(never, { name: `newcomer at ${event}` })
          newcomers.push(`let in at ${event}`)
        } catch (error) {
          newcomers.push((error as QueueFullError).code)
        }
      })
    }
    await clock.turn()
    newcomers.length = 0
    queued.cancel()
    running.cancel()
    await clock.turn()
    expect(log).toEqual(['first in', 'second in'])
    expect(new Set(newcomers)).toEqual(new Set(['ERR_QUEUE_FULL']))
    expect(pool.tasks({ state: 'running' }).map(({ name }) => name)).toEqual(['first'])
    expect(pool.tasks({ state: 'queued' }).map(({ name }) => name)).toEqual(['second'])
  })

  it('is counted and reported when it ends without a place', async () => {
    const { clock, pool, witness } = startedPool({ concurrency: 1, queueCapacity: 0 })
    pool.queueTask(never)
    const wait = rejection(pool.queueTaskWhenFree(never, { waitMs: 100, name: 'late', key: 'k' }))
    expect(expectBalance(pool)).toMatchObject({ waiting: 1, totals: { submitted: 2, accepted: 1, refused: 0 } })
    await clock.advance(100)
    const error = await wait
    expect(expectBalance(pool)).toMatchObject({ waiting: 0, totals: { submitted: 2, accepted: 1, refused: 1 } })
    expect(witness.told.at(-1)).toEqual({ event: 'refused', args: [{ error, name: 'late', key: 'k' }] })
  })

  it('A14 ends at its limit, once, leaving nothing; the next place goes to the next waiter', async () => {
    const { clock, pool } = startedPool({ concurrency: 1, queueCapacity: 0, waiterCapacity: 3 })
    const log: string[] = []
    const blocker = pool.queueTask(untilAborted)
    const { signal } = new AbortController()
    const limited = waiting(pool, log, 'limited', { waitMs: 100, waitSignal: signal })
    void waiting(pool, log, 'patient')
    await clock.advance(30)
    const later = waiting(pool, log, 'later', { waitMs: 100 })
    await clock.advance(69.5)
    expect(log).toEqual([])
    await clock.advance(0.5)
    expect(log).toEqual(['limited ERR_WAIT_TIMEOUT'])
    const error = await rejection(limited)
    expect(error).toBeInstanceOf(WaitTimeoutError)
    expect(error).toMatchObject({ waitedMs: 100, retryAfterMs: 1_000 })
    expect(listenersOn(signal)).toBe(0)
    expect(expectBalance(pool)).toMatchObject({ waiting: 2 })
    blocker.cancel()
    await clock.turn()
    expect(log).toEqual(['limited ERR_WAIT_TIMEOUT', 'patient in'])
    await clock.advance(30)
    expect(await rejection(later)).toMatchObject({ code: 'ERR_WAIT_TIMEOUT', waitedMs: 100 })
    expect(expectBalance(pool)).toMatchObject({ waiting: 0, totals: { refused: 2, accepted: 2 } })
    expect(clock.timers('alive')).toBe(0)
  })

  it('A14 reports the real wait when the loop was blocked', async () => {
    const { clock, pool } = startedPool({ concurrency: 1, queueCapacity: 0 })
    pool.queueTask(never)
    const wait = rejection(pool.queueTaskWhenFree(never, { waitMs: 100 }))
    await clock.turn()
    clock.block(5_000)
    await clock.advance(0)
    expect(await wait).toMatchObject({ code: 'ERR_WAIT_TIMEOUT', waitedMs: 5_000 })
  })

  it('keeps the process alive only if it has a limit', async () => {
    const { clock, pool } = startedPool({ concurrency: 1, queueCapacity: 0, waiterCapacity: 2 })
    pool.queueTask(never)
    void pool.queueTaskWhenFree(never)
    await clock.turn()
    expect(clock.timers('alive')).toBe(0)
    const limited = rejection(pool.queueTaskWhenFree(never, { waitMs: 10 }))
    await clock.turn()
    expect(clock.timers('alive')).toBe(1)
    await clock.advance(10)
    await limited
    expect(clock.timers('alive')).toBe(0)
  })

  it('is one try with `waitMs: 0`: room or WaitTimeoutError, without becoming a waiter', async () => {
    const { pool } = startedPool({ concurrency: 1, queueCapacity: 0, waiterCapacity: 1 })
    const { signal } = new AbortController()
    pool.queueTask(never)
    const error = await rejection(pool.queueTaskWhenFree(never, { waitMs: 0, waitSignal: signal, signal }))
    expect(error).toBeInstanceOf(WaitTimeoutError)
    expect(error).toMatchObject({ code: 'ERR_WAIT_TIMEOUT', waitedMs: 0, retryAfterMs: 1_000 })
    expect((error as Error).stack).toContain('when-free.test')
    expect(listenersOn(signal)).toBe(0)
    expect(expectBalance(pool)).toMatchObject({ waiting: 0, totals: { submitted: 2, refused: 1 } })
  })

  it.each([
    [{ queueCapacity: 0 }, 1],
    [{ queueCapacity: 3 }, 3],
    [{ queueCapacity: 3, waiterCapacity: 2 }, 2],
    [{ queueCapacity: 1, waiterCapacity: 0 }, 0]
  ])('is bounded: %j lets %i wait and refuses the next at once', async (bounds, capacity) => {
    const { clock, pool } = startedPool({ concurrency: 1, ...bounds })
    for (let n = 0; n < 1 + bounds.queueCapacity; n++) pool.queueTask(never)
    const log: string[] = []
    for (let n = 0; n < capacity; n++) void waiting(pool, log, `${n}`)
    const error = await rejection(pool.queueTaskWhenFree(never, { waitMs: 1_000 }))
    expect(error).toBeInstanceOf(WaitFullError)
    expect(error).toMatchObject({ code: 'ERR_WAIT_FULL', waitedMs: 0, retryAfterMs: 1_000 })
    expect((error as Error).stack).toContain('when-free.test')
    expect(expectBalance(pool)).toMatchObject({ waiting: capacity, totals: { refused: 1 } })
    await clock.turn()
    expect(log).toEqual([])
    expect(clock.timers('alive')).toBe(0)
  })

  it('A15 aborts, limits, a freed place and a stop in one tick: each ends once, first come first served', async () => {
    const { clock, pool } = startedPool({ concurrency: 1, queueCapacity: 1, waiterCapacity: 10, forceMs: 0 })
    const log: string[] = []
    pool.queueTask(never)
    const queued = [pool.queueTask(never)]
    const controllers = [0, 1].map(() => new AbortController())
    void waiting(pool, log, 'a', { waitSignal: controllers[0]?.signal })
    void waiting(pool, log, 'b')
    void waiting(pool, log, 'c', { signal: controllers[1]?.signal })
    void waiting(pool, log, 'd', { waitMs: 50 })
    void waiting(pool, log, 'e')
    await clock.turn()
    clock.block(50) // the limit of d is due, its timer late
    controllers[0]?.abort('a left')
    queued[0]?.cancel()
    controllers[1]?.abort('c left')
    const stopped = pool.stop({ graceMs: 0 })
    expect(pool.stats().waiting).toBe(0)
    controllers[0]?.abort('again')
    await clock.advance(100)
    expect(log.sort()).toEqual(['a a left', 'b in', 'c c left', 'd ERR_POOL_STOPPED', 'e ERR_POOL_STOPPED'])
    await stopped
    expect(expectBalance(pool).totals).toEqual({
      submitted: 7,
      accepted: 3,
      refused: 4,
      started: 1,
      retried: 0,
      snoozed: 0,
      succeeded: 0,
      failed: 1,
      canceled: 2
    })
  })

  it('A19 an abort before the grant passes the place on; after it, the signal of the wait has no effect', async () => {
    const { clock, pool } = startedPool({ concurrency: 1, queueCapacity: 1, waiterCapacity: 3 })
    const log: string[] = []
    const first = pool.queueTask(untilAborted)
    const queued = pool.queueTask(untilAborted)
    const leaving = new AbortController()
    const staying = new AbortController()
    void waiting(pool, log, 'leaving', { waitSignal: leaving.signal })
    const stays = waiting(pool, log, 'staying', { waitSignal: staying.signal })
    await clock.turn()

    leaving.abort('left')
    queued.cancel()
    expect(pool.stats()).toMatchObject({ waiting: 0, queued: 1 })
    staying.abort('too late')
    const task = await stays
    expect(log).toEqual(['leaving left', 'staying in'])
    expect([listenersOn(leaving.signal), listenersOn(staying.signal)]).toEqual([0, 0])
    first.cancel()
    await clock.turn()
    expect(task.record()).toMatchObject({ state: 'running' })
    expect(task.record()).not.toHaveProperty('cancelRequestedAt')
  })

  it('A19 a task’s own signal ends the wait before the grant and the task after it', async () => {
    const { clock, pool } = startedPool({ concurrency: 1, queueCapacity: 1, waiterCapacity: 3 })
    const controllers = [new AbortController(), new AbortController()]
    const [early, late] = controllers as [AbortController, AbortController]
    pool.queueTask(never)
    const queued = pool.queueTask(never)
    const reason = new Error('gone')
    const first = rejection(pool.queueTaskWhenFree(never, { signal: early.signal }))
    const second = pool.queueTaskWhenFree(never, { signal: late.signal })
    await clock.turn()
    early.abort(reason)
    expect(await first).toBe(reason)
    queued.cancel()
    const task = await second
    expect(task.state).toBe('queued')
    late.abort(reason)
    expect(task.record()).toMatchObject({ state: 'canceled', reason: 'signal', error: { message: 'gone' } })
    for (const { signal } of controllers) expect(listenersOn(signal)).toBe(0)
  })

  it('a place freed by an earlier abort listener does not go to a waiter whose signal has aborted', async () => {
    const { clock, pool } = startedPool({ concurrency: 1, queueCapacity: 1, waiterCapacity: 2 })
    const log: string[] = []
    pool.queueTask(never)
    const queued = pool.queueTask(never)
    const controller = new AbortController()
    controller.signal.addEventListener('abort', () => queued.cancel(), { once: true })
    void waiting(pool, log, 'aborted', { waitSignal: controller.signal })
    void waiting(pool, log, 'next')
    await clock.turn()
    controller.abort('closed')
    await clock.turn()
    expect(log.sort()).toEqual(['aborted closed', 'next in'])
    expect(listenersOn(controller.signal)).toBe(0)
    expect(expectBalance(pool)).toMatchObject({ queued: 1, waiting: 0 })
  })

  it('`stop` refuses all waiters before it returns, in their order', async () => {
    const { clock, pool, witness } = startedPool({ concurrency: 1, queueCapacity: 0, waiterCapacity: 3 })
    const log: string[] = []
    const blocker = pool.queueTask(untilAborted)
    const waits = ['a', 'b', 'c'].map((name) => waiting(pool, log, name))
    await clock.turn()
    const stopped = pool.stop({ graceMs: 1_000 })
    expect(pool.stats().waiting).toBe(0)
    const refused = witness.told.filter(({ event }) => event === 'refused').map(({ args }) => args[0])
    expect(refused).toMatchObject([{ name: 'a' }, { name: 'b' }, { name: 'c' }])
    for (const wait of waits) {
      const error = await rejection(wait)
      expect(error).toBeInstanceOf(PoolStoppedError)
      expect(error).toMatchObject({ code: 'ERR_POOL_STOPPED', state: 'stopping' })
    }
    expect(await rejection(pool.queueTaskWhenFree(never))).toBeInstanceOf(PoolStoppedError)
    blocker.cancel()
    await clock.turn()
    expect(await stopped).toMatchObject({ canceled: 1 })
    expect(log).toEqual(['a ERR_POOL_STOPPED', 'b ERR_POOL_STOPPED', 'c ERR_POOL_STOPPED'])
    expect(await rejection(pool.queueTaskWhenFree(never))).toMatchObject({ state: 'stopped' })
  })

  it('sets `queuedAt` at the grant, and keeps the context of the call', async () => {
    const { clock, pool } = startedPool({ concurrency: 1, queueCapacity: 0 })
    const caller = new AsyncLocalStorage<string>()
    const blocker = pool.queueTask(untilAborted)
    await clock.advance(10)
    const wait = caller.run('caller', () => pool.queueTaskWhenFree(() => caller.getStore(), { queueTimeoutMs: 20 }))
    await clock.advance(100)
    caller.run('stranger', () => blocker.cancel())
    await clock.turn()
    const task = await wait
    expect(await task.result()).toBe('caller')
    expect(task.record()).toMatchObject({ queuedAt: '2030-01-01T00:00:00.110Z', startedAt: '2030-01-01T00:00:00.110Z' })
    expect(pool.stats().waitMs.max).toBe(0)
  })

  it('does not keep the context of the call with `captureContext: false`', async () => {
    const { clock, pool } = startedPool({ concurrency: 1, queueCapacity: 0, captureContext: false })
    const caller = new AsyncLocalStorage<string>()
    const blocker = pool.queueTask(untilAborted)
    await clock.turn()
    const wait = caller.run('caller', () => pool.queueTaskWhenFree(() => caller.getStore() ?? 'none'))
    blocker.cancel()
    await clock.turn()
    expect(await (await wait).result()).toBe('none')
  })

  it('limits the wait in the queue from the grant on', async () => {
    const { clock, pool } = startedPool({ concurrency: 1, queueCapacity: 1 })
    pool.queueTask(never)
    const queued = pool.queueTask(never)
    const wait = pool.queueTaskWhenFree(never, { queueTimeoutMs: 50 })
    await clock.advance(200)
    queued.cancel()
    const task = await wait
    await clock.advance(49)
    expect(task.state).toBe('queued')
    await clock.advance(1)
    expect(task.record()).toMatchObject({ state: 'canceled', reason: 'queue_timeout' })
  })

  it('accepts handlers by name', async () => {
    const { clock, pool } = startedPool({
      concurrency: 1,
      queueCapacity: 0,
      handlers: { double: (n: number) => 2 * n }
    })
    const named = pool as unknown as WorkerPool<{ double: (n: number) => number }>
    const first = gate()
    pool.queueTask(() => first.promise)
    const wait = named.queueTaskWhenFree('double', 21, { waitMs: 1_000 })
    await clock.turn()
    first.open()
    await clock.turn()
    const task = await wait
    expect(task.name).toBe('double')
    expect(await task.result()).toBe(42)
  })

  it('A20 waits for a pool that has not started, or is paused, and is granted by start and resume', async () => {
    const { clock, pool } = watchedPool({ concurrency: 1, queueCapacity: 1, waiterCapacity: 3 })
    const log: string[] = []
    pool.queueTask(untilAborted, { name: 'queued' })
    for (const name of ['a', 'b']) void waiting(pool, log, name)
    await clock.turn()
    expect(expectBalance(pool)).toMatchObject({ running: 0, queued: 1, waiting: 2 })
    pool.pause()
    pool.start()
    await clock.turn()
    expect(expectBalance(pool)).toMatchObject({ running: 0, queued: 1, waiting: 2 })
    pool.resume()
    expect(expectBalance(pool)).toMatchObject({ running: 1, queued: 1, waiting: 1 })
    await clock.turn()
    expect(log).toEqual(['a in'])
  })

  it('passes on every place of a burst of settlements at once', async () => {
    const { clock, pool } = startedPool({ concurrency: 5, queueCapacity: 5, waiterCapacity: 10 })
    const tasks = Array.from({ length: 10 }, () => pool.queueTask(untilAborted))
    const log: string[] = []
    for (let n = 0; n < 10; n++) void waiting(pool, log, `${n}`)
    await clock.turn()
    for (const task of tasks) task.cancel()
    await clock.turn()
    expect(log).toEqual(Array.from({ length: 10 }, (_, n) => `${n} in`))
    expect(expectBalance(pool)).toMatchObject({ running: 5, queued: 5, waiting: 0, peakRunning: 5 })
  })
})

describe('an id that is in use', () => {
  const duplicate = (call: () => unknown): void => {
    expect(call).toThrow(DuplicateTaskError)
    expect(call).toThrow(expect.objectContaining({ code: 'ERR_DUPLICATE_TASK', id: 'same' }))
  }

  it('A9 is refused, or joined, while its task is queued, running, delayed or retained; then it is free', async () => {
    const { clock, pool, witness } = watchedPool({ concurrency: 1, retention: { ms: 1_000 } })
    let calls = 0
    const first = pool.queueTask(
      async () => {
        if (++calls === 1) throw new Error('again')
        await end.promise
        return calls
      },
      { id: 'same', retry: { attempts: 2, backoffMs: () => 10 } }
    )
    const end = gate()
    let joins = 0
    const check = async (state: string) => {
      expect(first.state).toBe(state)
      const { submitted, refused } = pool.stats().totals
      duplicate(() => pool.queueTask(never, { id: 'same' }))
      expect(await rejection(pool.queueTaskWhenFree(never, { id: 'same' }))).toBeInstanceOf(DuplicateTaskError)
      expect(pool.stats().totals).toMatchObject({ submitted: submitted + 3, refused: refused + 3 })
      const events = witness.told.length
      expect(pool.queueTask(never, { id: 'same', onDuplicate: 'join' })).toBe(first)
      expect(await pool.queueTaskWhenFree(never, { id: 'same', onDuplicate: 'join' })).toBe(first)
      joins += 2
      expect(witness.told).toHaveLength(events) // a join is not a submission
      expect(pool.stats().totals).toMatchObject({ submitted: submitted + 3, refused: refused + 3 })
    }
    await check('queued')
    pool.start()
    expect(first.state).toBe('running')
    await clock.turn()
    expect(pool.stats().delayed).toBe(1)
    await check('queued')
    await clock.advance(10)
    await check('running')
    end.open()
    await clock.turn()
    await check('succeeded')
    expect(joins).toBe(8)
    expect(calls).toBe(2)
    await clock.advance(999)
    duplicate(() => pool.queueTask(never, { id: 'same' }))
    await clock.advance(1)
    expect(pool.task('same')).toBeUndefined()
    const second = pool.queueTask(() => 'anew', { id: 'same' })
    expect(second).not.toBe(first)
    expect(await second.result()).toBe('anew')
  })

  it('A9 is joined although the pool is full, stopping or stopped', async () => {
    const { clock, pool } = startedPool({ concurrency: 1, queueCapacity: 0 })
    const task = pool.queueTask(untilAborted, { id: 'same' })
    expect(() => pool.queueTask(never)).toThrow(QueueFullError)
    const join = () => pool.queueTask(never, { id: 'same', onDuplicate: 'join' })
    expect(join()).toBe(task)
    await clock.turn()
    const stopped = pool.stop({ graceMs: 0 })
    expect(join()).toBe(task)
    expect(() => pool.queueTask(never, { id: 'same' })).toThrow(PoolStoppedError)
    await stopped
    expect(join()).toBe(task)
    expect(() => pool.queueTask(never, { id: 'same' })).toThrow(PoolStoppedError)
    expect(expectBalance(pool).totals).toMatchObject({ accepted: 1, refused: 3 })
  })

  it('A9 accepts once what two callers queue to join in the same tick', async () => {
    const { clock, pool } = startedPool({ concurrency: 1 })
    let calls = 0
    const options = { id: 'same', onDuplicate: 'join' } as const
    const [a, b] = [pool.queueTask(() => ++calls, options), pool.queueTask(() => ++calls, options)]
    expect(a).toBe(b)
    await clock.turn()
    expect(calls).toBe(1)
    expect(expectBalance(pool).totals).toMatchObject({ submitted: 1, accepted: 1 })
  })

  it('A9 is checked again at the grant: of two waiters with the same id, the second is refused or joins', async () => {
    for (const onDuplicate of ['refuse', 'join'] as const) {
      const { clock, pool } = startedPool({ concurrency: 2, queueCapacity: 0, waiterCapacity: 3 })
      const blockers = [pool.queueTask(untilAborted), pool.queueTask(untilAborted)]
      const first = pool.queueTaskWhenFree(never, { id: 'same' })
      const second = pool.queueTaskWhenFree(never, { id: 'same', onDuplicate })
      const third = pool.queueTaskWhenFree(never, { id: 'other' })
      const ended = onDuplicate === 'join' ? second : rejection(second)
      await clock.turn()
      for (const blocker of blockers) blocker.cancel()
      await clock.turn()
      const task = await first
      if (onDuplicate === 'join') expect(await ended).toBe(task)
      else expect(await ended).toMatchObject({ code: 'ERR_DUPLICATE_TASK', id: 'same' })
      expect((await third).state).toBe('running') // the place that the second did not take
      expect(expectBalance(pool)).toMatchObject({ running: 2, waiting: 0 })
    }
  })
})

describe('keys of waiters', () => {
  it('a new task does not pass the first waiter, even if only the key of that waiter is at its limit', async () => {
    const { clock, pool } = startedPool({ concurrency: 2, queueCapacity: 0, perKey: { concurrency: 1 } })
    const running = pool.queueTask(untilAborted, { key: 'a' })
    const head = pool.queueTaskWhenFree(never, { key: 'a' })
    await clock.turn()
    expect(expectBalance(pool)).toMatchObject({ running: 1, waiting: 1 }) // a worker is free
    expect(() => pool.queueTask(never, { key: 'b' })).toThrow(QueueFullError)
    expect(() => pool.queueTask(never)).toThrow(QueueFullError)
    running.cancel()
    await clock.turn()
    expect((await head).state).toBe('running')
    expect(pool.queueTask(never, { key: 'b' }).state).toBe('running')
  })

  it('when the first waiter leaves, the next one is granted in the same step', async () => {
    const { clock, pool } = startedPool({
      concurrency: 2,
      queueCapacity: 0,
      waiterCapacity: 3,
      perKey: { concurrency: 1 }
    })
    const log: string[] = []
    pool.queueTask(never, { key: 'a' })
    const controller = new AbortController()
    void waiting(pool, log, 'head', { key: 'a', waitSignal: controller.signal })
    void waiting(pool, log, 'limited', { key: 'a', waitMs: 50 })
    void waiting(pool, log, 'next', { key: 'b' })
    await clock.turn()
    expect(expectBalance(pool)).toMatchObject({ running: 1, waiting: 3 })
    controller.abort('left')
    await clock.advance(49)
    expect(log).toEqual(['head left'])
    await clock.advance(1)
    expect(log.sort()).toEqual(['head left', 'limited ERR_WAIT_TIMEOUT', 'next in'])
    expect(expectBalance(pool)).toMatchObject({ running: 2, waiting: 0 })
  })

  it('a full key is not waited for: it is refused at the call', async () => {
    const { pool } = startedPool({ concurrency: 1, queueCapacity: 5, perKey: { queueCapacity: 1 } })
    pool.queueTask(never)
    pool.queueTask(never, { key: 'k' })
    const error = await rejection(pool.queueTaskWhenFree(never, { key: 'k', waitMs: 1_000 }))
    expect(error).toBeInstanceOf(KeyQueueFullError)
    expect(error).toMatchObject({ code: 'ERR_KEY_QUEUE_FULL', key: 'k' })
    expect(expectBalance(pool)).toMatchObject({ waiting: 0, totals: { refused: 1 } })
  })

  it('or at the grant, when earlier waiters have filled the key; the next waiter takes the place', async () => {
    const { clock, pool } = startedPool({
      concurrency: 1,
      queueCapacity: 2,
      waiterCapacity: 5,
      perKey: { queueCapacity: 1 }
    })
    const log: string[] = []
    pool.queueTask(never)
    const queued = [pool.queueTask(never), pool.queueTask(never)]
    void waiting(pool, log, 'first of k', { key: 'k' })
    void waiting(pool, log, 'second of k', { key: 'k' })
    void waiting(pool, log, 'other')
    await clock.turn()
    for (const task of queued) task.cancel()
    await clock.turn()
    expect(log.sort()).toEqual(['first of k in', 'other in', 'second of k ERR_KEY_QUEUE_FULL'])
    expect(statesOf(pool.tasks({ state: 'queued' }))).toEqual(['queued', 'queued'])
    expect(expectBalance(pool)).toMatchObject({ queued: 2, waiting: 0, totals: { refused: 1 } })
  })

  it('has no stack at the grant: that would name the line of a caller that freed the place', async () => {
    const { pool } = startedPool({ concurrency: 1, queueCapacity: 2, perKey: { queueCapacity: 1 } })
    pool.queueTask(never)
    const queued = [pool.queueTask(never), pool.queueTask(never)]
    void pool.queueTaskWhenFree(never, { key: 'k' })
    const late = rejection(pool.queueTaskWhenFree(never, { key: 'k' }))
    for (const task of queued) task.cancel()
    const { message, stack } = (await late) as Error
    expect(stack).toBe(`KeyQueueFullError: ${message}`)
    const atOnce = (await rejection(pool.queueTaskWhenFree(never, { key: 'k' }))) as Error
    expect(atOnce.stack).toContain('when-free.test') // the one stack of a second was left to it
  })
})

describe('a wait whose signal aborts while it is being decided', () => {
  it('is over before it began, and leaves no listener', async () => {
    const watched = startedPool({ concurrency: 2, queueCapacity: 0, rateLimit: { starts: 1, intervalMs: 100 } })
    const { clock, pool } = watched
    pool.queueTask(() => 'first')
    await clock.turn()
    const earlier = pool.queueTaskWhenFree(never)
    await clock.turn()
    const controller = new AbortController()
    pool.on('queued', () => controller.abort(new Error('left')))
    clock.block(150) // the rate allows a start and its timer is late: the next call grants the earlier waiter first
    await expect(pool.queueTaskWhenFree(never, { waitSignal: controller.signal })).rejects.toThrow('left')
    expect(listenersOn(controller.signal)).toBe(0)
    expect((await earlier).state).toBe('running')
    expect(expectBalance(pool)).toMatchObject({ waiting: 0, running: 1 })
  })
})
