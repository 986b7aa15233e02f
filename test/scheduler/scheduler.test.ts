import { describe, expect, it } from 'vitest'
import { CLOSED, FULL, KEY_FULL, TO_QUEUE, TO_WORKER } from '../../src/scheduler/intake.js'
import {
  CANCELED,
  CREATED,
  DELAYED,
  FAILED,
  OUTSIDE,
  QUEUED,
  RUNNING,
  STARTED,
  STOPPED,
  STOPPING,
  SUCCEEDED
} from '../../src/scheduler/lifecycle.js'
import type { Scheduler } from '../../src/scheduler/scheduler.js'
import { Caller, Item, scheduler, startAll, started } from './item.js'

/** Admits items by name: priority 0, the key given before a slash (`acme/1`). */
function admit(on: Scheduler<Item, Caller>, ...names: string[]): { verdicts: number[]; items: Record<string, Item> } {
  const items: Record<string, Item> = {}
  const verdicts = names.map((name) => {
    const item = new Item(name)
    items[name] = item
    return on.intake.admit(item, 0, name.includes('/') ? name.split('/')[0] : undefined, 0)
  })
  return { verdicts, items }
}

const counts = (on: Scheduler<Item, Caller>) => ({
  running: on.running,
  queued: on.queued,
  delayed: on.delayed.size,
  waiting: on.waiters.size,
  held: on.held,
  live: on.live
})

const totals = (on: Scheduler<Item, Caller>) => ({
  submitted: on.submitted,
  accepted: on.accepted,
  refused: on.refused,
  succeeded: on.succeeded,
  failed: on.failed,
  canceled: on.canceled
})

describe('Scheduler: admission', () => {
  it('A1 accepts concurrency + queueCapacity tasks and refuses the next without a trace', () => {
    const pool = started({ concurrency: 2, queueCapacity: 3 })
    const { verdicts, items } = admit(pool, 'a', 'b', 'c', 'd', 'e', 'f')
    expect(verdicts).toEqual([TO_WORKER, TO_WORKER, TO_QUEUE, TO_QUEUE, TO_QUEUE, FULL])
    expect({ ...items['f'] }).toEqual({ name: 'f', stage: OUTSIDE, order: 0, lane: null, prev: null, next: null })
    expect(counts(pool)).toEqual({ running: 2, queued: 3, delayed: 0, waiting: 0, held: 3, live: 5 })
    expect(totals(pool)).toEqual({ submitted: 5, accepted: 5, refused: 0, succeeded: 0, failed: 0, canceled: 0 })
    expect([pool.peakRunning, pool.peakQueued]).toEqual([2, 3])
  })

  it('A2 with queueCapacity 0, gives a task to a free worker or refuses it', () => {
    const pool = started({ queueCapacity: 0 })
    const { verdicts, items } = admit(pool, 'a', 'b')
    expect(verdicts).toEqual([TO_WORKER, FULL])
    expect(pool.settle(items['a'] as Item, SUCCEEDED, 0)).toBeNull()
    expect(admit(pool, 'c').verdicts).toEqual([TO_WORKER])
  })

  it('A3 accepts queueCapacity before the start, and runs what was queued then', () => {
    const pool = scheduler({ concurrency: 2, queueCapacity: 3 })
    expect(admit(pool, 'a', 'b', 'c', 'd').verdicts).toEqual([TO_QUEUE, TO_QUEUE, TO_QUEUE, FULL])
    expect(startAll(pool)).toEqual([])
    pool.start()
    expect(startAll(pool)).toEqual(['a', 'b'])
    expect(pool.stage).toBe(STARTED)
  })

  it('A20 bounds the queue while it is paused', () => {
    const pool = started({ concurrency: 2 })
    pool.pause()
    expect(admit(pool, 'a', 'b', 'c').verdicts).toEqual([TO_QUEUE, TO_QUEUE, FULL])
    expect(startAll(pool)).toEqual([])
    pool.resume()
    expect(startAll(pool)).toEqual(['a', 'b'])
  })

  it('A20 bounds the queue while the rate limit holds tasks back', () => {
    const pool = started({ concurrency: 5, rate: { starts: 1, intervalMs: 100 } })
    expect(admit(pool, 'a', 'b', 'c', 'd').verdicts).toEqual([TO_WORKER, TO_QUEUE, TO_QUEUE, FULL])
  })

  it('A21 keeps a place for a task that waits for its retry', () => {
    const pool = started({ concurrency: 1, queueCapacity: 1 })
    const { items } = admit(pool, 'a', 'b')
    expect(pool.delay(items['a'] as Item, 0, 0)?.name).toBe('b')
    expect(counts(pool)).toEqual({ running: 1, queued: 0, delayed: 1, waiting: 0, held: 1, live: 2 })
    expect(admit(pool, 'c').verdicts).toEqual([FULL])
    expect(pool.delay(items['b'] as Item, 0, 0)).toBeNull()
    expect(admit(pool, 'c').verdicts, 'a worker is free, but both places are taken').toEqual([FULL])
    pool.requeue(items['a'] as Item)
    pool.requeue(items['b'] as Item)
    expect(pool.queued, 'returning retries may stand above the capacity until one starts').toBe(2)
    expect(startAll(pool)).toEqual(['a'])
    expect([items['a']?.stage, items['b']?.stage]).toEqual([RUNNING, QUEUED])
  })

  it('orders a task that is accepted with a delay after those accepted before it', () => {
    const pool = started({ concurrency: 1, queueCapacity: 2 })
    admit(pool, 'runs')
    const before = pool.lastOrder
    const delayed = new Item('delayed')
    expect(pool.intake.admitDelayed(delayed, 0, undefined, 100)).toBe(TO_QUEUE)
    expect([delayed.order, pool.lastOrder]).toEqual([before + 1, before + 1])
  })

  it('judges the bound of the key before that of the pool', () => {
    const pool = started({ queueCapacity: 1, perKey: { concurrency: 1, queueCapacity: 0 } })
    expect(admit(pool, 'acme/1', 'acme/2', 'other/1', 'plain', 'plain too').verdicts).toEqual([
      TO_WORKER,
      KEY_FULL,
      KEY_FULL, // its queue is full, and no worker is free
      TO_QUEUE,
      FULL
    ])
    expect(admit(pool, 'acme/3').verdicts, 'the pool is full as well').toEqual([KEY_FULL])
  })

  it('gives a worker to a new task while the queue holds only tasks of keys at their limit', () => {
    const pool = started({
      concurrency: 2,
      queueCapacity: 5,
      perKey: { concurrency: 1, queueCapacity: Number.POSITIVE_INFINITY }
    })
    expect(admit(pool, 'acme/1', 'acme/2', 'other/1', 'other/2', 'plain').verdicts).toEqual([
      TO_WORKER,
      TO_QUEUE,
      TO_WORKER,
      TO_QUEUE,
      TO_QUEUE
    ])
  })

  it('returns the tasks of a key, and removes its share with the last one', () => {
    const pool = started({ perKey: { concurrency: 1, queueCapacity: 2 } })
    const { items } = admit(pool, 'acme/1', 'acme/2')
    expect(pool.intake.shareOf('acme')).toEqual({ concurrency: 1, running: 1, held: 1, queueCapacity: 2 })
    expect(pool.intake.shareOf('other')).toEqual({ concurrency: 1, running: 0, held: 0, queueCapacity: 2 })
    expect(pool.delay(items['acme/1'] as Item, 0, 0)?.name).toBe('acme/2')
    expect(pool.intake.shareOf('acme')).toEqual({ concurrency: 1, running: 1, held: 1, queueCapacity: 2 })
    expect(pool.settle(items['acme/1'] as Item, CANCELED, 0)).toBeNull()
    expect(pool.settle(items['acme/2'] as Item, SUCCEEDED, 0)).toBeNull()
    expect(pool.intake.shareOf('acme')).toEqual({ concurrency: 1, running: 0, held: 0, queueCapacity: 2 })
    expect(started({ concurrency: 7 }).intake.shareOf('acme')).toEqual({
      concurrency: 7,
      running: 0,
      held: 0,
      queueCapacity: Number.POSITIVE_INFINITY
    })
  })
})

describe('Scheduler: running and settling', () => {
  it('gives the worker of a task that ended to the next in the same step', () => {
    const pool = started()
    const { items } = admit(pool, 'a', 'b', 'c')
    expect(pool.settle(items['a'] as Item, SUCCEEDED, 0)).toBe(items['b'])
    expect(pool.settle(items['b'] as Item, FAILED, 0)).toBe(items['c'])
    expect(pool.settle(items['c'] as Item, CANCELED, 0)).toBeNull()
    expect(totals(pool)).toEqual({ submitted: 3, accepted: 3, refused: 0, succeeded: 1, failed: 1, canceled: 1 })
    expect(counts(pool)).toEqual({ running: 0, queued: 0, delayed: 0, waiting: 0, held: 0, live: 0 })
  })

  it('keeps the peaks of running and queued tasks', () => {
    const pool = started({ concurrency: 2 })
    const { items } = admit(pool, 'a', 'b', 'c', 'd')
    for (const name of ['a', 'b', 'c', 'd']) pool.settle(items[name] as Item, SUCCEEDED, 0)
    admit(pool, 'e', 'f', 'g')
    expect([pool.running, pool.queued, pool.peakRunning, pool.peakQueued]).toEqual([2, 1, 2, 2])
    const one = started({ concurrency: 2 })
    for (const names of [['a', 'b'], ['c']]) {
      const { items } = admit(one, ...names)
      for (const name of names) one.settle(items[name] as Item, SUCCEEDED, 0)
    }
    expect(one.peakRunning).toBe(2)
  })

  it('C1 frees the place of a queued task that is canceled, at once', () => {
    const pool = started({ queueCapacity: 3 })
    const { items } = admit(pool, 'a', 'b', 'c', 'd')
    expect(pool.settle(items['c'] as Item, CANCELED, 0)).toBeNull()
    expect(admit(pool, 'e').verdicts).toEqual([TO_QUEUE])
    expect(pool.settle(items['a'] as Item, SUCCEEDED, 0)?.name).toBe('b')
    expect(pool.settle(items['b'] as Item, SUCCEEDED, 0)?.name).toBe('d')
    expect(pool.settle(items['d'] as Item, SUCCEEDED, 0)?.name).toBe('e')
  })

  it('I8 refuses to settle a task twice, or to succeed one that never ran', () => {
    const pool = started()
    const { items } = admit(pool, 'a', 'b')
    expect(() => pool.settle(items['b'] as Item, SUCCEEDED, 0)).toThrow('illegal move')
    pool.settle(items['a'] as Item, SUCCEEDED, 0)
    expect(() => pool.settle(items['a'] as Item, FAILED, 0)).toThrow('illegal move')
    expect(totals(pool)).toEqual({ submitted: 2, accepted: 2, refused: 0, succeeded: 1, failed: 0, canceled: 0 })
  })

  it('puts a task that is retried at the back of its lane', () => {
    const pool = started({ queueCapacity: 3 })
    const { items } = admit(pool, 'a', 'b', 'c')
    expect(pool.delay(items['a'] as Item, 0, 0)?.name).toBe('b')
    expect(items['a']?.stage).toBe(DELAYED)
    pool.requeue(items['a'] as Item)
    expect(pool.settle(items['b'] as Item, SUCCEEDED, 0)?.name).toBe('c')
    expect(pool.settle(items['c'] as Item, SUCCEEDED, 0)?.name).toBe('a')
  })

  it('removes a delayed task when it is canceled', () => {
    const pool = started()
    const { items } = admit(pool, 'a')
    pool.delay(items['a'] as Item, 0, 0)
    expect(pool.settle(items['a'] as Item, CANCELED, 0)).toBeNull()
    expect(counts(pool)).toEqual({ running: 0, queued: 0, delayed: 0, waiting: 0, held: 0, live: 0 })
  })

  it('starts the next task of a key when one of its tasks is delayed', () => {
    const pool = started({ concurrency: 2, queueCapacity: 4, perKey: { concurrency: 1, queueCapacity: 3 } })
    const { items } = admit(pool, 'acme/1', 'acme/2', 'other/1')
    expect(startAll(pool)).toEqual([])
    expect(pool.delay(items['acme/1'] as Item, 0, 0)?.name).toBe('acme/2')
  })

  it('A18 ends no task when it shrinks, and starts none until enough have ended', () => {
    const pool = started({ concurrency: 3, queueCapacity: 3 })
    const { items } = admit(pool, 'a', 'b', 'c', 'd', 'e', 'f')
    pool.concurrency = 1
    pool.queueCapacity = 0
    expect(startAll(pool)).toEqual([])
    expect(admit(pool, 'g').verdicts).toEqual([FULL])
    expect(pool.settle(items['a'] as Item, SUCCEEDED, 0)).toBeNull()
    expect(pool.settle(items['b'] as Item, SUCCEEDED, 0)).toBeNull()
    expect(pool.settle(items['c'] as Item, SUCCEEDED, 0)?.name).toBe('d')
    expect(admit(pool, 'g').verdicts).toEqual([FULL])
    pool.concurrency = 8
    expect(startAll(pool)).toEqual(['e', 'f'])
    expect(admit(pool, 'g').verdicts).toEqual([TO_WORKER])
  })

  it('returns the position of each queued task, also of a requeued one', () => {
    const pool = started({ queueCapacity: 3 })
    const { items } = admit(pool, 'a', 'b', 'c')
    const position = (name: string): number => pool.position(items[name] as Item)
    expect(['b', 'c'].map(position)).toEqual([1, 2])
    pool.delay(items['a'] as Item, 0, 0)
    pool.requeue(items['a'] as Item)
    expect(['c', 'a'].map(position)).toEqual([1, 2])
    expect([items['a'], items['b'], items['c']].map((item) => item?.order)).toEqual([4, 2, 3])
  })

  it('finds a task that holds a place without a worker', () => {
    const pool = started()
    expect(pool.anyHeld()).toBeNull()
    const { items } = admit(pool, 'a', 'b')
    expect(pool.anyHeld()?.name).toBe('b')
    expect(pool.position(items['b'] as Item)).toBe(1)
    expect([...pool.lanes()].map(({ entries }) => entries.size)).toEqual([1])
    pool.delay(items['a'] as Item, 0, 0)
    expect(pool.anyHeld()?.name).toBe('a')
  })
})

describe('Scheduler: the rate limit', () => {
  const rate = { starts: 1, intervalMs: 100 }

  it('holds back starts, and returns when the next is due', () => {
    const pool = started({ concurrency: 2, rate })
    expect(pool.prospects.rateOpensAt(0), 'nobody waits').toBe(Number.POSITIVE_INFINITY)
    admit(pool, 'a', 'b')
    expect(pool.next(0)).toBeNull()
    expect(pool.prospects.rateOpensAt(0), 'the call is still to be dated').toBe(Number.POSITIVE_INFINITY)
    pool.rate?.called(5)
    expect(pool.prospects.rateOpensAt(6)).toBe(105)
    expect(pool.next(104)).toBeNull()
    expect(pool.prospects.rateOpensAt(105), 'it is open').toBe(Number.POSITIVE_INFINITY)
    expect(pool.next(105)?.name).toBe('b')
  })

  it('has no opening time if no task waits for it', () => {
    const pool = started({ concurrency: 2, rate })
    admit(pool, 'a')
    pool.rate?.called(0)
    expect(pool.prospects.rateOpensAt(1)).toBe(Number.POSITIVE_INFINITY)
    const unlimited = started({ concurrency: 2, perKey: { concurrency: 1, queueCapacity: 5 } })
    expect(admit(unlimited, 'acme/1', 'acme/2').verdicts).toEqual([TO_WORKER, TO_QUEUE])
    expect(unlimited.prospects.rateOpensAt(0), 'it waits for its key').toBe(Number.POSITIVE_INFINITY)
  })

  it('has no opening time in a pool that is busy or paused', () => {
    const pool = started({ concurrency: 1, rate })
    const { items } = admit(pool, 'a', 'b')
    pool.rate?.called(0)
    expect(pool.prospects.rateOpensAt(1), 'no worker is free').toBe(Number.POSITIVE_INFINITY)
    expect(pool.settle(items['a'] as Item, SUCCEEDED, 1)).toBeNull()
    expect(pool.prospects.rateOpensAt(1)).toBe(100)
    pool.pause()
    expect(pool.prospects.rateOpensAt(1)).toBe(Number.POSITIVE_INFINITY)
  })

  it('opens for waiters too', () => {
    const pool = started({ concurrency: 1, queueCapacity: 0, rate })
    const { items } = admit(pool, 'a')
    pool.rate?.called(0)
    pool.settle(items['a'] as Item, SUCCEEDED, 10)
    expect(pool.intake.admit(new Item('b'), 0, undefined, 10)).toBe(FULL)
    pool.intake.wait(new Caller('b'))
    expect(pool.prospects.rateOpensAt(10)).toBe(100)
    expect(pool.intake.nextWaiter(99)).toBeNull()
    expect(pool.intake.nextWaiter(100)?.name).toBe('b')
  })
})

describe('Scheduler: waiters', () => {
  it('accepts up to waiterCapacity waiters, and gives a freed place to the first', () => {
    const pool = started({ queueCapacity: 0 })
    const { items } = admit(pool, 'a')
    const callers = [new Caller('first'), new Caller('second'), new Caller('third')]
    expect(callers.map((caller) => pool.intake.wait(caller))).toEqual([true, true, false])
    expect(pool.intake.nextWaiter(0)).toBeNull()
    expect(pool.submitted, 'whoever waits is submitted; the third was not counted').toBe(3)

    pool.settle(items['a'] as Item, SUCCEEDED, 0)
    expect(admit(pool, 'newcomer').verdicts, 'somebody waits').toEqual([FULL])
    const first = pool.intake.nextWaiter(0)
    expect(first?.name).toBe('first')
    const item = new Item('granted')
    expect(pool.intake.grant(item, first as Caller, 0)).toBe(TO_WORKER)
    expect(item.stage).toBe(RUNNING)
    expect(pool.intake.nextWaiter(0), 'A17 one place, one waiter').toBeNull()
    expect(counts(pool)).toEqual({ running: 1, queued: 0, delayed: 0, waiting: 1, held: 0, live: 1 })
  })

  it('I11 serves waiters first come, first served, whatever their priority; the queue applies it', () => {
    const pool = scheduler({ queueCapacity: 2 })
    admit(pool, 'a', 'b')
    pool.intake.wait(new Caller('low', -1))
    pool.intake.wait(new Caller('high', 9))
    pool.queueCapacity = 4
    for (const name of ['low', 'high']) {
      const caller = pool.intake.nextWaiter(0) as Caller
      expect(caller.name).toBe(name)
      expect(pool.intake.grant(new Item(name), caller, 0)).toBe(TO_QUEUE)
    }
    expect(pool.intake.nextWaiter(0)).toBeNull()
    pool.start()
    pool.concurrency = 4
    expect(startAll(pool)).toEqual(['high', 'a', 'b', 'low'])
  })

  it('removes a waiter from any position', () => {
    const pool = scheduler({ queueCapacity: 0, waiterCapacity: 3 })
    const [a, b, c] = [new Caller('a'), new Caller('b'), new Caller('c')] as const
    for (const caller of [a, b, c]) pool.intake.wait(caller)
    pool.intake.leave(b)
    pool.intake.leave(a)
    pool.start()
    expect(pool.intake.nextWaiter(0)).toBe(c)
    expect(pool.waiters.size).toBe(0)
  })

  it('refuses the first waiter if its key is full once there is a place, and all waiters once the pool stops', () => {
    const pool = started({ concurrency: 1, queueCapacity: 1, perKey: { concurrency: 1, queueCapacity: 1 } })
    const { items } = admit(pool, 'acme/1', 'plain')
    const acme = new Caller('acme', 0, 'acme')
    pool.intake.wait(acme)
    expect(pool.intake.nextWaiter(0)).toBeNull()
    pool.delay(items['acme/1'] as Item, 0, 0)
    pool.settle(items['plain'] as Item, SUCCEEDED, 0)
    pool.requeue(items['acme/1'] as Item)
    startAll(pool)
    expect(pool.intake.nextWaiter(0)).toBe(acme)
    expect(pool.intake.grant(new Item('acme/2'), acme, 0)).toBe(TO_QUEUE)

    const late = new Caller('late', 0, 'acme')
    pool.intake.wait(late)
    expect(pool.intake.nextWaiter(0), 'the key is full, but so is the pool').toBeNull()
    pool.queueCapacity = 5
    expect(pool.intake.nextWaiter(0), 'there is a place, but not for this key').toBe(late)
    expect(pool.intake.grant(new Item('acme/3'), late, 0)).toBe(KEY_FULL)

    pool.intake.wait(new Caller('last'))
    pool.stop(true)
    const last = pool.intake.nextWaiter(0) as Caller
    expect(pool.intake.grant(new Item('last'), last, 0)).toBe(CLOSED)
  })

  it('refuses a new task as closed, also while waiters are not refused yet', () => {
    const pool = started()
    pool.intake.wait(new Caller('first'))
    pool.stop(true)
    expect(admit(pool, 'newcomer').verdicts).toEqual([CLOSED])
  })
})

describe('Scheduler: lifecycle', () => {
  it('is created, started, stopping, stopped', () => {
    const pool = scheduler()
    expect(pool.stage).toBe(CREATED)
    pool.start()
    expect(pool.stage).toBe(STARTED)
    pool.stop(true)
    expect(pool.stage).toBe(STOPPING)
    pool.finish()
    expect(pool.stage).toBe(STOPPED)
    expect(admit(pool, 'a').verdicts).toEqual([CLOSED])
  })

  it('I12 starts tasks after a stop only during the grace', () => {
    const pool = started()
    const { items } = admit(pool, 'a', 'b', 'c')
    pool.stop(true)
    expect(admit(pool, 'd').verdicts).toEqual([CLOSED])
    expect(pool.settle(items['a'] as Item, SUCCEEDED, 0)?.name).toBe('b')
    pool.close()
    expect(pool.settle(items['b'] as Item, SUCCEEDED, 0)).toBeNull()
    expect(pool.anyHeld()?.name).toBe('c')
  })

  it('I12 starts nothing after a stop without grace, or of a pool that was never started', () => {
    const now = started()
    const { items } = admit(now, 'a', 'b')
    now.stop(false)
    expect(now.settle(items['a'] as Item, SUCCEEDED, 0)).toBeNull()

    const never = scheduler()
    admit(never, 'a')
    never.stop(true)
    expect(startAll(never)).toEqual([])
  })

  it('ends a pause by a stop, and ignores pause and resume after it', () => {
    const pool = started()
    pool.pause()
    admit(pool, 'a')
    pool.stop(true)
    expect(pool.paused).toBe(false)
    expect(startAll(pool), 'grace lets it run').toEqual(['a'])
    pool.pause()
    expect(pool.paused).toBe(false)
    pool.close()
    pool.resume()
    expect(startAll(pool)).toEqual([])
  })

  it('keeps a pause across the start, and starts nothing by a resume before it', () => {
    const pool = scheduler()
    admit(pool, 'a')
    pool.pause()
    pool.start()
    expect([pool.paused, startAll(pool)]).toEqual([true, []])
    pool.resume()
    expect([pool.paused, startAll(pool)]).toEqual([false, ['a']])

    const fresh = scheduler()
    admit(fresh, 'a')
    fresh.pause()
    fresh.resume()
    expect(startAll(fresh)).toEqual([])
  })

  it('reports whether a waiting task will start without a running task ending', () => {
    const pool = started({ concurrency: 2, perKey: { concurrency: 1, queueCapacity: 5 } })
    expect(pool.prospects.mayStartMore(0), 'nothing waits').toBe(false)
    const { items } = admit(pool, 'acme/1', 'acme/2')
    expect(pool.prospects.mayStartMore(0), 'it waits for the one that runs').toBe(false)
    pool.pause()
    expect(pool.prospects.mayStartMore(0), 'somebody may resume').toBe(true)
    pool.resume()
    pool.delay(items['acme/1'] as Item, 0, 0)
    expect(pool.prospects.mayStartMore(0), 'a retry comes back').toBe(true)

    const rated = started({ concurrency: 2, rate: { starts: 1, intervalMs: 100 } })
    admit(rated, 'a', 'b')
    expect(rated.prospects.mayStartMore(0), 'the rate opens').toBe(true)
    rated.rate?.called(0)
    expect(rated.prospects.mayStartMore(100), 'the rate has opened: it is not what holds it back').toBe(false)
    const busy = started()
    const { items: waits } = admit(busy, 'a', 'b')
    expect(busy.prospects.mayStartMore(0), 'no worker is free').toBe(false)
    expect(busy.delay(waits['a'] as Item, 0, 0)?.name).toBe('b')
    expect(busy.prospects.mayStartMore(0), 'nor will one be for the retry that comes back').toBe(false)
  })

  it('A5 estimates when a place is free', () => {
    const pool = started()
    expect(pool.prospects.retryAfterMs(0)).toBe(1_000)
    pool.prospects.runTimes.observe(5_000)
    admit(pool, 'a', 'b', 'c')
    expect(pool.prospects.retryAfterMs(0)).toBe(15_000)
  })
})
