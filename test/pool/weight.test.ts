import { describe, expect, it } from 'vitest'
import { QueueFullError, WorkerPool } from '../../src/index.js'
import { gate } from '../support/gate.js'
import { rejection, startedPool, thrown, watchedPool } from '../support/pools.js'

describe('weight', () => {
  it('bounds the sum of what accepted tasks weigh, from the acceptance to the settle', async () => {
    const { clock, pool } = startedPool({ concurrency: 4, weightCapacity: 100 })
    const gates = [gate(), gate()]
    const [big] = [60, 30].map((weight, n) => pool.queueTask(() => gates[n]?.promise, { weight }))
    expect(pool.stats()).toMatchObject({ heldWeight: 90, weightCapacity: 100, running: 2 })
    expect(thrown(() => pool.queueTask(() => {}, { weight: 11 }))).toBeInstanceOf(QueueFullError)
    const small = pool.queueTask(() => {}, { weight: 10 })
    expect(thrown(() => pool.queueTask(() => {}))).toBeInstanceOf(QueueFullError)
    await clock.turn()
    expect([small.state, pool.stats().heldWeight]).toEqual(['succeeded', 90])
    expect([big?.cancel(), pool.stats().heldWeight]).toEqual([true, 90])
    for (const { open } of gates) open()
    await clock.turn()
    expect(pool.stats().heldWeight).toBe(0)
  })

  it('is told by the refusal: what was wanted, what is held, and the bound', () => {
    const { pool } = watchedPool({ weightCapacity: 8 })
    pool.queueTask(() => {}, { weight: 5 }).id
    const error = thrown(() => pool.queueTask(() => {}, { weight: 4 })) as QueueFullError
    expect(error).toMatchObject({ weight: 4, heldWeight: 5, weightCapacity: 8, queued: 1, queueCapacity: 10 })
    expect(error.message).toBe(
      'The pool is full: 0 of 1 running, 1 of 10 queued, a weight of 5 of 8 held and 4 wanted. ' +
        'The pool was not started. Try again in 1000 ms, or answer 503.'
    )
    const plain = new WorkerPool({ concurrency: 1, queueCapacity: 0 })
    expect(thrown(() => plain.queueTask(() => {}))).not.toHaveProperty('weight')
  })

  it('A17 is waited for as a whole by the first waiter, and nobody passes it', async () => {
    const { clock, pool } = startedPool({ concurrency: 4, weightCapacity: 10, waiterCapacity: 5 })
    const gates = [gate(), gate()]
    for (const { promise } of gates) pool.queueTask(() => promise, { weight: 5 })
    const order: string[] = []
    const wait = (name: string, weight: number) =>
      pool.queueTaskWhenFree(() => order.push(name), { weight, name }).then((task) => task.name)
    const waits = [wait('whole', 10), wait('light', 1)]
    gates[0]?.open()
    await clock.turn()
    expect([order, pool.stats().waiting, pool.stats().heldWeight]).toEqual([[], 2, 5])
    expect(thrown(() => pool.queueTask(() => {}, { weight: 1 }))).toBeInstanceOf(QueueFullError)
    gates[1]?.open()
    await clock.turn()
    expect([order, await Promise.all(waits)]).toEqual([
      ['whole', 'light'],
      ['whole', 'light']
    ])
  })

  it('admits all waiters that fit when one heavy task settles', async () => {
    const { clock, pool } = startedPool({ concurrency: 4, weightCapacity: 3, waiterCapacity: 5 })
    const heavy = pool.queueTask(() => new Promise(() => {}), { weight: 3, delayMs: 5 })
    const waits = Array.from({ length: 4 }, () => pool.queueTaskWhenFree(() => new Promise<void>(() => {})))
    expect([heavy.cancel(), pool.stats()]).toEqual([true, expect.objectContaining({ waiting: 1, running: 3 })])
    void pool.stop({ graceMs: 0, forceMs: 0 })
    expect(await rejection(waits[3] as Promise<unknown>)).toMatchObject({ code: 'ERR_POOL_STOPPED' })
    await clock.turn()
  })

  it('counts for nothing in a pool without a capacity', () => {
    const { pool } = watchedPool()
    for (const weight of [1e9, 1e9]) pool.queueTask(() => {}, { weight })
    expect(pool.stats()).toMatchObject({ heldWeight: 0, weightCapacity: null, queued: 2 })
  })

  it('of fractions leaves nothing behind', async () => {
    const { clock, pool } = startedPool({ concurrency: 3, weightCapacity: 1 })
    for (const weight of [0.1, 0.2, 0.3]) pool.queueTask(() => {}, { weight })
    await clock.turn()
    expect(pool.stats().heldWeight).toBe(0)
  })

  it('above the capacity can never be accepted: a RangeError, at once and not counted', async () => {
    const { pool } = startedPool({ weightCapacity: 8, handlers: { send: () => {} } })
    const message = 'Expected `weight` to be at most the `weightCapacity` of the pool, 8, got `9` (number)'
    expect(() => pool.queueTask(() => {}, { weight: 9 })).toThrow(new RangeError(message))
    await expect(pool.queueTaskWhenFree(() => {}, { weight: 9 })).rejects.toThrow(new RangeError(message))
    for (const weight of [0, -1, Number.NaN, Number.POSITIVE_INFINITY])
      expect(() => pool.queueTask(() => {}, { weight })).toThrow(
        'Expected `weight` to be a finite number above 0, got '
      )
    expect(pool.stats().totals.submitted).toBe(0)
    for (const weightCapacity of [0, 0.5, Number.NaN])
      expect(() => new WorkerPool({ concurrency: 1, queueCapacity: 1, weightCapacity })).toThrow(
        'Expected `weightCapacity` to be a number from 1, or Infinity, got '
      )
  })
})
