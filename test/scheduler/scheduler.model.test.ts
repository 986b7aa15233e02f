/**
 * Compares the scheduler with a simple model: arrays, and rules that are computed from them at each step.
 *
 * The model does not determine which of several keys is next, only which ones may be. It allows every order of turns.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CLOSED, FULL, KEY_FULL, TO_QUEUE, TO_WORKER } from '../../src/scheduler/intake.js'
import {
  CANCELED,
  DELAYED,
  FAILED,
  OUTSIDE,
  QUEUED,
  RUNNING,
  type Settled,
  type Stage,
  SUCCEEDED
} from '../../src/scheduler/lifecycle.js'
import type { Scheduler } from '../../src/scheduler/scheduler.js'
import { Caller, Item, scheduler } from './item.js'

const KEYS = [undefined, undefined, 'a', 'b', 'c'] as const
const PRIORITIES = [0, 0, 0, -3, 7] as const

interface Rate {
  readonly starts: number
  readonly intervalMs: number
}

interface Config {
  readonly concurrency: number
  readonly queueCapacity: number
  readonly waiterCapacity: number
  readonly perKey: {
    readonly concurrency: number
    readonly queueCapacity: number
    readonly rateLimit?: Rate | undefined
  } | null
  readonly rate: Rate | null
  readonly weightCapacity: number
}

/** A task as the model sees it. */
interface Task {
  readonly item: Item
  priority: number
  readonly key: string | undefined
  readonly weight: number
  stage: Stage
  /** Step at which it was added to its lane. */
  queuedAt: number
}

/** What a newcomer asks for. */
interface Wanted {
  readonly priority: number
  readonly key: string | undefined
  /** It is not to start at once. */
  readonly delayed: boolean
  readonly weight: number
}

/** Number of times each step happened in all runs: a model test that never settles a task proves nothing. */
const seen = new Map<string, number>()
const note = (what: string): void => void seen.set(what, (seen.get(what) ?? 0) + 1)

class Model {
  readonly real: Scheduler<Item, Caller>
  readonly config: Config
  readonly tasks: Task[] = []
  readonly waiters: Caller[] = []
  concurrency: number
  queueCapacity: number
  life: 'created' | 'started' | 'grace' | 'closed' = 'created'
  paused = false
  refused = 0
  now = 0
  /** Calls, and starts that are not called yet. */
  readonly calls: { readonly at: number; readonly key: string | undefined }[] = []
  taken: Task[] = []
  /** For each lane (priority and key) that could be served but was not: the step since when. */
  #step = 0
  readonly #startableSince = new Map<string, number>()
  readonly #servedAt = new Map<string, number>()
  #liveBefore = 0
  #names = 0

  constructor(config: Config) {
    this.config = config
    this.concurrency = config.concurrency
    this.queueCapacity = config.queueCapacity
    const { rate, ...bounds } = config
    this.real = scheduler(rate === null ? bounds : { ...bounds, rate })
  }

  // ── state of the model ───────────────────────────────────────────────────────────────────────────────────────────

  in(...stages: Stage[]): Task[] {
    return this.tasks.filter(({ stage }) => stages.includes(stage))
  }

  get mayStart(): boolean {
    return this.open && this.in(RUNNING).length < this.concurrency && this.opensAt(this.config.rate) <= this.now
  }

  get open(): boolean {
    return (this.life === 'started' || this.life === 'grace') && !this.paused
  }

  /** Whether the time matters. */
  get timed(): boolean {
    return this.config.rate !== null || this.config.perKey?.rateLimit !== undefined
  }

  /** When a rate allows the next start, of all tasks or of those of a key; Infinity while that is not known. */
  opensAt(rate: Rate | null | undefined, key?: string): number {
    if (rate === null || rate === undefined) return Number.NEGATIVE_INFINITY
    const isMine = (other: { readonly key: string | undefined }): boolean => key === undefined || other.key === key
    const dated = this.calls.filter((call) => isMine(call) && call.at + rate.intervalMs > this.now)
    const beyond = dated.length + this.taken.filter(isMine).length - rate.starts
    if (beyond < 0) return Number.NEGATIVE_INFINITY
    const freeing = dated[beyond]
    return freeing === undefined ? Number.POSITIVE_INFINITY : freeing.at + rate.intervalMs
  }

  /** When the next start is allowed that a rate holds back, and nothing else. */
  get rateOpensAt(): number {
    const [head] = this.waiters
    const { perKey, rate } = this.config
    const waits = head !== undefined || this.in(QUEUED).length > 0
    if (!waits || !this.open || this.in(RUNNING).length >= this.concurrency) return Number.POSITIVE_INFINITY
    if (this.opensAt(rate) > this.now) return this.opensAt(rate)
    if (this.startable().length > 0) return Number.POSITIVE_INFINITY
    const keys = this.in(QUEUED).filter(({ key }) => !this.isFull(key))
    const times = [...keys, ...(head === undefined || head.delayed ? [] : [head])]
      .map(({ key }) => (key === undefined ? Number.NEGATIVE_INFINITY : this.opensAt(perKey?.rateLimit, key)))
      .filter((at) => at > this.now)
    return Math.min(...times)
  }

  /** Whether the pool has no free place. */
  #full({ delayed, weight }: Wanted): boolean {
    if (this.heldWeight + weight > this.config.weightCapacity) return true
    const held = this.in(QUEUED, DELAYED).length
    if (this.in(RUNNING).length + held >= this.concurrency + this.queueCapacity) return true
    return (delayed || !this.mayStart) && held >= this.queueCapacity
  }

  /** What all unsettled tasks weigh. */
  get heldWeight(): number {
    if (this.config.weightCapacity === Number.POSITIVE_INFINITY) return 0
    return this.in(QUEUED, DELAYED, RUNNING).reduce((sum, { weight }) => sum + weight, 0)
  }

  atLimit(key: string | undefined): boolean {
    if (this.isFull(key)) return true
    return key !== undefined && this.opensAt(this.config.perKey?.rateLimit, key) > this.now
  }

  /** Whether a key is at its concurrency. */
  isFull(key: string | undefined): boolean {
    const { perKey } = this.config
    return (
      perKey !== null &&
      key !== undefined &&
      this.in(RUNNING).filter((task) => task.key === key).length >= perKey.concurrency
    )
  }

  /** The first tasks of the lanes of the highest priority that may start. */
  startable(): Task[] {
    if (!this.mayStart) return []
    const queued = this.in(QUEUED).filter(({ key }) => !this.atLimit(key))
    const top = Math.max(...queued.map(({ priority }) => priority))
    return queued.filter(
      (task) =>
        task.priority === top &&
        !queued.some((other) => other.priority === top && other.key === task.key && other.queuedAt < task.queuedAt)
    )
  }

  verdict({ key, delayed, weight }: Wanted, fromLine: boolean): number {
    if (this.life === 'grace' || this.life === 'closed') return CLOSED
    const { perKey } = this.config
    const held = this.in(QUEUED, DELAYED)
    const toWorker = !delayed && this.mayStart && !this.atLimit(key)
    if (perKey !== null && key !== undefined) {
      const mine = held.filter((task) => task.key === key).length
      const running = this.in(RUNNING).filter((task) => task.key === key).length
      if (running + mine >= perKey.concurrency + perKey.queueCapacity) return KEY_FULL
      if (mine >= perKey.queueCapacity && !toWorker) return KEY_FULL
    }
    if (!fromLine && this.waiters.length > 0) return FULL
    if (this.in(RUNNING).length + held.length >= this.concurrency + this.queueCapacity) return FULL
    if (this.heldWeight + weight > this.config.weightCapacity) return FULL
    if (toWorker) return TO_WORKER
    return held.length < this.queueCapacity ? TO_QUEUE : FULL
  }

  // ── steps of the pool ────────────────────────────────────────────────────────────────────────────────────────────

  /** The scheduler returned the next task, or null: it must be one of those that may be next. */
  started(item: Item | null): void {
    const startable = this.startable()
    if (item === null) {
      expect(startable, 'I5 nothing that may start is left').toEqual([])
      return
    }
    const task = startable.find((each) => each.item === item)
    expect(task, 'I11 first in its lane, of the highest priority, allowed to run').toBeDefined()
    this.#turn(task as Task, startable)
    this.run(task as Task)
    note('started')
  }

  /** I11: a key is not served twice while another key of the priority could be served all the time. */
  #turn(task: Task, startable: readonly Task[]): void {
    const mine = laneOf(task)
    const last = this.#servedAt.get(mine)
    for (const other of startable) {
      const since = this.#startableSince.get(laneOf(other))
      if (other === task || last === undefined || since === undefined) continue
      expect(since > last, `I11 ${mine} again before ${laneOf(other)}`).toBe(true)
      note('turns')
    }
    this.#servedAt.set(mine, ++this.#step)
    this.#startableSince.delete(mine)
  }

  /** Records since when each lane could be served, ignoring workers, pause and rate limit. */
  #watchTurns(): void {
    this.#step++
    const waiting = new Set(
      this.in(QUEUED)
        .filter(({ key }) => !this.atLimit(key))
        .map(laneOf)
    )
    for (const lane of [...this.#startableSince.keys()]) if (!waiting.has(lane)) this.#startableSince.delete(lane)
    for (const lane of waiting) if (!this.#startableSince.has(lane)) this.#startableSince.set(lane, this.#step)
  }

  run(task: Task): void {
    task.stage = RUNNING
    this.taken.push(task)
    if (this.opensAt(this.config.perKey?.rateLimit, task.key ?? '') > this.now) note('a key at its rate')
    this.#watchTurns()
  }

  startDue(): void {
    for (;;) {
      const item = this.real.next(this.now)
      this.started(item)
      if (item === null) break
    }
    this.serve()
  }

  serve(): void {
    for (;;) {
      const caller = this.real.intake.nextWaiter(this.now)
      const head = this.waiters[0]
      if (head === undefined || this.#full(head) || this.verdict(head, true) === FULL) {
        expect(caller).toBeNull()
        return
      }
      expect(caller, 'I11 the head of the line').toBe(head)
      this.waiters.shift()
      this.accept(head, true, (item) =>
        head.delayed
          ? this.real.intake.grantDelayed(item, head, this.now)
          : this.real.intake.grant(item, head, this.now)
      )
    }
  }

  accept(wanted: Wanted, fromLine: boolean, ask: (item: Item) => number): void {
    const { priority, key, delayed, weight } = wanted
    const expected = this.verdict(wanted, fromLine)
    if (expected === FULL && this.in(QUEUED, DELAYED, RUNNING).length < this.concurrency) note('too heavy')
    const item = new Item(String(this.#names++))
    expect(ask(item)).toBe(expected)
    note(['to worker', 'to queue', 'full', 'key full', 'closed'][expected] as string)
    if (expected > TO_QUEUE) {
      expect([item.stage, item.lane], 'I4 nothing is left of what was refused').toEqual([OUTSIDE, null])
      this.real.refused++
      this.refused++
      return
    }
    const task: Task = { item, priority, key, weight, stage: delayed ? DELAYED : QUEUED, queuedAt: ++this.#step }
    this.tasks.push(task)
    if (delayed) note('delayed at first')
    if (expected === TO_WORKER) this.run(task)
    this.#watchTurns()
  }

  admit(wanted: Wanted): void {
    const { priority, key, delayed, weight } = wanted
    if (this.timed) this.startDue()
    const full = this.verdict(wanted, false) === FULL
    this.accept(wanted, false, (item) =>
      delayed
        ? this.real.intake.admitDelayed(item, priority, key, this.now, weight)
        : this.real.intake.admit(item, priority, key, this.now, weight)
    )
    if (!full) return
    const caller = new Caller('', priority, key, delayed, weight)
    expect(this.real.intake.wait(caller)).toBe(this.waiters.length < this.config.waiterCapacity)
    if (this.waiters.length >= this.config.waiterCapacity) return
    this.waiters.push(caller)
    this.refused--
    this.real.refused-- // it waits instead
    note('waiting')
  }

  /** The function of a task that was given a worker is called. */
  call(task: Task): void {
    this.taken = this.taken.filter((each) => each !== task)
    this.calls.push({ at: this.now, key: task.key })
    this.real.called(task.item, this.now)
    note('called')
  }

  settle(task: Task, to: Settled): void {
    if (this.taken.includes(task)) {
      this.taken = this.taken.filter((each) => each !== task)
      this.real.uncalled(task.item)
    }
    const waits = task.stage !== RUNNING
    const next = this.real.settle(task.item, to, this.now)
    task.stage = to
    this.#watchTurns()
    note(to === SUCCEEDED ? 'succeeded' : to === FAILED ? 'failed' : waits ? 'canceled while waiting' : 'canceled')
    this.handOn(next)
  }

  delay(task: Task): void {
    const next = this.real.delay(task.item, this.now, this.now)
    task.stage = DELAYED
    this.#watchTurns()
    note('delayed')
    this.handOn(next)
  }

  /** One freed place starts at most one task; only time (the rate limit) can allow more. */
  handOn(next: Item | null): void {
    this.started(next)
    if (!this.timed) {
      expect(this.startable(), 'I5 the freed place was the only one').toEqual([])
      this.serve()
    } else this.startDue()
  }

  requeue(task: Task): void {
    this.real.requeue(task.item)
    task.stage = QUEUED
    task.queuedAt = ++this.#step
    this.#watchTurns()
    note('requeued')
    this.startDue()
  }

  reprioritize(task: Task, priority: number): void {
    const held = task.stage === QUEUED || task.stage === DELAYED
    expect(this.real.reprioritize(task.item, priority)).toBe(held)
    if (!held || task.priority === priority) return
    task.priority = priority
    if (task.stage === QUEUED) task.queuedAt = ++this.#step
    this.#watchTurns()
    note('reprioritized')
    if (!this.timed) expect(this.real.next(this.now), 'nothing may start by it').toBeNull()
  }

  pass(ms: number): void {
    this.now += ms
    this.#watchTurns()
  }

  stop(grace: boolean): void {
    this.real.stop(grace)
    this.life = grace && this.life === 'started' ? 'grace' : 'closed'
    this.paused = false
    for (const caller of [...this.waiters]) this.leave(caller)
    this.startDue()
    note('stopped')
  }

  leave(caller: Caller): void {
    this.waiters.splice(this.waiters.indexOf(caller), 1)
    this.real.intake.leave(caller)
    this.real.refused++
    this.refused++
  }

  // ── invariants after every step ──────────────────────────────────────────────────────────────────────────────────

  check(resized: boolean): void {
    const { real } = this
    const count = (stage: Stage): number => this.in(stage).length
    const running = count(RUNNING)
    const queued = count(QUEUED)
    const delayed = count(DELAYED)
    expectSame(
      {
        running: real.running,
        queued: real.queued,
        delayed: real.delayed.size,
        waiting: real.waiters.size,
        accepted: real.accepted,
        refused: real.refused,
        succeeded: real.succeeded,
        failed: real.failed,
        canceled: real.canceled,
        submitted: real.submitted,
        live: real.live,
        held: real.held,
        weight: real.weights?.held ?? 0
      },
      {
        running,
        queued,
        delayed,
        waiting: this.waiters.length,
        accepted: this.tasks.length,
        refused: this.refused,
        succeeded: count(SUCCEEDED),
        failed: count(FAILED),
        canceled: count(CANCELED),
        submitted: this.tasks.length + this.refused + this.waiters.length,
        live: running + queued + delayed,
        held: queued + delayed,
        weight: this.heldWeight
      },
      'I1 the books'
    )
    for (const { item, stage, key } of this.tasks) {
      if (item.stage !== stage) expect(item.stage, `I8 the stage of ${item.name}`).toBe(stage)
      if (item.lane?.key !== key) expect(item.lane?.key).toBe(key)
    }
    const bound = this.concurrency + this.queueCapacity
    if (!resized && this.#liveBefore <= bound) expect(real.live, 'I3 the bound').toBeLessThanOrEqual(bound)
    else if (!resized) expect(real.live, 'I3 falling until it holds').toBeLessThanOrEqual(this.#liveBefore)
    this.#liveBefore = real.live

    const inLanes = [...real.lanes()].flatMap((lane) => {
      const items: Item[] = []
      for (let item = lane.entries.head; item !== null; item = item.next) items.push(item)
      return items
    })
    expect(inLanes.length).toBe(queued)
    for (const item of inLanes) {
      const position = real.position(item)
      if (!(position >= 1 && position <= queued)) expect(position, 'a position from 1 to queued').toBe(queued)
    }
    for (const key of ['a', 'b', 'c']) {
      const mine = (stage: Stage): number => this.in(stage).filter((task) => task.key === key).length
      const held = mine(QUEUED) + mine(DELAYED)
      const { perKey } = this.config
      expectSame(
        real.intake.shareOf(key),
        perKey === null
          ? { concurrency: real.concurrency, running: 0, held: 0, queueCapacity: Number.POSITIVE_INFINITY }
          : {
              concurrency: Math.min(perKey.concurrency, real.concurrency),
              running: mine(RUNNING),
              held,
              queueCapacity: perKey.queueCapacity
            },
        'what a key holds'
      )
      if (perKey !== null && mine(RUNNING) > perKey.concurrency) expect(mine(RUNNING)).toBe(perKey.concurrency)
    }
    if (real.prospects.rateOpensAt(this.now) !== this.rateOpensAt)
      expect(real.prospects.rateOpensAt(this.now), 'I5 the time to wake up').toBe(this.rateOpensAt)
    if (real.anyHeld() === null) expect(queued + delayed).toBe(0)
    else expect([QUEUED, DELAYED]).toContain(real.anyHeld()?.stage)
  }
}

/** Calls `expect` only for values that differ: calling it at each of a million steps would take most of the time. */
function expectSame(actual: object, expected: object, message: string): void {
  if (JSON.stringify(actual) !== JSON.stringify(expected)) expect(actual, message).toEqual(expected)
}

const laneOf = ({ priority, key }: Task): string => `${priority}/${key ?? '-'}`

type Step =
  | ({ readonly do: 'admit' } & Wanted)
  | { readonly do: 'settle'; readonly which: number; readonly to: Settled }
  | { readonly do: 'cancel' | 'delay' | 'requeue' | 'call' | 'leave'; readonly which: number }
  | { readonly do: 'reprioritize'; readonly which: number; readonly priority: number }
  | { readonly do: 'pass'; readonly ms: number }
  | { readonly do: 'resize'; readonly concurrency: number; readonly queueCapacity: number }
  | { readonly do: 'start' | 'pause' | 'resume' | 'close' }
  | { readonly do: 'stop'; readonly grace: boolean }

const which = fc.nat(1_000)
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      do: fc.constant('admit' as const),
      priority: fc.constantFrom(...PRIORITIES),
      key: fc.constantFrom(...KEYS),
      delayed: fc.constantFrom(false, false, false, true),
      weight: fc.constantFrom(1, 1, 2, 3)
    })
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('settle' as const),
      which,
      to: fc.constantFrom(SUCCEEDED, FAILED, CANCELED)
    })
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('cancel' as const), which }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('delay' as const), which }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('requeue' as const), which }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('call' as const), which }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('leave' as const), which }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('reprioritize' as const),
      which,
      priority: fc.constantFrom(...PRIORITIES)
    })
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.nat(60) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('resize' as const),
      concurrency: fc.integer({ min: 1, max: 5 }),
      queueCapacity: fc.nat(8)
    })
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constantFrom('start' as const, 'start' as const, 'resume' as const, 'resume' as const, 'pause' as const)
    })
  }
)
/** After a stop few steps are possible, so it comes late or not at all. */
const end: fc.Arbitrary<readonly Step[]> = fc.oneof(
  fc.constant([]),
  fc
    .record({ grace: fc.boolean(), rest: fc.array(step, { size: 'max', maxLength: 20 }), close: fc.boolean() })
    .map(({ grace, rest, close }): Step[] => [
      { do: 'stop', grace },
      ...rest,
      ...(close ? [{ do: 'close' } as const] : []),
      ...rest
    ])
)

const config: fc.Arbitrary<Config> = fc.record({
  concurrency: fc.integer({ min: 1, max: 4 }),
  queueCapacity: fc.oneof(fc.nat(8), fc.constant(Number.POSITIVE_INFINITY)),
  waiterCapacity: fc.nat(3),
  weightCapacity: fc.constantFrom(Number.POSITIVE_INFINITY, 3, 6),
  perKey: fc.option(
    fc.record({
      concurrency: fc.constantFrom(1, 2, Number.POSITIVE_INFINITY),
      queueCapacity: fc.constantFrom(0, 1, 3, Number.POSITIVE_INFINITY),
      rateLimit: fc.option(
        fc.record({ starts: fc.integer({ min: 1, max: 3 }), intervalMs: fc.integer({ min: 1, max: 100 }) }),
        { nil: undefined }
      )
    })
  ),
  rate: fc.option(fc.record({ starts: fc.integer({ min: 1, max: 3 }), intervalMs: fc.integer({ min: 1, max: 100 }) }), {
    freq: 3
  })
})

function take(model: Model, step: Step): void {
  const pick = <T>(from: readonly T[], index: number): T | undefined => from[index % from.length]
  switch (step.do) {
    case 'admit':
      return model.admit(step)
    case 'settle': {
      const task = pick(model.in(RUNNING), step.which)
      return task && model.settle(task, step.to)
    }
    case 'cancel': {
      const task = pick(model.in(QUEUED, DELAYED), step.which)
      return task && model.settle(task, CANCELED)
    }
    case 'delay': {
      const task = pick(
        model.in(RUNNING).filter((each) => !model.taken.includes(each)),
        step.which
      )
      return task && model.delay(task)
    }
    case 'requeue': {
      const task = pick(model.in(DELAYED), step.which)
      return task && model.requeue(task)
    }
    case 'call': {
      const task = pick(model.taken, step.which)
      return task && model.call(task)
    }
    case 'leave': {
      const caller = pick(model.waiters, step.which)
      if (caller === undefined) return
      model.leave(caller)
      return model.serve()
    }
    case 'reprioritize': {
      const task = pick(model.tasks, step.which)
      return task && model.reprioritize(task, step.priority)
    }
    case 'pass':
      model.pass(step.ms)
      return model.startDue()
    case 'resize':
      model.concurrency = step.concurrency
      model.queueCapacity = step.queueCapacity
      model.real.concurrency = step.concurrency
      model.real.queueCapacity = step.queueCapacity
      return model.startDue()
    case 'start':
      if (model.life !== 'created') return
      model.life = 'started'
      model.real.start()
      return model.startDue()
    case 'pause':
      model.paused = model.life === 'created' || model.life === 'started'
      return model.real.pause()
    case 'resume':
      model.paused = false
      model.real.resume()
      return model.startDue()
    case 'stop':
      return model.stop(step.grace)
    case 'close':
      model.life = 'closed'
      return model.real.close()
    default:
      return step satisfies never
  }
}

describe('Scheduler, against a model', () => {
  it('I1 I3 I5 I8 I11 keeps its counters, its bound, its workers busy, its transitions legal and its order, whatever happens', () => {
    const RUNS = 400
    fc.assert(
      fc.property(config, fc.array(step, { size: 'max', maxLength: 120 }), end, (given, steps, ending) => {
        const model = new Model(given)
        for (const each of [...steps, ...ending]) {
          take(model, each)
          expect(model.paused).toBe(model.real.paused)
          model.check(each.do === 'resize')
        }
      }),
      { numRuns: RUNS }
    )
    const rare = [
      'to worker',
      'to queue',
      'full',
      'key full',
      'closed',
      'started',
      'called',
      'turns',
      'waiting',
      'succeeded',
      'failed',
      'canceled',
      'canceled while waiting',
      'delayed',
      'delayed at first',
      'too heavy',
      'reprioritized',
      'a key at its rate',
      'requeued',
      'stopped'
    ].filter((what) => (seen.get(what) ?? 0) < RUNS / 20)
    expect(rare, `what happened too seldom, of ${JSON.stringify([...seen])}`).toEqual([])
  })
})
