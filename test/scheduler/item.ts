import type { Entry, Lane } from '../../src/scheduler/lane.js'
import { OUTSIDE, type Stage } from '../../src/scheduler/lifecycle.js'
import { RateWindow } from '../../src/scheduler/rate-window.js'
import { Scheduler, type SchedulerOptions } from '../../src/scheduler/scheduler.js'
import { Waiter } from '../../src/scheduler/waiter-list.js'

/** A task as the scheduler sees it, with a name. */
export class Item implements Entry<Item> {
  readonly name: string
  stage: Stage = OUTSIDE
  order = 0
  lane: Lane<Item> | null = null
  prev: Item | null = null
  next: Item | null = null

  constructor(name: string) {
    this.name = name
  }
}

/** A waiter with a name. */
export class Caller extends Waiter<Caller> {
  readonly name: string

  constructor(name: string, priority = 0, key?: string, delayed = false, weight = 1) {
    super(priority, key, delayed, weight)
    this.name = name
  }
}

export interface Bounds extends Partial<Omit<SchedulerOptions, 'rate'>> {
  readonly rate?: { readonly starts: number; readonly intervalMs: number }
}

/** A scheduler. Default bounds: one worker, a queue of two, two waiters, no other bound. */
export function scheduler({ rate, ...bounds }: Bounds = {}): Scheduler<Item, Caller> {
  return new Scheduler({
    concurrency: 1,
    queueCapacity: 2,
    waiterCapacity: 2,
    perKey: null,
    ...bounds,
    rate: rate === undefined ? null : new RateWindow(rate.starts, rate.intervalMs)
  })
}

export function started(bounds?: Bounds): Scheduler<Item, Caller> {
  const made = scheduler(bounds)
  made.start()
  return made
}

/** Starts all tasks that may start now and returns their names in order. */
export function startAll(on: Scheduler<Item, Caller>, now = 0): string[] {
  const names: string[] = []
  for (let item = on.next(now); item !== null; item = on.next(now)) names.push(item.name)
  return names
}
